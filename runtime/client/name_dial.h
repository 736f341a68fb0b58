/*
 * A dial to a name, by libcurl. So both carriers share its resolver threads and its cache of names, its choice among the addresses of
 * a host (happy eyeballs, RFC 8305), and our address policy.
 *
 *   rl_name_dial_new --> name --> addresses --policy--> connect --> on_done(fd)
 */
#ifndef RL_CLIENT_NAME_DIAL_H
#define RL_CLIENT_NAME_DIAL_H

#include "client/address_policy.h"
#include "client/engine.h"

typedef struct rl_name_dial rl_name_dial;

/* As rl_dial_new (client/dial.h), on an engine that is open. */
rl_name_dial *rl_name_dial_new(rl_engine *engine, rl_slice authority, const rl_address_policy *policy,
                               uint32_t timeout_ms, void (*on_done)(void *owner, int fd, int code, const char *why),
                               void *owner);
/* Gives it up; on_done will not come. */
void rl_name_dial_del(rl_name_dial *dial);

#endif
