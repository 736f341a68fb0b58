/* Who may use a connection, and when; see pool.h. */
#include "client/pool.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "client/transfer.h"

/* ---- slots ------------------------------------------------------------------------------------------------------------- */

static CURLSH *make_share(void) {
  CURLSH *share = curl_share_init();
  if (!share) return NULL;
  curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
  curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  return share;
}

static void free_slot(rl_slot *slot) {
  curl_easy_cleanup(slot->wire.easy);
  curl_url_cleanup(slot->parts);
  rl_free(slot->url);
  rl_free(slot->headers);
  rl_free(slot->proxy_headers);
  rl_free(slot);
}

static rl_slot *make_slot(rl_pool *pool) {
  rl_slot *slot = rl_calloc(1, sizeof *slot);
  if (!slot) return NULL;
  rl_list_init(&slot->node);
  slot->pool = pool;
  slot->wire.easy = curl_easy_init();
  if (slot->wire.easy) {
    curl_easy_setopt(slot->wire.easy, CURLOPT_SHARE, pool->share);
    rl_engine_prepare(pool->engine, slot->wire.easy);
    rl_transfer_bind(slot);
    rl_slot_prepare(slot);
    return slot;
  }
  rl_free(slot);
  return NULL;
}

rl_slot *rl_slot_take(rl_pool *pool) {
  rl_list *kept = rl_list_shift(&pool->kept);
  if (kept) {
    pool->kept_count--;
    return RL_CONTAINER(kept, rl_slot, node);
  }
  if (!pool->share) pool->share = make_share();
  return pool->share ? make_slot(pool) : NULL;
}

void rl_slot_give(rl_slot *slot, bool reusable) {
  rl_pool *pool = slot->pool;
  slot->transfer = NULL;
  if (!reusable || !slot->plain || pool->closed || pool->kept_count >= pool->limit) {
    free_slot(slot);
    return;
  }
  rl_free(slot->headers);
  rl_free(slot->proxy_headers);
  slot->headers = slot->proxy_headers = NULL;
  rl_list_push(&pool->kept, &slot->node);
  pool->kept_count++;
}

/* ---- connections that nobody uses ---------------------------------------------------------------------------------------- */

/* Handles first: curl refuses to give up a share that is in use. */
static void drop_connections(rl_pool *pool) {
  for (rl_list *node; (node = rl_list_shift(&pool->kept));) free_slot(RL_CONTAINER(node, rl_slot, node));
  pool->kept_count = 0;
  curl_share_cleanup(pool->share);
  pool->share = NULL;
}

static void on_idle(uv_timer_t *timer) {
  rl_pool *pool = timer->data;
  if (rl_list_empty(&pool->running) && rl_list_empty(&pool->waiting)) drop_connections(pool);
}

static void maybe_idle(rl_pool *pool) {
  if (pool->closed || !pool->share || !rl_list_empty(&pool->running) || !rl_list_empty(&pool->waiting)) return;
  uv_timer_start(&pool->idle, on_idle, RL_LIMIT_CLIENT_IDLE_MS, 0);
}

/* ---- whose turn it is ------------------------------------------------------------------------------------------------------ */

static bool origin_is_full(const rl_pool *pool, uint64_t origin) {
  unsigned count = 0;
  if (!pool->limit_per_host) return false;
  RL_LIST_EACH(&pool->running, node) count += RL_CONTAINER(node, rl_transfer, node)->origin == origin;
  return count >= pool->limit_per_host;
}

static rl_transfer *next_in_line(rl_pool *pool) {
  if (pool->active >= pool->limit) return NULL;
  RL_LIST_EACH(&pool->waiting, node) {
    rl_transfer *transfer = RL_CONTAINER(node, rl_transfer, node);
    if (!origin_is_full(pool, transfer->origin)) return transfer;
  }
  return NULL;
}

/* One that fails at once is withdrawn meanwhile, so the line is looked at anew each time. */
static void dispatch(rl_pool *pool) {
  for (rl_transfer *transfer; (transfer = next_in_line(pool));) {
    rl_list_remove(&transfer->node);
    rl_list_push(&pool->running, &transfer->node);
    pool->active++;
    rl_transfer_begin(transfer);
  }
}

void rl_pool_submit(rl_pool *pool, rl_transfer *transfer) {
  rl_list_push(&pool->waiting, &transfer->node);
  dispatch(pool);
}

void rl_pool_withdraw(rl_pool *pool, rl_transfer *transfer) {
  bool was_running = transfer->state != RL_TRANSFER_WAITING;
  rl_list_remove(&transfer->node);
  if (was_running) pool->active--;
  if (!pool->closed) dispatch(pool);
  maybe_idle(pool);
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
  rl_list_init(&pool->kept);
  uv_timer_init(&rl_engine_loop(engine)->uv, &pool->idle);
  uv_unref((uv_handle_t *)&pool->idle);
  pool->idle.data = pool;
  return pool;
}

rl_pool *rl_pool_ref(rl_pool *pool) {
  pool->refs++;
  return pool;
}

static void fail_all(rl_list *transfers) {
  while (!rl_list_empty(transfers))
    rl_transfer_fail(RL_CONTAINER(transfers->next, rl_transfer, node), RL_ECLOSED, "the client was closed");
}

void rl_pool_close(rl_pool *pool) {
  if (pool->closed) return;
  pool->closed = true;
  fail_all(&pool->waiting);
  fail_all(&pool->running);
  uv_timer_stop(&pool->idle);
  drop_connections(pool);
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
