/*
 * The links of one client that nobody uses: kept for the next request to the same place, the one used last in front.
 *
 *   rl_links_keep --> [newest] … [oldest] --sweep-->  closed
 *                       '--take-->
 *
 * One that its server closes leaves by itself. At most `most` are kept; then the oldest goes. Owns the links in it.
 */
#ifndef RL_CLIENT_LINKS_H
#define RL_CLIENT_LINKS_H

#include "client/link.h"

typedef struct rl_links {
  rl_list idle;
  unsigned count, most;
} rl_links;

void rl_links_init(rl_links *links, unsigned most);
/* Takes over an idle link. `now_ms` is on a clock of the caller's that only moves forward. */
void rl_links_keep(rl_links *links, rl_link *link, uint64_t now_ms);
/* Gives one that leads there and was kept at `oldest_ms` or later; NULL where there is none. */
rl_link *rl_links_take(rl_links *links, uint64_t origin, rl_slice key, uint64_t oldest_ms);
/* Closes those kept before that moment. When the oldest that stays was kept; UINT64_MAX where none stays. */
uint64_t rl_links_sweep(rl_links *links, uint64_t before_ms);

#endif
