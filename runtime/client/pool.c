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
  uint64_t oldest = rl_links_sweep(&pool->links, oldest_of(pool));
  if (pool->slots.share && is_idle(pool) && pool->left_ms <= oldest_of(pool)) rl_slots_drop(&pool->slots);
  if (pool->slots.share && pool->left_ms < oldest) oldest = pool->left_ms;
  if (oldest == UINT64_MAX) return;
  uint64_t due = oldest + RL_LIMIT_CLIENT_IDLE_MS, now = clock_of(pool);
  uv_timer_start(&pool->idle, on_idle, due > now ? due - now + 1 : RL_LIMIT_CLIENT_IDLE_MS, 0);
}

static void watch_idle(rl_pool *pool) {
  pool->left_ms = clock_of(pool);
  if (!uv_is_active((uv_handle_t *)&pool->idle)) uv_timer_start(&pool->idle, on_idle, RL_LIMIT_CLIENT_IDLE_MS, 0);
}

rl_link *rl_pool_take_link(rl_pool *pool, uint64_t origin, rl_slice key) {
  return rl_links_take(&pool->links, origin, key, oldest_of(pool));
}

void rl_pool_keep_link(rl_pool *pool, rl_link *link) {
  if (pool->closed) rl_link_close(link);
  else rl_links_keep(&pool->links, link, clock_of(pool));
}

/* ---- whose turn it is ------------------------------------------------------------------------------------------------------ */

static rl_place *place_of(rl_list *node) { return RL_CONTAINER(node, rl_place, node); }

static bool origin_is_full(const rl_pool *pool, uint64_t origin) {
  unsigned count = 0;
  if (!pool->limit_per_host) return false;
  RL_LIST_EACH(&pool->running, node) count += place_of(node)->origin == origin;
  return count >= pool->limit_per_host;
}

static rl_place *next_in_line(rl_pool *pool) {
  if (pool->active >= pool->limit) return NULL;
  RL_LIST_EACH(&pool->waiting, node) {
    if (!origin_is_full(pool, place_of(node)->origin)) return place_of(node);
  }
  return NULL;
}

/* One that fails at once leaves meanwhile, so the line is looked at anew each time. */
static void dispatch(rl_pool *pool) {
  for (rl_place *place; (place = next_in_line(pool));) {
    rl_list_remove(&place->node);
    rl_list_push(&pool->running, &place->node);
    place->running = true;
    pool->active++;
    place->on_turn(place);
  }
}

void rl_pool_enter(rl_pool *pool, rl_place *place) {
  place->running = false;
  rl_list_push(&pool->waiting, &place->node);
  dispatch(pool);
}

void rl_pool_leave(rl_pool *pool, rl_place *place) {
  rl_list_remove(&place->node);
  if (place->running) pool->active--;
  place->running = false;
  if (pool->closed) return;
  dispatch(pool);
  watch_idle(pool);
}

/* ---- life -------------------------------------------------------------------------------------------------------------------- */

rl_pool *rl_pool_new(rl_engine *engine, unsigned limit, unsigned limit_per_host, rl_guard *guard) {
  rl_pool *pool = rl_calloc(1, sizeof *pool);
  if (!pool) return NULL;
  pool->engine = rl_engine_ref(engine);
  rl_list_push(rl_engine_pools(engine), &pool->node);
  pool->guard = *guard;
  *guard = (rl_guard){0};
  pool->refs = 1;
  pool->limit = limit;
  pool->limit_per_host = limit_per_host;
  rl_list_init(&pool->waiting);
  rl_list_init(&pool->running);
  rl_links_init(&pool->links, RL_LIMIT_CLIENT_IDLE);
  rl_slots_init(&pool->slots, engine, limit);
  uv_timer_init(&rl_engine_loop(engine)->uv, &pool->idle);
  uv_unref((uv_handle_t *)&pool->idle);
  pool->idle.data = pool;
  return pool;
}

rl_pool *rl_pool_ref(rl_pool *pool) {
  pool->refs++;
  return pool;
}

static void close_all(rl_list *places) {
  while (!rl_list_empty(places)) place_of(places->next)->on_close(place_of(places->next));
}

void rl_pool_close(rl_pool *pool) {
  if (pool->closed) return;
  pool->closed = true;
  close_all(&pool->waiting);
  close_all(&pool->running);
  uv_timer_stop(&pool->idle);
  rl_links_sweep(&pool->links, UINT64_MAX);
  rl_slots_drop(&pool->slots);
}

static void on_pool_closed(uv_handle_t *handle) { rl_free(handle->data); }

void rl_pool_unref(rl_pool *pool) {
  if (--pool->refs) return;
  rl_pool_close(pool);
  rl_guard_free(&pool->guard);
  rl_list_remove(&pool->node);
  rl_engine_unref(pool->engine);
  uv_close((uv_handle_t *)&pool->idle, on_pool_closed);
}
