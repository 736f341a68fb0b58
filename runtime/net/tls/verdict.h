/*
 * Why a server's certificate was refused, in words for people: what is wrong, and what the certificate says instead.
 */
#ifndef RL_NET_TLS_VERDICT_H
#define RL_NET_TLS_VERDICT_H

enum { RL_TLS_VERDICT = 400 };

struct ssl_st;

/* Writes one line of printable ASCII about a handshake in which the certificate of `name` was refused. */
void rl_tls_verdict(const struct ssl_st *ssl, const char *name, char out[RL_TLS_VERDICT]);

#endif
