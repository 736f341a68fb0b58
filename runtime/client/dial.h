/*
 * A dial: a connected socket for a conn, by libcurl. Its resolver thread and its memory of names, its choice among the
 * addresses of a host (happy eyeballs, RFC 8305) and the policy's look at each of them serve both carriers; only what goes
 * over the connection then is ours.
 *
 *   rl_dial_new --> name --> addresses --policy--> connect --> on_done(fd)
 */
#ifndef RL_CLIENT_DIAL_H
#define RL_CLIENT_DIAL_H

#include "client/address_policy.h"
#include "client/engine.h"

typedef struct rl_dial rl_dial;

typedef struct rl_dial_to {
  rl_slice authority;              /* "example.com:8080", as rl_location_cut gives it */
  const char *unix_path;           /* instead of it, or NULL */
  const rl_address_policy *policy; /* outlives the dial; NULL: every address may be reached */
  uint32_t timeout_ms;             /* for curl to share out among the addresses of a host; 0: none */
} rl_dial_to;

/* `on_done` comes once, from the loop: `fd` is the owner's, or -1 with a code and one line about it, borrowed. The dial is
 * gone then. NULL where memory is short. */
rl_dial *rl_dial_new(rl_engine *engine, const rl_dial_to *to,
                     void (*on_done)(void *owner, int fd, int code, const char *why), void *owner);
/* Gives it up; on_done will not come. */
void rl_dial_del(rl_dial *dial);

#endif
