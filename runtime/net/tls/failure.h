/*
 * How a stream with TLS fails: what OpenSSL says becomes a code and a line for people, once.
 */
#ifndef RL_NET_TLS_FAILURE_H
#define RL_NET_TLS_FAILURE_H

#include "net/tls/state.h"
#include "net/tls/verdict.h"

/* It has failed; the caller tells who asked. Does nothing if it is over. */
void rl_tls_end(rl_tls *tls, int code, const char *words);
/* It has failed, and its owner learns that: from an event of the loop only. */
void rl_tls_fail(rl_tls *tls, int code, const char *words);
/* Returns the words for a code of rl_tls_outcome, OpenSSL's if it has any, whose queue is empty then: static, or in `room`. */
const char *rl_tls_words(rl_tls *tls, int code, char room[RL_TLS_VERDICT]);

/* Call before OpenSSL: an error that somebody has left in the thread's queue would be taken for one of ours. */
void rl_tls_clear_errors(void);
/* Says what a call of OpenSSL has come to. Returns 0: it waits for bytes; RL_EAGAIN: for room below; RL_EEOF: close_notify has come;
 * or the code that it fails with. */
int rl_tls_outcome(rl_tls *tls, int returned);

#endif
