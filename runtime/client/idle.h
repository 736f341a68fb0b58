/*
 * The conns of one client that nobody uses: kept for the next request to the same ticket, the one used last in front.
 *
 *   rl_idle_conns_keep --> [newest] … [oldest] --sweep-->  closed
 *                       '--take-->
 *
 * One that its server closes leaves by itself. At most `most` are kept; then the oldest goes. Owns the conns in it.
 */
#ifndef RL_CLIENT_IDLE_H
#define RL_CLIENT_IDLE_H

#include "client/connection.h"

typedef struct rl_idle_conns {
  rl_list list;
  unsigned count, most;
} rl_idle_conns;

void rl_idle_conns_init(rl_idle_conns *conns, unsigned most);
/* Takes over an idle conn. `now_ms` is on a clock of the caller's that only moves forward. */
void rl_idle_conns_keep(rl_idle_conns *conns, rl_client_conn *conn, uint64_t now_ms);
/* Gives one that leads there and was kept at `oldest_ms` or later; NULL where there is none. */
rl_client_conn *rl_idle_conns_take(rl_idle_conns *conns, uint64_t origin, rl_slice key, uint64_t oldest_ms);
/* Closes those kept before that moment. When the oldest that stays was kept; UINT64_MAX where none stays. */
uint64_t rl_idle_conns_sweep(rl_idle_conns *conns, uint64_t before_ms);

#endif
