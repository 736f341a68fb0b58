/*
 * What an exchange asks for, as options of an easy handle (carrier_curl.c).
 */
#ifndef RL_CLIENT_SETUP_H
#define RL_CLIENT_SETUP_H

#include "client/transfer.h"

/* What is the same for every exchange; once for a handle. */
void rl_slot_prepare(rl_slot *slot);
/* What is of this one. 0, RL_EINVALID or RL_ENOMEM. */
int rl_slot_setup(rl_slot *slot, const rl_exchange *exchange);

#endif
