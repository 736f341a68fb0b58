/*
 * A pool: who of one client may use a connection, and the connections that nobody uses.
 *
 *   places   waiting (first come, first served) --on_turn--> running: at most `limit`, at most `limit_per_host` of one origin
 *   kept     links (client/links.h) and easy handles (client/slots.h), of this client and of nobody else
 *
 * A place that waits is overtaken only by one for another origin, when its own origin is full.
 *
 * Connections that nobody has used for RL_LIMIT_CLIENT_IDLE_MS are not used again, and closed. That clock is the real one:
 * it belongs to the network, not to the program.
 *
 * Counted by reference: each transfer holds one, and whoever made it.
 */
#ifndef RL_CLIENT_POOL_H
#define RL_CLIENT_POOL_H

#include "client/engine.h"
#include "client/guard.h"
#include "client/links.h"
#include "client/slots.h"

typedef struct rl_pool rl_pool;
typedef struct rl_place rl_place;

/* Embedded in whatever needs a connection. */
struct rl_place {
  rl_list node;
  uint64_t origin; /* equal for those that limit_per_host counts together */
  bool running;
  /* It may use a connection now. It may leave at once. */
  void (*on_turn)(rl_place *place);
  /* The pool is being closed: it leaves. */
  void (*on_close)(rl_place *place);
};

struct rl_pool {
  rl_list node; /* on the engine */
  rl_engine *engine;
  rl_guard guard;
  unsigned refs, limit, limit_per_host; /* limit_per_host 0: none */
  unsigned active;
  rl_list waiting, running; /* places */
  rl_links links;
  rl_slots slots;
  uv_timer_t idle;
  uint64_t left_ms; /* when the last one left that needed a connection */
  bool closed;
};

/* With one reference. Takes over the guard's rules. NULL where memory is short. */
rl_pool *rl_pool_new(rl_engine *engine, unsigned limit, unsigned limit_per_host, rl_guard *guard);
rl_pool *rl_pool_ref(rl_pool *pool);
void rl_pool_unref(rl_pool *pool);
/* Everybody leaves and all connections are closed; nothing can be started any more. */
void rl_pool_close(rl_pool *pool);

/* Gets its turn now or later; the callbacks have been set. */
void rl_pool_enter(rl_pool *pool, rl_place *place);
/* Waiting or running; the next one gets its turn. */
void rl_pool_leave(rl_pool *pool, rl_place *place);

/* A kept link that leads there, or NULL. */
rl_link *rl_pool_take_link(rl_pool *pool, uint64_t origin, rl_slice key);
/* Keeps an idle link, or closes it where the pool is closed. */
void rl_pool_keep_link(rl_pool *pool, rl_link *link);

#endif
