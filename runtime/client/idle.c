/* Links that wait for their next request; see idle.h. */
#include "client/idle.h"

static rl_client_conn *conn_of(rl_list *node) { return RL_CONTAINER(node, rl_client_conn, node); }

static void let_go(rl_idle_conns *conns, rl_client_conn *conn) {
  rl_list_remove(&conn->node);
  conns->count--;
}

static void drop(rl_idle_conns *conns, rl_client_conn *conn) {
  let_go(conns, conn);
  rl_client_conn_close(conn);
}

static void on_lost(rl_client_conn *conn) { drop(conn->owner, conn); }

static const rl_client_conn_events idle_events = {.on_lost = on_lost};

void rl_idle_conns_init(rl_idle_conns *conns, unsigned most) {
  *conns = (rl_idle_conns){.most = most};
  rl_list_init(&conns->list);
}

void rl_idle_conns_keep(rl_idle_conns *conns, rl_client_conn *conn, uint64_t now_ms) {
  conn->owner = conns;
  conn->events = &idle_events;
  conn->since_ms = now_ms;
  rl_list_push(conns->list.next, &conn->node); /* in front */
  if (++conns->count > conns->most) drop(conns, conn_of(conns->list.prev));
}

rl_client_conn *rl_idle_conns_take(rl_idle_conns *conns, uint64_t origin, rl_slice key, uint64_t oldest_ms) {
  RL_LIST_EACH(&conns->list, node) {
    rl_client_conn *conn = conn_of(node);
    if (conn->since_ms < oldest_ms) return NULL;
    if (conn->origin != origin || !rl_slice_eq(rl_client_conn_key(conn), key)) continue;
    let_go(conns, conn);
    return conn;
  }
  return NULL;
}

uint64_t rl_idle_conns_sweep(rl_idle_conns *conns, uint64_t before_ms) {
  while (conns->count && conn_of(conns->list.prev)->since_ms < before_ms) drop(conns, conn_of(conns->list.prev));
  return conns->count ? conn_of(conns->list.prev)->since_ms : UINT64_MAX;
}
