/* The table of memory.h. */
#include "session/memory.h"

#include <uv.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/lru.h"
#include "crypto/digest.h"

enum { KEY = RL_LRU_KEY, SWEPT_PER_SAVE = 2 };

typedef struct record {
  rl_lru_node node; /* first */
  int64_t created_ms, saved_ms, expires_ms;
  uint64_t version;
  size_t len;
  char data[];
} record;

struct rl_session_memory {
  rl_session_store store; /* first */
  uv_mutex_t lock;
  rl_lru table;
  size_t swept; /* the bucket that is looked at next */
  size_t bytes, most, most_bytes;
  uint64_t next_version;
};

/* ---- the table, under its lock ---------------------------------------------------------------------------------------------- */

static size_t size_of(const record *r) { return sizeof *r + r->len; }

static void drop(rl_session_memory *m, record *r) {
  rl_lru_remove(&m->table, &r->node);
  m->bytes -= size_of(r);
  rl_free(r);
}

static record *find(rl_session_memory *m, const uint8_t key[KEY], int64_t now_ms) {
  record *r = (record *)rl_lru_find(&m->table, key);
  if (!r || r->expires_ms > now_ms) return r;
  drop(m, r);
  return NULL;
}

typedef struct sweeping {
  rl_session_memory *memory;
  int64_t now_ms;
} sweeping;

static void sweep_one(void *ud, rl_lru_node *node) {
  sweeping *s = ud;
  if (((record *)node)->expires_ms <= s->now_ms) drop(s->memory, (record *)node);
}

static void sweep(rl_session_memory *m, int64_t now_ms) {
  sweeping s = {m, now_ms};
  for (int i = 0; i < SWEPT_PER_SAVE; i++) rl_lru_visit_bucket(&m->table, m->swept++, sweep_one, &s);
}

static void insert(rl_session_memory *m, record *r) {
  while (m->table.count && (m->table.count >= m->most || m->bytes + size_of(r) > m->most_bytes))
    drop(m, (record *)rl_lru_oldest(&m->table));
  rl_lru_insert(&m->table, &r->node);
  m->bytes += size_of(r);
}

static record *new_record(const uint8_t key[KEY], rl_slice data) {
  record *r = rl_calloc(1, sizeof *r + data.len);
  if (!r) return NULL;
  memcpy(r->node.key, key, KEY);
  r->len = data.len;
  if (data.len) memcpy(r->data, data.data, data.len);
  return r;
}

/* ---- as a store --------------------------------------------------------------------------------------------------------------- */

static rl_session_memory *of(rl_session_store *store) { return (rl_session_memory *)store; }

/* Using it moves its end and makes it the most recent. */
static int copy_out(rl_session_memory *m, const rl_session_rules *rules, record *r, rl_session *out) {
  r->expires_ms = rl_session_end(rules, r->created_ms);
  rl_lru_touch(&m->table, &r->node);
  out->created_ms = r->created_ms;
  out->saved_ms = r->saved_ms;
  out->version = r->version;
  out->refresh = rl_session_wants_refresh(rules, r->saved_ms);
  return rl_buf_add(&out->data, r->data, r->len);
}

static int load(rl_session_store *store, rl_session_call *call, rl_slice token) {
  const rl_session_rules *rules = &call->rules;
  rl_session *out = &call->session;
  rl_session_memory *m = of(store);
  uint8_t key[KEY];
  int code = rl_session_read_token(token, out->id);
  if (code) return code;
  rl_session_key(rules->name, out->id, key);
  uv_mutex_lock(&m->lock);
  record *r = find(m, key, rules->now_ms);
  code = r && !rl_session_has_ended(rules, r->created_ms) ? copy_out(m, rules, r, out) : RL_ENOTFOUND;
  uv_mutex_unlock(&m->lock);
  return code;
}

/* Checks that the record is still the one from which the session was loaded. */
static int check_version(const record *r, const rl_session *session) {
  if (!session->version) return RL_OK;
  if (!r) return RL_ENOTFOUND;
  return r->version == session->version ? RL_OK : RL_EAGAIN;
}

static int replace(rl_session_memory *m, const rl_session_rules *rules, record *r, rl_session *session) {
  record *old = find(m, r->node.key, rules->now_ms);
  int code = check_version(old, session);
  if (code) return code;
  if (old) drop(m, old);
  r->created_ms = session->created_ms;
  r->saved_ms = session->saved_ms = rules->now_ms;
  r->version = session->version = ++m->next_version;
  r->expires_ms = rl_session_end(rules, session->created_ms);
  insert(m, r);
  sweep(m, rules->now_ms);
  return RL_OK;
}

static int save(rl_session_store *store, rl_session_call *call) {
  const rl_session_rules *rules = &call->rules;
  rl_session *session = &call->session;
  rl_session_memory *m = of(store);
  uint8_t key[KEY];
  if (session->data.len > RL_LIMIT_SESSION) return RL_ETOOBIG;
  if (rl_base64url_encode(&call->token, rl_slice_of((const char *)session->id, RL_SESSION_ID))) return RL_ENOMEM;
  rl_session_key(rules->name, session->id, key);
  record *r = new_record(key, rl_buf_slice(&session->data));
  if (!r) return RL_ENOMEM;
  uv_mutex_lock(&m->lock);
  int code = replace(m, rules, r, session);
  uv_mutex_unlock(&m->lock);
  if (code) rl_free(r);
  return code;
}

static int revoke(rl_session_store *store, rl_session_call *call) {
  rl_session_memory *m = of(store);
  uint8_t key[KEY];
  rl_session_key(call->rules.name, call->session.id, key);
  uv_mutex_lock(&m->lock);
  record *r = find(m, key, call->rules.now_ms);
  if (r) drop(m, r);
  uv_mutex_unlock(&m->lock);
  return RL_OK;
}

static void keep(rl_session_store *store) { (void)store; }

/* ---- marks ---------------------------------------------------------------------------------------------------------------------- */

int rl_session_memory_mark(rl_session_memory *m, const uint8_t key[KEY], int64_t now_ms, int64_t expires_ms) {
  record *r = new_record(key, RL_SLICE_NONE);
  if (!r) return RL_ENOMEM;
  r->expires_ms = expires_ms;
  uv_mutex_lock(&m->lock);
  record *old = find(m, key, now_ms);
  if (old) drop(m, old);
  insert(m, r);
  sweep(m, now_ms);
  uv_mutex_unlock(&m->lock);
  return RL_OK;
}

bool rl_session_memory_is_marked(rl_session_memory *m, const uint8_t key[KEY], int64_t now_ms) {
  uv_mutex_lock(&m->lock);
  bool marked = find(m, key, now_ms) != NULL;
  uv_mutex_unlock(&m->lock);
  return marked;
}

/* ---- life ------------------------------------------------------------------------------------------------------------------------- */

rl_session_memory *rl_session_memory_new(size_t most, size_t most_bytes) {
  rl_session_memory *m = rl_calloc(1, sizeof *m);
  if (!m) return NULL;
  if (rl_lru_init(&m->table) || uv_mutex_init(&m->lock)) {
    rl_lru_free(&m->table);
    rl_free(m);
    return NULL;
  }
  m->store = (rl_session_store){.load = load, .save = save, .revoke = revoke, .del = keep};
  m->most = most;
  m->most_bytes = most_bytes;
  return m;
}

void rl_session_memory_del(rl_session_memory *m) {
  while (m->table.count) drop(m, (record *)rl_lru_oldest(&m->table));
  uv_mutex_destroy(&m->lock);
  rl_lru_free(&m->table);
  rl_free(m);
}

static rl_session_memory *shared;

static void make_shared(void) { shared = rl_session_memory_new(RL_LIMIT_SESSIONS, RL_LIMIT_SESSIONS_SIZE); }

rl_session_memory *rl_session_memory_shared(void) {
  static uv_once_t once = UV_ONCE_INIT;
  uv_once(&once, make_shared);
  return shared;
}

rl_session_store *rl_session_memory_store(rl_session_memory *m) { return &m->store; }

size_t rl_session_memory_count(rl_session_memory *m) {
  uv_mutex_lock(&m->lock);
  size_t count = m->table.count;
  uv_mutex_unlock(&m->lock);
  return count;
}
