/*
 * Trust: what a client's TLS believes and shows, one for each set of such options that a pool has been given.
 *
 *   route (verify, ca, cert, key) --rl_trusts_find--> rl_trust --rl_trust_ready--> made by a job, once --> on_ready
 *                                                        '--> rl_tls_client: SSL_CTX, sessions
 *
 * OpenSSL and a bundle of authorities take tens of milliseconds to load, so a thread of libuv's pool does it. Requests with other options
 * have another trust with another number; the number is part of the key of an idle connection, and sessions belong to the
 * rl_tls_client. So nothing that was verified by one set of options is used by another.
 *
 * Once in RL_LIMIT_CLIENT_TRUST_MS the files are looked at. If one has changed, a new trust takes the place of the old one; connections of
 * the old one are not used again. One that could not be made is forgotten: the next request tries again.
 *
 * Counted by reference: each request that uses it holds one.
 */
#ifndef RL_CLIENT_TRUST_H
#define RL_CLIENT_TRUST_H

#include "loop/loop.h"
#include "net/tls/client.h"

typedef struct rl_trust rl_trust;
typedef struct rl_trust_wait rl_trust_wait;

/* What it is made of: files, or PEM text. NULL: not given. */
typedef struct rl_trust_options {
  const char *ca, *cert, *key;
  bool insecure;
} rl_trust_options;

/* The trusts of one pool. */
typedef struct rl_trusts {
  rl_loop *loop;
  rl_list list; /* the one used last stands first */
  unsigned count;
} rl_trusts;

/* Embedded in who waits. */
struct rl_trust_wait {
  rl_list node;
  /* Once, from the loop. `code` is 0, or why there is none, with one line about it, borrowed. */
  void (*on_ready)(rl_trust_wait *wait, int code, const char *why);
};

void rl_trusts_init(rl_trusts *trusts, rl_loop *loop);
void rl_trusts_free(rl_trusts *trusts);
/* Returns a reference to the trust with these options, a new one perhaps; NULL if memory runs out. Borrows the texts. */
rl_trust *rl_trusts_find(rl_trusts *trusts, const rl_trust_options *options);
void rl_trust_unref(rl_trust *trust);

/* Returns true if it may be used. Otherwise on_ready will say. */
bool rl_trust_ready(rl_trust *trust, rl_trust_wait *wait);
/* on_ready will not come. Harmless on one that does not wait; its node is initialised. */
void rl_trust_leave(rl_trust_wait *wait);
/* Of one that is ready: borrowed. */
rl_tls_client *rl_trust_client(const rl_trust *trust);
/* No other trust of this process has it, before or after. */
uint64_t rl_trust_number(const rl_trust *trust);

#endif
