/* The rules that all stores share; see store.h. */
#include "session/store.h"

#include "base/alloc.h"
#include "base/error.h"
#include "crypto/digest.h"

enum { REFRESHES = 10 }; /* how often, in max_age, a cookie is sent anew */

void rl_session_renew(rl_session *session, int64_t now_ms) {
  rl_random_bytes(session->id, sizeof session->id);
  session->created_ms = now_ms;
  session->saved_ms = 0;
  session->version = 0;
  session->refresh = false;
}

void rl_session_key(rl_slice name, const uint8_t id[RL_SESSION_ID], uint8_t key[32]) {
  rl_hash(name, rl_slice_of((const char *)id, RL_SESSION_ID), key);
}

int rl_session_read_token(rl_slice token, uint8_t id[RL_SESSION_ID]) {
  rl_buf bytes;
  if (token.len != (RL_SESSION_ID * 8 + 5) / 6) return RL_ENOTFOUND;
  rl_buf_init(&bytes, RL_BUF_NO_LIMIT);
  int code = rl_base64url_decode(&bytes, token);
  if (!code) memcpy(id, bytes.data, RL_SESSION_ID);
  rl_buf_free(&bytes);
  return code == RL_ENOMEM ? code : code ? RL_ENOTFOUND : RL_OK;
}

bool rl_session_has_ended(const rl_session_rules *rules, int64_t created_ms) {
  return rules->now_ms - created_ms >= rules->lifetime_ms;
}

bool rl_session_wants_refresh(const rl_session_rules *rules, int64_t saved_ms) {
  return rules->now_ms - saved_ms >= rules->max_age_ms / REFRESHES;
}

int64_t rl_session_end(const rl_session_rules *rules, int64_t created_ms) {
  int64_t idle = rules->now_ms + rules->max_age_ms, absolute = created_ms + rules->lifetime_ms;
  return idle < absolute ? idle : absolute;
}

void rl_session_call_init(rl_session_call *call, const rl_session_rules *rules) {
  call->rules = *rules;
  rl_session_init(&call->session);
  rl_buf_init(&call->token, RL_BUF_NO_LIMIT);
  call->code = call->step = 0;
  call->done = NULL;
  call->owner = call->work = call->fault = NULL;
}

void rl_session_call_free(rl_session_call *call) {
  rl_session_free(&call->session);
  rl_buf_free(&call->token);
  rl_free(call->fault);
  call->fault = NULL;
}
