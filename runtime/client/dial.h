/*
 * A dial: makes a connected socket for a client's connection.
 *
 *   rl_dial_new --> addresses --policy--> connect, one after another --> on_done(fd)
 *               \-> a name: libcurl finds its addresses (client/name_dial.h)
 *
 * Addresses that are known, a socket file's and those of localhost (RFC 6761 section 6.3) are connected to without libcurl, which
 * need not be loaded then.
 */
#ifndef RL_CLIENT_DIAL_H
#define RL_CLIENT_DIAL_H

#include "client/address_policy.h"
#include "client/engine.h"

typedef struct rl_dial rl_dial;

typedef struct rl_dial_to {
  rl_slice authority;              /* "example.com:8080", as in rl_location */
  const char *unix_path;           /* instead of it, or NULL */
  const rl_address_policy *policy; /* outlives the dial; NULL: every address may be reached */
  uint32_t timeout_ms;             /* for all addresses of the host together; 0: no limit */
} rl_dial_to;

/* Calls `on_done` once, from the loop: `fd` is the owner's, or -1 with a code and one line about it, borrowed. The dial is
 * freed then. Returns NULL if memory runs out. */
rl_dial *rl_dial_new(rl_engine *engine, const rl_dial_to *to,
                     void (*on_done)(void *owner, int fd, int code, const char *why), void *owner);
/* Gives it up; on_done will not come. */
void rl_dial_del(rl_dial *dial);

#endif
