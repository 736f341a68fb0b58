/* Who may use a connection, and when; see pool.h. */
#include "client/pool.h"

#include "base/alloc.h"
#include "base/limits.h"

static uint64_t clock_of(const rl_pool *pool) { return uv_now(&rl_engine_loop(pool->engine)->uv); }
static uint64_t oldest_of(const rl_pool *pool) {
  uint64_t now = clock_of(pool);
  return now > RL_LIMIT_CLIENT_IDLE_MS ? now - RL_LIMIT_CLIENT_IDLE_MS : 0;
}

/* ---- connections that nobody uses ---------------------------------------------------------------------------------------- */

static bool is_idle(const rl_pool *pool) { return rl_list_empty(&pool->running) && rl_list_empty(&pool->waiting); }

/* Closes what has been idle too long, and comes again when the next one will have been. */
static void on_idle(uv_timer_t *timer) {
  rl_pool *pool = timer->data;
  uint64_t oldest = rl_idle_conns_sweep(&pool->idle, oldest_of(pool));
  if (pool->easies.share && is_idle(pool) && pool->left_ms <= oldest_of(pool)) rl_easy_cache_drop(&pool->easies);
  if (pool->easies.share && pool->left_ms < oldest) oldest = pool->left_ms;
  if (oldest == UINT64_MAX) return;
  uint64_t due = oldest + RL_LIMIT_CLIENT_IDLE_MS, now = clock_of(pool);
  uv_timer_start(&pool->idle_timer, on_idle, due > now ? due - now + 1 : RL_LIMIT_CLIENT_IDLE_MS, 0);
}

static void watch_idle(rl_pool *pool) {
  pool->left_ms = clock_of(pool);
  if (!uv_is_active((uv_handle_t *)&pool->idle_timer))
    uv_timer_start(&pool->idle_timer, on_idle, RL_LIMIT_CLIENT_IDLE_MS, 0);
}

rl_client_conn *rl_pool_take_conn(rl_pool *pool, uint64_t origin, rl_slice key) {
  return rl_idle_conns_take(&pool->idle, origin, key, oldest_of(pool));
}

void rl_pool_keep_conn(rl_pool *pool, rl_client_conn *conn) {
  if (pool->closed) rl_client_conn_close(conn);
  else rl_idle_conns_keep(&pool->idle, conn, clock_of(pool));
}

/* ---- whose turn it is ------------------------------------------------------------------------------------------------------ */

static rl_pool_ticket *ticket_of(rl_list *node) { return RL_CONTAINER(node, rl_pool_ticket, node); }

static bool origin_is_full(const rl_pool *pool, uint64_t origin) {
  unsigned count = 0;
  if (!pool->limit_per_host) return false;
  RL_LIST_EACH(&pool->running, node) count += ticket_of(node)->origin == origin;
  return count >= pool->limit_per_host;
}

static rl_pool_ticket *next_in_line(rl_pool *pool) {
  if (pool->active >= pool->limit) return NULL;
  RL_LIST_EACH(&pool->waiting, node) {
    if (!origin_is_full(pool, ticket_of(node)->origin)) return ticket_of(node);
  }
  return NULL;
}

/* One that fails at once leaves meanwhile, so the line is looked at anew each time. */
static void dispatch(rl_pool *pool) {
  for (rl_pool_ticket *ticket; (ticket = next_in_line(pool));) {
    rl_list_remove(&ticket->node);
    rl_list_push(&pool->running, &ticket->node);
    ticket->running = true;
    pool->active++;
    ticket->on_turn(ticket);
  }
}

void rl_pool_enter(rl_pool *pool, rl_pool_ticket *ticket) {
  ticket->running = false;
  rl_list_push(&pool->waiting, &ticket->node);
  dispatch(pool);
}

void rl_pool_leave(rl_pool *pool, rl_pool_ticket *ticket) {
  rl_list_remove(&ticket->node);
  if (ticket->running) pool->active--;
  ticket->running = false;
  if (pool->closed) return;
  dispatch(pool);
  watch_idle(pool);
}

/* ---- life -------------------------------------------------------------------------------------------------------------------- */

rl_pool *rl_pool_new(rl_engine *engine, unsigned limit, unsigned limit_per_host, rl_address_policy *policy) {
  rl_pool *pool = rl_calloc(1, sizeof *pool);
  if (!pool) return NULL;
  pool->engine = rl_engine_ref(engine);
  rl_list_push(rl_engine_pools(engine), &pool->node);
  pool->policy = *policy;
  *policy = (rl_address_policy){0};
  pool->refs = 1;
  pool->limit = limit;
  pool->limit_per_host = limit_per_host;
  rl_list_init(&pool->waiting);
  rl_list_init(&pool->running);
  rl_idle_conns_init(&pool->idle, RL_LIMIT_CLIENT_IDLE);
  rl_easy_cache_init(&pool->easies, engine, limit);
  rl_trusts_init(&pool->trusts, rl_engine_loop(engine));
  uv_timer_init(&rl_engine_loop(engine)->uv, &pool->idle_timer);
  uv_unref((uv_handle_t *)&pool->idle_timer);
  pool->idle_timer.data = pool;
  return pool;
}

rl_pool *rl_pool_ref(rl_pool *pool) {
  pool->refs++;
  return pool;
}

static void close_all(rl_list *tickets) {
  while (!rl_list_empty(tickets)) ticket_of(tickets->next)->on_close(ticket_of(tickets->next));
}

void rl_pool_close(rl_pool *pool) {
  if (pool->closed) return;
  pool->closed = true;
  close_all(&pool->waiting);
  close_all(&pool->running);
  uv_timer_stop(&pool->idle_timer);
  rl_idle_conns_sweep(&pool->idle, UINT64_MAX);
  rl_easy_cache_drop(&pool->easies);
  rl_trusts_free(&pool->trusts);
}

static void on_pool_closed(uv_handle_t *handle) { rl_free(handle->data); }

void rl_pool_unref(rl_pool *pool) {
  if (--pool->refs) return;
  rl_pool_close(pool);
  rl_address_policy_free(&pool->policy);
  rl_list_remove(&pool->node);
  rl_engine_unref(pool->engine);
  uv_close((uv_handle_t *)&pool->idle_timer, on_pool_closed);
}
