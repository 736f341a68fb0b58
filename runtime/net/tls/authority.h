/*
 * Who may vouch for clients: the certificates of a PEM file. Immutable and counted, for any thread.
 */
#ifndef RL_NET_TLS_AUTHORITY_H
#define RL_NET_TLS_AUTHORITY_H

#include "base/buf.h"

struct ssl_ctx_st;
struct ssl_st;

enum { RL_TLS_AUTHORITY_HASH = 32 };

typedef struct rl_tls_authority {
  unsigned refs; /* atomic */
  struct x509_store_st *trusted;
  struct stack_st_X509 *certificates;
  uint8_t hash[RL_TLS_AUTHORITY_HASH]; /* of the file: sessions that others have vouched for are not resumed */
} rl_tls_authority;

/* Reads it from PEM. Returns 0, RL_ENOMEM or RL_EINVALID, with one line in `why`. */
int rl_tls_authority_read(rl_tls_authority **out, rl_slice text, const char *file, rl_buf *why);
rl_tls_authority *rl_tls_authority_ref(rl_tls_authority *authority);
void rl_tls_authority_unref(rl_tls_authority *authority);
/* Makes a context ask its clients for a certificate, and refuse them without. Returns 0 or RL_ENOMEM. */
int rl_tls_authority_use(const rl_tls_authority *authority, struct ssl_ctx_st *context);
/* Makes one connection of such a context refuse its client without a certificate, whatever was set for it before. */
void rl_tls_authority_demand(struct ssl_st *ssl);

#endif
