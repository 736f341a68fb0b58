/*
 * Sessions and where they are kept.
 *
 *   cookie holds a token --load--> rl_session --(the program changes its data)--> save --> the next token
 *                                       \--revoke--> no copy of it is accepted any more
 *
 *   memory   the token is a random id; its hash is the key of a table that all workers of the process share (memory.h)
 *   sealed   the token is the session itself, sealed; only what was taken back is remembered (sealed.h)
 *   a database: as memory, in a table (bind/data/session_store.h)
 *
 * A session is known by 32 random bytes. It dies `max_age` after it was last used and `lifetime` after it was made,
 * whichever comes first; both are checked here, never left to the cookie's own expiry.
 *
 * A store answers at once, or later if it has to ask somebody else (a database, a server):
 *
 *   code = load | save | revoke (store, call)      RL_SESSION_LATER: nothing is under way yet, …
 *   start(store, call)                             … now it is
 *   call->done(call)                               on the loop's thread, never from inside start; call->code is the answer
 *
 * Between the first and the second step the caller makes ready to wait, which may fail.
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

/* One question to a store, with its answer. It stays where it is until it is answered. */
typedef struct rl_session_call rl_session_call;

struct rl_session_call {
  rl_session_rules rules;
  rl_session session; /* of load: the answer */
  rl_buf token;       /* of save: what its cookie holds from now on */
  int code;
  void (*done)(rl_session_call *call);
  void *owner;

  /* the store's, while it is at work */
  void *work;
  int step;
  void *fault; /* why the store itself failed, if it has more to say than a code; from rl_alloc */
};

typedef struct rl_session_store rl_session_store;

enum { RL_SESSION_LATER = 1 };

struct rl_session_store {
  /* Fills in call->session, which is fresh: 0; RL_ENOTFOUND: absent, expired, taken back, forged, of another name (nobody
   * learns which); RL_ENOMEM. `token` is borrowed until return. */
  int (*load)(rl_session_store *store, rl_session_call *call, rl_slice token);
  /* Keeps the session's data and appends the token; sets saved_ms and version. RL_EAGAIN if somebody has saved it since it was
   * loaded, RL_ENOTFOUND if it was taken back since, RL_ETOOBIG, RL_ENOMEM. */
  int (*save)(rl_session_store *store, rl_session_call *call);
  /* 0 or RL_ENOMEM. A session that has never been saved need not be taken back. */
  int (*revoke)(rl_session_store *store, rl_session_call *call);

  /* Those that answer later; NULL in others, whose methods never return RL_SESSION_LATER. */
  void (*start)(rl_session_store *store, rl_session_call *call);
  /* Gives up on a call that was not answered: true, and done is not called any more. False if its outcome matters (a write
   * that has begun) and `must` is not set: then it is still answered. Also takes back what was never started. */
  bool (*cancel)(rl_session_store *store, rl_session_call *call, bool must);

  void (*del)(rl_session_store *store);
};

void rl_session_call_init(rl_session_call *call, const rl_session_rules *rules);
/* Not while it is under way. */
void rl_session_call_free(rl_session_call *call);

/* A new identity: a fresh id, made now, never saved. Its data is kept. */
void rl_session_renew(rl_session *session, int64_t now_ms);
static inline void rl_session_init(rl_session *session) {
  *session = (rl_session){0};
  rl_buf_init(&session->data, RL_BUF_NO_LIMIT);
}
static inline void rl_session_free(rl_session *session) { rl_buf_free(&session->data); }

/* Computes the key under which a shared store keeps it: a hash, so that whoever reads the store learns no id; the name is in
 * it, so that a session of one cookie is none of another. */
void rl_session_key(rl_slice name, const uint8_t id[RL_SESSION_ID], uint8_t key[32]);
/* The id in a token: 32 bytes as base64url and nothing else. 0 or RL_ENOTFOUND. */
int rl_session_read_token(rl_slice token, uint8_t id[RL_SESSION_ID]);

/* Returns true if it is too old by its age. */
bool rl_session_has_ended(const rl_session_rules *rules, int64_t created_ms);
/* Returns true if its cookie should be sent anew: a tenth of max_age has passed. */
bool rl_session_wants_refresh(const rl_session_rules *rules, int64_t saved_ms);
/* When a session that is used now ends, if nobody uses it again. */
int64_t rl_session_end(const rl_session_rules *rules, int64_t created_ms);

#endif
