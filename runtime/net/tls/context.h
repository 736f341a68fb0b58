/*
 * What both roles of TLS have in common: versions, ciphers and groups (Mozilla's "intermediate" list, version 5.7), and OpenSSL's words
 * for what went wrong.
 */
#ifndef RL_NET_TLS_CONTEXT_H
#define RL_NET_TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct ssl_ctx_st;

/* The longest list of protocols, as ALPN writes it; and the plain bytes of one read of the loop, with those of a record that began
 * before it. */
enum { RL_TLS_PROTOCOLS = 64, RL_TLS_PLAIN = RL_LIMIT_READ_BUFFER + (17 << 10) };

/* Returns a new SSL_CTX without a certificate; NULL if out of memory. */
struct ssl_ctx_st *rl_tls_context_new(bool server, bool only_1_3);
/* Writes "h2,http/1.1" as ALPN does: each name after its length (RFC 7301 section 3.1). Returns 0 or RL_EINVALID. */
int rl_tls_protocols(const char *text, uint8_t out[RL_TLS_PROTOCOLS], size_t *len);
/* Returns OpenSSL's words for an error of its queue; static. */
const char *rl_tls_reason(unsigned long error);

#endif
