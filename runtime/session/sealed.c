/* Sealing sessions into their cookie; see sealed.h. */
#include "session/sealed.h"

#include <uv.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "crypto/digest.h"
#include "crypto/seal.h"

enum { HEAD = RL_SESSION_ID + 8 };

typedef struct sealed_store {
  rl_session_store store; /* first */
  const rl_keyring *ring;
  rl_session_memory *revoked;
  uint8_t subkeys[RL_KEYRING_MOST][RL_KEY_SIZE]; /* derived once */
} sealed_store;

#define PURPOSE RL_SLICE("session")

static rl_seal_context context_of(const sealed_store *s, const rl_session_rules *rules) {
  return (rl_seal_context){.ring = s->ring,
                           .name = rules->name,
                           .purpose = PURPOSE,
                           .subkeys = s->subkeys,
                           .now_ms = rules->now_ms,
                           .max_age_ms = rules->max_age_ms};
}

static bool is_revoked(const sealed_store *s, const rl_session_rules *rules, const uint8_t id[RL_SESSION_ID]) {
  uint8_t key[32];
  if (!rl_session_memory_count(s->revoked)) return false; /* as nearly always: no need of the hash */
  rl_session_key(rules->name, id, key);
  return rl_session_memory_is_marked(s->revoked, key, rules->now_ms);
}

/* id, created, data -> session */
static int parse(const sealed_store *s, const rl_session_rules *rules, rl_slice plain, rl_session *out) {
  if (plain.len < HEAD) return RL_ENOTFOUND;
  memcpy(out->id, plain.data, RL_SESSION_ID);
  memcpy(&out->created_ms, plain.data + RL_SESSION_ID, sizeof out->created_ms);
  if (rl_session_has_ended(rules, out->created_ms) || is_revoked(s, rules, out->id)) return RL_ENOTFOUND;
  return rl_buf_add(&out->data, plain.data + HEAD, plain.len - HEAD);
}

static int load(rl_session_store *store, rl_session_call *call, rl_slice token) {
  const rl_session_rules *rules = &call->rules;
  rl_session *out = &call->session;
  const sealed_store *s = (sealed_store *)store;
  rl_seal_context context = context_of(s, rules);
  rl_unsealed how;
  rl_buf plain;
  rl_buf_init(&plain, RL_BUF_NO_LIMIT);
  int code = rl_unseal(&context, token, &plain, &how);
  if (code == RL_EDENIED) code = RL_ENOTFOUND;
  if (!code) code = parse(s, rules, rl_buf_slice(&plain), out);
  rl_buf_free(&plain);
  if (code) return code;
  out->saved_ms = how.issued_ms;
  out->version = 1;
  out->refresh = how.key > 0 || rl_session_wants_refresh(rules, how.issued_ms);
  return RL_OK;
}

static int save(rl_session_store *store, rl_session_call *call) {
  const rl_session_rules *rules = &call->rules;
  rl_session *session = &call->session;
  rl_buf *token = &call->token;
  const sealed_store *s = (sealed_store *)store;
  rl_seal_context context = context_of(s, rules);
  rl_buf plain;
  if (session->version && is_revoked(s, rules, session->id)) return RL_ENOTFOUND;
  rl_buf_init(&plain, RL_BUF_NO_LIMIT);
  rl_buf_add(&plain, session->id, RL_SESSION_ID);
  rl_buf_add(&plain, &session->created_ms, sizeof session->created_ms);
  rl_buf_add_slice(&plain, rl_buf_slice(&session->data));
  int code = plain.error ? plain.error : rl_seal(&context, rl_buf_slice(&plain), token);
  rl_buf_free(&plain);
  if (!code && rules->name.len + token->len > RL_LIMIT_COOKIE) code = RL_ETOOBIG;
  if (code) return code;
  session->saved_ms = rules->now_ms;
  session->version = 1;
  return RL_OK;
}

/* A copy sealed just now may live for max_age: so long it is remembered. */
static int revoke(rl_session_store *store, rl_session_call *call) {
  const rl_session_rules *rules = &call->rules;
  uint8_t key[32];
  rl_session_key(rules->name, call->session.id, key);
  return rl_session_memory_mark(((sealed_store *)store)->revoked, key, rules->now_ms,
                                rules->now_ms + rules->max_age_ms);
}

static void del(rl_session_store *store) {
  sealed_store *s = (sealed_store *)store;
  rl_wipe(s->subkeys, sizeof s->subkeys);
  rl_free(s);
}

rl_session_store *rl_session_sealed_new(const rl_keyring *ring, rl_session_memory *revoked) {
  sealed_store *s = rl_calloc(1, sizeof *s);
  if (!s) return NULL;
  *s = (sealed_store){
      .store = {.load = load, .save = save, .revoke = revoke, .del = del}, .ring = ring, .revoked = revoked};
  for (unsigned i = 0; i < ring->count; i++) rl_keyring_subkey(ring, i, PURPOSE, s->subkeys[i]);
  return &s->store;
}

static rl_session_memory *shared;

static void make_shared(void) { shared = rl_session_memory_new(RL_LIMIT_SESSIONS, RL_LIMIT_SESSIONS_SIZE); }

rl_session_memory *rl_session_revoked_shared(void) {
  static uv_once_t once = UV_ONCE_INIT;
  uv_once(&once, make_shared);
  return shared;
}
