/*
 * A pool limits how many requests of one client run at a time, and keeps the client's idle connections.
 *
 *   tickets   waiting (first come, first served) --on_turn--> running: at most `limit`, at most `limit_per_host` of one origin
 *   idle      connections (client/idle.h) and easy handles (carrier/easy_cache.h), of this client only
 *   trusts    what the client's TLS believes (client/trust.h)
 *
 * A ticket is overtaken only by one for another origin, while its own origin has all that it may have.
 *
 * Connections are closed after RL_LIMIT_CLIENT_IDLE_MS without a request. That clock is the real one: it belongs to the
 * network, not to the program.
 *
 * Counted by reference: each transfer holds one, and whoever made it.
 */
#ifndef RL_CLIENT_POOL_H
#define RL_CLIENT_POOL_H

#include "client/address_policy.h"
#include "client/carrier/easy_cache.h"
#include "client/engine.h"
#include "client/idle.h"
#include "client/trust.h"

typedef struct rl_pool rl_pool;
typedef struct rl_pool_ticket rl_pool_ticket;

/* Embedded in whatever needs a connection. */
struct rl_pool_ticket {
  rl_list node;
  uint64_t origin; /* equal for those that limit_per_host counts together */
  bool running;
  /* It may use a connection now. It may leave at once. */
  void (*on_turn)(rl_pool_ticket *ticket);
  /* The pool is being closed: it leaves. */
  void (*on_close)(rl_pool_ticket *ticket);
};

struct rl_pool {
  rl_list node; /* on the engine */
  rl_engine *engine;
  rl_address_policy policy;
  unsigned refs, limit, limit_per_host; /* limit_per_host 0: none */
  unsigned active;
  rl_list waiting, running; /* tickets */
  rl_idle_conns idle;
  rl_trusts trusts;
  rl_easy_cache easies;
  uv_timer_t idle_timer;
  uint64_t left_ms; /* when the last one left that needed a connection */
  bool closed;
};

/* Makes a pool with one reference, and takes over the policy's rules. Returns NULL if memory runs out. */
rl_pool *rl_pool_new(rl_engine *engine, unsigned limit, unsigned limit_per_host, rl_address_policy *policy);
rl_pool *rl_pool_ref(rl_pool *pool);
void rl_pool_unref(rl_pool *pool);
/* Ends all requests and closes all connections; nothing can be started any more. */
void rl_pool_close(rl_pool *pool);

/* Gets its turn now or later; the callbacks have been set. */
void rl_pool_enter(rl_pool *pool, rl_pool_ticket *ticket);
/* Waiting or running; the next one gets its turn. */
void rl_pool_leave(rl_pool *pool, rl_pool_ticket *ticket);

/* Hands over an idle connection with that key, or returns NULL. */
rl_client_conn *rl_pool_take_conn(rl_pool *pool, uint64_t origin, rl_slice key);
/* Keeps an idle connection, or closes it if the pool is closed. */
void rl_pool_keep_conn(rl_pool *pool, rl_client_conn *conn);

#endif
