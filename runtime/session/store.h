/*
 * Sessions and where they are kept.
 *
 *   cookie holds a token --load--> rl_session --(the program changes its data)--> save --> the next token
 *                                       \--revoke--> no copy of it is accepted any more
 *
 *   memory   the token is a random id; its hash is the key of a table that all workers of the process share (memory.h)
 *   sealed   the token is the session itself, sealed; only what was taken back is remembered (sealed.h)
 *   sqlite   as memory, in a table of a database (lua/rille/session/sqlite.lua)
 *
 * A session is known by 32 random bytes. It dies `max_age` after it was last used and `lifetime` after it was made,
 * whichever comes first; both are checked here, never left to the cookie's own expiry.
 */
#ifndef RL_SESSION_STORE_H
#define RL_SESSION_STORE_H

#include "base/buf.h"

enum { RL_SESSION_ID = 32 };

typedef struct rl_session {
  uint8_t id[RL_SESSION_ID];
  int64_t created_ms; /* since 1970 */
  int64_t saved_ms;
  uint64_t version; /* which save it was read from; 0: it has never been saved */
  bool refresh;     /* to be saved again though nothing changed: its cookie is getting old, or its key is */
  rl_buf data;      /* text of the program's; rl_session_free */
} rl_session;

/* The rules of one kind of session; the name is that of its cookie. Borrowed by each call. */
typedef struct rl_session_rules {
  rl_slice name;
  int64_t now_ms, max_age_ms, lifetime_ms;
} rl_session_rules;

typedef struct rl_session_store rl_session_store;

struct rl_session_store {
  /* 0 and the session; RL_ENOTFOUND: absent, expired, taken back, forged, of another name: nobody learns which; or
   * RL_ENOMEM. `out` is a fresh rl_session. */
  int (*load)(rl_session_store *store, const rl_session_rules *rules, rl_slice token, rl_session *out);
  /* Keeps its data and appends what its cookie holds from now on to `token`; sets saved_ms and version. RL_EAGAIN where
   * somebody has saved it since it was loaded, RL_ENOTFOUND where it was taken back since, RL_ETOOBIG, RL_ENOMEM. */
  int (*save)(rl_session_store *store, const rl_session_rules *rules, rl_session *session, rl_buf *token);
  /* 0 or RL_ENOMEM. One that has never been saved needs it not. */
  int (*revoke)(rl_session_store *store, const rl_session_rules *rules, const rl_session *session);
  void (*del)(rl_session_store *store);
};

/* A new identity: a fresh id, made now, never saved. Its data is kept. */
void rl_session_renew(rl_session *session, int64_t now_ms);
static inline void rl_session_init(rl_session *session) {
  *session = (rl_session){0};
  rl_buf_init(&session->data, RL_BUF_NO_LIMIT);
}
static inline void rl_session_free(rl_session *session) { rl_buf_free(&session->data); }

/* Under which key a shared store keeps it: a hash, so that who reads the store learns no id; the name
 * is in it, so that a session of one cookie is none of another. */
void rl_session_key(rl_slice name, const uint8_t id[RL_SESSION_ID], uint8_t key[32]);
/* The id in a token: 32 bytes as base64url and nothing else. 0 or RL_ENOTFOUND. */
int rl_session_read_token(rl_slice token, uint8_t id[RL_SESSION_ID]);

/* Whether it is too old by its age; and whether its cookie should be sent anew: a tenth of max_age has passed. */
bool rl_session_has_ended(const rl_session_rules *rules, int64_t created_ms);
bool rl_session_wants_refresh(const rl_session_rules *rules, int64_t saved_ms);

#endif
