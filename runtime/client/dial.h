/*
 * A dial: makes a connected socket for a client's connection.
 *
 *   rl_dial_new --> a name? its addresses (client/resolver.h) --policy--> connect --> on_done(fd)
 *
 * Of several addresses the first one that answers is taken (happy eyeballs, RFC 8305): families in turn, the next address beside the last
 * after RL_LIMIT_CLIENT_STAGGER_MS, or at once where that one failed. The addresses of localhost are known (RFC 6761 section 6.3).
 *
 * The address policy is asked for each address that is connected to, after the name was resolved.
 */
#ifndef RL_CLIENT_DIAL_H
#define RL_CLIENT_DIAL_H

#include "client/address_policy.h"
#include "client/resolver.h"

typedef struct rl_dial rl_dial;

typedef struct rl_dial_to {
  rl_slice host; /* in ASCII; an address of IPv6 in brackets */
  int port;
  const char *unix_path;           /* instead of them, or NULL */
  const rl_address_policy *policy; /* outlives the dial; NULL: every address may be reached */
} rl_dial_to;

/* Calls `on_done` once, from the loop: `fd` is the owner's, or -1 with a code and one line about it, borrowed. The dial is
 * gone then. The resolver outlives the dial. Returns NULL if memory runs out. */
rl_dial *rl_dial_new(rl_loop *loop, rl_resolver *resolver, const rl_dial_to *to,
                     void (*on_done)(void *owner, int fd, int code, const char *why), void *owner);
/* Gives it up; on_done will not come. */
void rl_dial_del(rl_dial *dial);

#endif
