/*
 * The client's role: what the links of one HTTP client share. Whom to trust, with which certificate to answer, which protocols to
 * offer, and the sessions of servers, so that the next link to one of them resumes (RFC 8446 section 2.2).
 */
#ifndef RL_NET_TLS_CLIENT_H
#define RL_NET_TLS_CLIENT_H

#include "base/buf.h"
#include "net/tls/buffers.h"
#include "net/tls/context.h"

typedef struct rl_tls_client rl_tls_client;

typedef struct rl_tls_client_options {
  bool insecure;           /* takes any certificate for any name: for tests */
  const char *ca;          /* PEM file or text of authorities, or a folder of them by hash; NULL: those of the system */
  const char *certificate; /* PEM file or text, chain included; NULL: none */
  const char *key;         /* PEM file or text; NULL: it is in `certificate` */
  const char *protocols;   /* for ALPN, the preferred first: "h2,http/1.1"; NULL: none are offered */
} rl_tls_client_options;

/* Loads OpenSSL and the files, now. One thread at a time uses it. Returns 0, RL_ENOMEM, RL_EIO or RL_EINVALID, with one line in `why`. */
int rl_tls_client_new(rl_tls_client **out, const rl_tls_client_options *options, rl_buf *why);
rl_tls_client *rl_tls_client_ref(rl_tls_client *client);
void rl_tls_client_unref(rl_tls_client *client);
/* Returns true if a file that it was made of is another one by now, the system's authorities among them. */
bool rl_tls_client_has_changed(const rl_tls_client *client);

/* ---- for rl_tls ---- */

/* Returns a new SSL that asks for `name`, verifies it, and resumes a session with it if there is one; NULL if out of memory. */
struct ssl_st *rl_tls_client_begin(rl_tls_client *client, const char *name);
rl_tls_buffers *rl_tls_client_buffers(rl_tls_client *client);
/* Returns RL_TLS_PLAIN bytes, borrowed during one callback. */
char *rl_tls_client_plain(rl_tls_client *client);

#endif
