/* The server of the tests; see server.h. */
#include "support/server.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "http/h2/h2.h"
#include "support/site.h"
#include "support/test.h"

enum { TURNS_MOST = 1000000 };

/* ---- the server -------------------------------------------------------------------------------------------------------- */

static test_link *link_of(rl_conn *conn) { return RL_CONTAINER(conn, test_link, conn); }

static void handle(rl_conn *conn, rl_req *req) {
  test_client *client = link_of(conn)->client;
  test_client_event(client, "%.*s", RL_FMT(req->path));
  client->server->handling = client;
  client->server->dispatch.handler.handle(&client->server->dispatch.handler, req);
}

static void on_exchange(rl_conn *conn, rl_req *req, const rl_exchange_report *how) {
  test_server *server = conn->host->owner;
  if (req) server->exchanges++;
  else server->refusals++;
  server->last = *how;
}

static void on_closed(rl_conn *conn) {
  test_link *link = link_of(conn);
  link->client->link = NULL;
  link->client->server->connections--;
  rl_free(link);
}

static const rl_conn_events conn_events = {.handle = handle, .on_exchange = on_exchange, .on_closed = on_closed};

void test_server_init(test_server *server) {
  memset(server, 0, sizeof *server);
  if (rl_loop_init(&server->loop)) abort();
  rl_loop_clock_freeze(&server->loop);
  rl_conn_host_init(&server->host, &server->loop, &conn_events, server);
  server->protocol = &rl_h1_protocol;
  server->router = rl_router_new();
  if (!server->router) abort();
  rl_dispatch_init(&server->dispatch, server->router);
  site_install(server);
}

void test_server_check(test_server *server) {
  test_server_settle(server);
  assert_int_equal(server->connections, 0);
  assert_int_equal(server->visits, 0);
  assert_true(rl_loop_next_timer(&server->loop) == UINT64_MAX);
}

void test_server_free(test_server *server) {
  test_server_check(server);
  rl_conn_host_free(&server->host);
  rl_router_del(server->router);
  assert_int_equal(rl_loop_free(&server->loop), 0);
}

void test_turn(rl_loop *loop) {
  uv_run(&loop->uv, loop->held && rl_list_empty(&loop->ready) ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

void test_server_settle(test_server *server) {
  rl_loop *loop = &server->loop;
  loop->quiet = 0;
  for (int turns = 0; !rl_loop_is_quiet(loop); turns++) {
    if (turns == TURNS_MOST) fail_msg("the loop does not come to rest");
    test_turn(loop);
  }
}

void test_server_pause(test_server *server, uint64_t delay_ms) {
  rl_loop *loop = &server->loop;
  uint64_t until = rl_loop_now(loop) + delay_ms;
  test_server_settle(server);
  for (uint64_t next; (next = rl_loop_next_timer(loop)) <= until;) {
    rl_loop_advance_to(loop, next);
    test_server_settle(server);
  }
  rl_loop_advance_to(loop, until);
  test_server_settle(server);
}

/* ---- a client ------------------------------------------------------------------------------------------------------------- */

static test_client *new_client(test_server *server) {
  test_link *link = rl_alloc(sizeof *link);
  if (!link) return NULL;
  test_client *client = calloc(1, sizeof *client);
  if (!client) abort();
  client->server = server;
  client->link = link;
  link->client = client;
  mem_stream_init(&client->stream, &server->loop);
  return client;
}

static test_client *connect_client(test_client *client, rl_stream *stream, const rl_protocol *protocol) {
  if (!client) return NULL;
  test_server *server = client->server;
  rl_conn_init(&client->link->conn, &server->host, stream, "127.0.0.1");
  server->connections++;
  rl_conn_become(&client->link->conn, protocol, RL_SLICE_NONE);
  test_server_settle(server);
  return client;
}

test_client *test_client_connect(test_server *server) {
  test_client *client = new_client(server);
  return connect_client(client, client ? &client->stream.stream : NULL, server->protocol);
}

test_client *test_client_connect_over(test_server *server, rl_stream *stream, const rl_protocol *protocol) {
  return connect_client(new_client(server), stream, protocol);
}

test_client *test_client_connect_h2(test_server *server) {
  const rl_protocol *protocol = server->protocol;
  server->protocol = &rl_h2_protocol;
  test_client *client = test_client_connect(server);
  server->protocol = protocol;
  return client;
}

void test_client_free(test_client *client) {
  if (client->link) test_client_break(client);
  assert_null(client->link);
  mem_stream_free(&client->stream);
  free(client);
}

void test_client_send(test_client *client, rl_slice bytes) {
  mem_stream_feed(&client->stream, bytes);
  test_server_settle(client->server);
}

void test_client_eof(test_client *client) {
  mem_stream_eof(&client->stream);
  test_server_settle(client->server);
}

void test_client_break(test_client *client) {
  mem_stream_break(&client->stream, RL_ERESET);
  test_server_settle(client->server);
}

void test_client_take(test_client *client, size_t bytes) {
  mem_stream_take(&client->stream, bytes);
  test_server_settle(client->server);
}

void test_client_event(test_client *client, const char *format, ...) {
  size_t used = strlen(client->events);
  va_list args;
  va_start(args, format);
  if (used && used + 2 < sizeof client->events) used += (size_t)sprintf(client->events + used, ", ");
  vsnprintf(client->events + used, sizeof client->events - used, format, args);
  va_end(args);
}

test_client *test_client_of(const test_server *server) {
  return server->in_process ? server->in_process : server->handling;
}
