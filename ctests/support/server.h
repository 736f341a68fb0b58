/*
 * The whole server without a socket: a loop whose clock stands still, connections over mem_stream, HTTP/1, a router, and
 * the handlers of site.h behind it.
 *
 *   test_client_connect -> send, eof, break, pause … -> look at client->stream.out, client->events -> test_client_free
 *
 * What nobody asserts is checked by test_server_free: every connection was closed, every handle of the loop too, no timer
 * is left, every request was released.
 */
#ifndef CTESTS_SUPPORT_SERVER_H
#define CTESTS_SUPPORT_SERVER_H

#include "http/h1/h1.h"
#include "server/dispatch.h"
#include "support/mem_stream.h"

typedef struct test_client test_client;

typedef struct test_server {
  rl_loop loop;
  rl_conn_host host;
  rl_router *router;
  rl_dispatch dispatch;
  unsigned connections;         /* open now */
  unsigned visits;              /* requests that a handler of the site has not released */
  unsigned exchanges, refusals; /* told by on_exchange: with a request, and without */
  rl_exchange_report last;      /* the last of them */
  test_client *in_process;      /* who asks without a connection, or NULL */
} test_server;

/* What the server frees once the connection is over; the client outlives it. */
typedef struct test_link {
  rl_conn conn;
  test_client *client;
} test_link;

struct test_client {
  test_server *server;
  mem_stream stream;
  test_link *link; /* NULL once the connection is over */
  char events[512];
};

void test_server_init(test_server *server);
/* Fails the test where something is left of the connections that were there: one of them, a request, a timer. */
void test_server_check(test_server *server);
void test_server_free(test_server *server);

/* Runs one turn of the loop. Waits in it where only jobs of other threads can go on, so that no turns are counted while a slow
 * disk keeps them. */
void test_turn(rl_loop *loop);
/* Runs the loop until nothing is ready. Fails the test where it never comes to rest. */
void test_server_settle(test_server *server);
/* Lets virtual time pass: each timer on the way fires at its own moment. */
void test_server_pause(test_server *server, uint64_t delay_ms);

/* NULL where memory was short (only while allocations fail). */
test_client *test_client_connect(test_server *server);
/* Breaks a connection that is still open. */
void test_client_free(test_client *client);

/* Each settles. */
void test_client_send(test_client *client, rl_slice bytes);
void test_client_eof(test_client *client);
void test_client_break(test_client *client);
void test_client_take(test_client *client, size_t bytes);

static inline rl_slice test_client_out(const test_client *client) { return mem_stream_out(&client->stream); }
/* The peer has seen the end: a FIN or a reset. */
static inline bool test_client_is_closed(const test_client *client) {
  return client->stream.shut || client->stream.closed;
}

/* For handlers: adds a word to client->events, behind ", ". */
void test_client_event(test_client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Returns the client whose request this is, or NULL after the connection has gone. */
test_client *test_client_of(const test_server *server, const rl_req *req);

#endif
