/*
 * The whole server without a socket: a loop whose clock stands still, connections over mem_stream, HTTP/1, a router, and
 * the handlers of site.h.
 *
 *   test_client_connect -> send, eof, break, pause … -> look at client->stream.out, client->events -> test_client_free
 *
 * test_server_free checks for every test that all connections and handles of the loop were closed, that no timer is left, and
 * that all requests were released.
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
  unsigned exchanges, refusals; /* reports of on_exchange with a request, and without */
  rl_exchange_report last;      /* the last report */
  const rl_protocol *protocol;  /* what connections begin with */
  test_client *in_process;      /* the client that asks without a connection, or NULL */
  test_client *handling;        /* the client whose request is handed to its handler right now */
} test_server;

/* The server frees it once the connection is over; the client outlives it. */
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
/* Fails the test if a connection, a request or a timer is left. */
void test_server_check(test_server *server);
void test_server_free(test_server *server);

/* Runs one turn of the loop. If only jobs of other threads are under way it waits for one, so that a slow disk costs no turns. */
void test_turn(rl_loop *loop);
/* Runs the loop until nothing is ready. Fails the test if it never comes to rest. */
void test_server_settle(test_server *server);
/* Lets virtual time pass: each timer on the way fires at its own moment. */
void test_server_pause(test_server *server, uint64_t delay_ms);

/* Returns NULL if memory was short (only while allocations fail). */
test_client *test_client_connect(test_server *server);
/* The same, and the connection begins with HTTP/2. */
test_client *test_client_connect_h2(test_server *server);
/* Puts the connection on a stream of the test's own, which outlives it; client->stream is not used then. */
test_client *test_client_connect_over(test_server *server, rl_stream *stream, const rl_protocol *protocol);
/* Breaks a connection that is still open. */
void test_client_free(test_client *client);

/* Act for the client, then settle the server. */
void test_client_send(test_client *client, rl_slice bytes);
void test_client_eof(test_client *client);
void test_client_break(test_client *client);
void test_client_take(test_client *client, size_t bytes);

static inline rl_slice test_client_out(const test_client *client) { return mem_stream_out(&client->stream); }
/* Returns true if the server has ended the connection, by a FIN or a reset. */
static inline bool test_client_is_closed(const test_client *client) {
  return client->stream.shut || client->stream.closed;
}

/* For handlers: adds a word to client->events, after ", ". */
void test_client_event(test_client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Returns the client whose request begins; for handlers. */
test_client *test_client_of(const test_server *server);

#endif
