/*
 * Idle connections of one client, kept for the next request to the same place. The newest stands first.
 *
 *   rl_idle_conns_keep --> [newest] … [oldest] --rl_idle_conns_sweep--> closed
 *                             '--rl_idle_conns_take--> the next request
 *
 * A connection that its server closes leaves the list by itself. If there are more than `most`, the oldest is closed. Owns the
 * connections in it.
 */
#ifndef RL_CLIENT_IDLE_H
#define RL_CLIENT_IDLE_H

#include "client/connection.h"

typedef struct rl_idle_conns {
  rl_list list;
  unsigned count, most;
} rl_idle_conns;

void rl_idle_conns_init(rl_idle_conns *conns, unsigned most);
/* Takes over an idle connection. `now_ms` is on a clock of the caller's that only moves forward. */
void rl_idle_conns_keep(rl_idle_conns *conns, rl_client_conn *conn, uint64_t now_ms);
/* Hands over a connection with that key that was kept at `oldest_ms` or later, or returns NULL. */
rl_client_conn *rl_idle_conns_take(rl_idle_conns *conns, uint64_t origin, rl_slice key, uint64_t oldest_ms);
/* Closes those kept before that moment. Returns when the oldest of the others was kept; UINT64_MAX if there is none. */
uint64_t rl_idle_conns_sweep(rl_idle_conns *conns, uint64_t before_ms);

#endif
