/* Listeners, connections and their graceful end; see worker.h. */
#include "server/worker.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "net/listener.h"
#include "net/tls/tls.h"
#include "server/answer.h"

/* A listener, and what its connections begin with. */
struct rl_worker_listener {
  rl_listener listener;
  rl_listen_options options;
};

static rl_worker *worker_of(rl_conn *conn) { return conn->host->owner; }

/* Returns true if the request is for the name that the client's handshake was about, or for one that it may ask for on the same
 * connection: certificates of clients are checked for that name only. */
static bool is_directed(const rl_req *req) {
  char room[RL_HOST_NAME];
  return !req->security || !req->security->server_name.len ||
         rl_tls_agrees(req->security, rl_authority_name(req->host, room));
}

static void handle(rl_conn *conn, rl_req *req) {
  rl_handler *handler = rl_accept_handler(conn);
  if (!handler) handler = worker_of(conn)->handler;
  if (is_directed(req)) handler->handle(handler, req);
  else rl_answer_plain(req, 421, NULL, 0); /* RFC 9110 section 15.5.20 */
}

static void maybe_stopped(rl_worker *worker) {
  if (!worker->stopping || worker->connection_count || worker->listeners_open) return;
  rl_timer_stop(worker->loop, &worker->deadline);
  worker->on_stopped(worker);
}

static void start_listeners(rl_worker *worker) {
  worker->full = false;
  for (unsigned i = 0; i < worker->listener_count; i++) rl_listener_start(&worker->listeners[i]->listener);
}

/* Connections that linger do not count: they are closed for those who want in, the oldest first. */
static bool is_full(const rl_worker *worker) {
  return worker->connection_count - worker->host.lingering_count >= worker->host.limits.connections;
}

static void maybe_let_in(rl_worker *worker) {
  if (worker->full && !is_full(worker)) start_listeners(worker);
}

static void on_conn_closed(rl_conn *conn) {
  rl_worker *worker = worker_of(conn);
  rl_list_remove(&conn->node);
  worker->connection_count--;
  rl_metrics_set(&worker->metrics.connections, worker->connection_count);
  rl_accept_free(conn);
  maybe_let_in(worker);
  for (unsigned i = 0; i < worker->listener_count; i++) rl_listener_check(&worker->listeners[i]->listener);
  maybe_stopped(worker);
}

static void on_conn_linger(rl_conn *conn) { maybe_let_in(worker_of(conn)); }

static void on_exchange(rl_conn *conn, rl_req *req, const rl_exchange_report *how) {
  rl_worker *worker = worker_of(conn);
  rl_metrics_count(&worker->metrics, req != NULL, how, rl_loop_now(worker->loop));
  if (worker->access) rl_access_add(worker->access, conn->peer, req, how);
  if (worker->on_exchange) worker->on_exchange(worker, req, how);
}

static const rl_conn_events conn_events = {
    .handle = handle, .on_exchange = on_exchange, .on_linger = on_conn_linger, .on_closed = on_conn_closed};

static void add_connection(rl_worker *worker, rl_conn *conn) {
  rl_list_push(&worker->connections, &conn->node);
  worker->connection_count++;
  rl_metrics_set(&worker->metrics.connections, worker->connection_count);
  rl_metrics_add(&worker->metrics.accepted, 1);
}

/* A full worker lets the kernel hold what arrives, up to the backlog. */
static void on_accept(rl_listener *listener, int fd, const char *peer) {
  rl_worker *worker = listener->owner;
  if (worker->connection_count >= worker->host.limits.connections) rl_conn_host_shed(&worker->host);
  rl_conn *conn = rl_accept(&worker->host, &RL_CONTAINER(listener, rl_worker_listener, listener)->options, fd, peer);
  if (conn) add_connection(worker, conn);
  if (!is_full(worker)) return;
  worker->full = true;
  for (unsigned i = 0; i < worker->listener_count; i++) rl_listener_pause(&worker->listeners[i]->listener);
}

static void on_listener_closed(rl_listener *listener) {
  rl_worker *worker = listener->owner;
  worker->listeners_open--;
  maybe_stopped(worker);
}

/* A worker without a connection lets one in whatever is left: else nobody would ever be served again. */
static bool on_short(rl_listener *listener) {
  rl_worker *worker = listener->owner;
  return rl_conn_host_shed(&worker->host) || !worker->connection_count;
}

static const rl_listener_events listener_events = {
    .on_accept = on_accept, .on_short = on_short, .on_closed = on_listener_closed};

void rl_worker_init(rl_worker *worker, rl_loop *loop, rl_handler *handler) {
  memset(worker, 0, sizeof *worker);
  worker->loop = loop;
  worker->handler = handler;
  rl_list_init(&worker->connections);
  rl_conn_host_init(&worker->host, loop, &conn_events, worker);
  rl_metrics_open(&worker->metrics);
}

void rl_worker_free(rl_worker *worker) {
  rl_metrics_close(&worker->metrics);
  rl_conn_host_free(&worker->host);
  if (worker->listeners_open) return; /* never stopped: the loop still holds them */
  while (worker->listener_count) rl_free(worker->listeners[--worker->listener_count]);
  rl_free(worker->listeners);
}

static rl_worker_listener *new_listener(rl_worker *worker) {
  rl_worker_listener **more = rl_realloc(worker->listeners, (worker->listener_count + 1) * sizeof *more);
  if (!more) return NULL;
  worker->listeners = more;
  return rl_alloc(sizeof **more);
}

int rl_worker_listen(rl_worker *worker, int fd, const rl_listen_options *options) {
  rl_worker_listener *added = new_listener(worker);
  if (!added) {
    close(fd);
    return RL_ENOMEM;
  }
  int code = rl_listener_init(&added->listener, worker->loop, fd);
  if (code) {
    rl_free(added);
    return code;
  }
  added->options = options ? *options : (rl_listen_options){.protocol = NULL};
  added->listener.events = &listener_events;
  added->listener.owner = worker;
  worker->listeners[worker->listener_count++] = added;
  worker->listeners_open++;
  return RL_OK;
}

void rl_worker_answer_with(rl_worker *worker, rl_handler *handler) {
  worker->handler = handler;
  worker->host.limits = handler->limits ? *handler->limits : rl_limits_default;
}

void rl_worker_start(rl_worker *worker) {
  rl_worker_answer_with(worker, worker->handler);
  start_listeners(worker);
}

static void on_last_words_over(rl_timer *timer) {
  rl_worker *worker = RL_CONTAINER(timer, rl_worker, deadline);
  RL_LIST_EACH(&worker->connections, node) rl_conn_close(RL_CONTAINER(node, rl_conn, node), false);
}

static void on_deadline(rl_timer *timer) {
  rl_worker *worker = RL_CONTAINER(timer, rl_worker, deadline);
  RL_LIST_EACH(&worker->connections, node) rl_conn_cut(RL_CONTAINER(node, rl_conn, node));
  rl_timer_start(worker->loop, &worker->deadline, RL_LIMIT_CUT_MS, on_last_words_over);
  maybe_stopped(worker);
}

void rl_worker_stop(rl_worker *worker, uint64_t timeout_ms) {
  if (worker->stopping) return;
  worker->stopping = true;
  for (unsigned i = 0; i < worker->listener_count; i++) rl_listener_close(&worker->listeners[i]->listener);
  RL_LIST_EACH(&worker->connections, node) rl_conn_stop(RL_CONTAINER(node, rl_conn, node));
  rl_timer_start(worker->loop, &worker->deadline, timeout_ms, on_deadline);
  maybe_stopped(worker);
}
