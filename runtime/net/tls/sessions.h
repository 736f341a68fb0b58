/*
 * The sessions that servers have given a client, one for each name: the last. Bounded; the least recently used goes.
 */
#ifndef RL_NET_TLS_SESSIONS_H
#define RL_NET_TLS_SESSIONS_H

#include "base/lru.h"
#include "base/slice.h"

struct ssl_st;
struct ssl_session_st;

typedef struct rl_tls_sessions {
  rl_lru table;
  size_t most;
} rl_tls_sessions;

/* Returns 0 or RL_ENOMEM. */
int rl_tls_sessions_init(rl_tls_sessions *sessions, size_t most);
void rl_tls_sessions_free(rl_tls_sessions *sessions);
/* Takes a reference that is the caller's. Returns false if memory is short: then it is the caller's still. */
bool rl_tls_sessions_put(rl_tls_sessions *sessions, rl_slice name, struct ssl_session_st *session);
/* Gives a connection the session of that name, if there is one. One of TLS 1.3 is used once (RFC 8446 appendix C.4). */
void rl_tls_sessions_use(rl_tls_sessions *sessions, rl_slice name, struct ssl_st *ssl);

#endif
