/*
 * A pool: the connections of one client, and who may use one.
 *
 *   transfers   waiting (first come, first served) --> active: at most `limit`, at most `limit_per_host` of one origin
 *   slots       easy handles, set up once and used again     one for each active or waiting transfer, some kept
 *   share       kept connections and TLS sessions of this client, and of nobody else
 *
 * A transfer that waits is overtaken only by one for another origin, when its own origin is full. One that is stopped while
 * it waits leaves the queue.
 *
 * Connections that nobody has used for RL_LIMIT_CLIENT_IDLE_MS are not used again; where a whole pool has been idle that
 * long its connections are closed. That clock is the real one: it belongs to the network, not to the program.
 *
 * Counted by reference: each transfer under way holds one, and whoever made it.
 */
#ifndef RL_CLIENT_POOL_H
#define RL_CLIENT_POOL_H

#include "client/engine.h"
#include "client/guard.h"

typedef struct rl_pool rl_pool;
typedef struct rl_slot rl_slot;
typedef struct rl_transfer rl_transfer;

/* An easy handle and what lives as long as a request on it. */
struct rl_slot {
  rl_wire wire; /* first */
  rl_list node; /* among the kept ones */
  rl_pool *pool;
  rl_transfer *transfer;
  CURLU *parts; /* the last URL taken apart, and its text: the next request is often for the same one */
  char *url;
  struct curl_slist *headers, *proxy_headers; /* one block each: nodes and text */
  bool plain;                                 /* nothing was set that another request must not find */
  char error[CURL_ERROR_SIZE];
};

struct rl_pool {
  rl_list node; /* on the engine */
  rl_engine *engine;
  CURLSH *share;
  rl_guard guard;
  unsigned refs, limit, limit_per_host; /* limit_per_host 0: none */
  unsigned active, kept_count;
  rl_list waiting, running; /* transfers */
  rl_list kept;             /* slots */
  uv_timer_t idle;
  bool closed;
};

/* With one reference. Takes over the guard's rules. NULL where memory is short. */
rl_pool *rl_pool_new(rl_engine *engine, unsigned limit, unsigned limit_per_host, rl_guard *guard);
rl_pool *rl_pool_ref(rl_pool *pool);
void rl_pool_unref(rl_pool *pool);
/* Stops every transfer with RL_ECLOSED and closes all connections; nothing can be started any more. */
void rl_pool_close(rl_pool *pool);

/* ---- for transfer.c ---- */

/* A slot with what all requests need set; NULL where memory is short. */
rl_slot *rl_slot_take(rl_pool *pool);
/* Back to the pool; `reusable` where curl is done with it and nothing went wrong. */
void rl_slot_give(rl_slot *slot, bool reusable);
/* Lets the transfer run now (rl_transfer_begin) or when its turn comes. */
void rl_pool_submit(rl_pool *pool, rl_transfer *transfer);
/* Takes it out, waiting or running; the next one gets its place. */
void rl_pool_withdraw(rl_pool *pool, rl_transfer *transfer);

#endif
