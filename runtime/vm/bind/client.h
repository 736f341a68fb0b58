/*
 * What the files of the HTTP client's binding share.
 *
 *   pool userdata ("rille.client_pool")      -> rl_pool, by reference
 *   transfer userdata ("rille.transfer")     the rl_transfer itself; user value 1: the URL, 2: the body it sends
 *   head userdata ("rille.client_headers")   the fields of a response, copied out of the transfer
 */
#ifndef RL_VM_BIND_CLIENT_H
#define RL_VM_BIND_CLIENT_H

#include "client/transfer.h"
#include "vm/bind/bind.h"

/* Pushes the fields of a head as a table-like value (vm/bind/client_head.c). */
void rl_client_head_push(lua_State *L, const rl_head *head);

#endif
