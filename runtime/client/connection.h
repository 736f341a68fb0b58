/*
 * A client's connection: HTTP/1.1 over TCP or a unix socket, with TLS above it or without, one request and its response at a time.
 *
 *   rl_client_conn_new --TLS: on_open--> idle --rl_client_conn_start--> busy --on_end(reusable)--> idle …
 *                           |                                |--on_broken
 *                           '--on_lost                       '-- …     each followed by the owner's rl_client_conn_close
 *
 *   to write   [head][size of a chunk][content, or the bytes given last][CRLF]     as the socket takes it, without a copy
 *   to read    socket -> http/h1/response_reader.h -> on_head, on_body …     while paused, bytes stay in the kernel
 *
 * A peer may answer before it has read all of a request: if writing fails, reading goes on.
 *
 * With TLS a body that ends with the connection is complete only after close_notify: whoever can cut a connection could cut it
 * (RFC 8446 section 6.1, RFC 9112 section 9.8). While it is idle, TLS's own messages (session tickets, new keys) are read and are no news.
 *
 * client/dial.h makes the sockets, client/idle.h keeps idle connections, carrier/http1.c chooses one for each request.
 */
#ifndef RL_CLIENT_CONNECTION_H
#define RL_CLIENT_CONNECTION_H

#include "http/h1/response_reader.h"
#include "net/tcp.h"
#include "net/tls/client.h"

typedef struct rl_client_conn rl_client_conn;

/* The owner may close the connection in any of these. */
typedef struct rl_client_conn_events {
  /* The handshake is done: it is idle. on_broken: it has failed. Not without TLS. */
  void (*on_open)(rl_client_conn *conn);
  /* Bytes have moved, either way. */
  void (*on_moved)(rl_client_conn *conn);
  /* The head that rl_outgoing.answer points to is complete. 0, or a code that breaks the exchange. */
  int (*on_head)(rl_client_conn *conn);
  /* Bytes of the body, borrowed until return. 0 or a code, as above. */
  int (*on_body)(rl_client_conn *conn, rl_slice bytes);
  /* The bytes given last are with the kernel; more, or the end, may follow. */
  void (*on_sent)(rl_client_conn *conn);
  /* The exchange has ended well. `reusable`: the connection may carry another one. */
  void (*on_end)(rl_client_conn *conn, bool reusable);
  /* The exchange has failed. `why` is one line for people, borrowed; NULL: the code says all. */
  void (*on_broken)(rl_client_conn *conn, int code, const char *why);
  /* The server closed an idle connection, or sent bytes that are no answer to anything. */
  void (*on_lost)(rl_client_conn *conn);
} rl_client_conn_events;

struct rl_client_conn {
  rl_tcp tcp;
  struct rl_tls *tls; /* above it, or NULL */
  rl_stream *stream;  /* the upper one of them */
  rl_list node;       /* for the owner */
  const rl_client_conn_events *events;
  void *owner;
  uint64_t since_ms; /* idle since then; the owner's */

  rl_response_reader reader;
  rl_slice head, size, content; /* not written yet; size: the line before a chunk, or the end of all chunks */
  uint8_t crlf;                 /* not written yet, after a chunk */
  uint64_t left;                /* of a streamed body's length; not in chunks */
  bool busy, streamed, chunked, last;
  bool sending;      /* bytes of a streamed body are being written */
  bool ended;        /* the streamed body is complete */
  bool sent;         /* all of the request is with the kernel */
  bool write_closed; /* the peer takes nothing any more, or is to get nothing */
  bool answered;     /* a byte of the response has come */
  bool opening;      /* the handshake is under way */
  bool looking;      /* rl_client_conn_is_alive reads, and is told of an end by … */
  bool gone;         /* … this */
  bool paused;       /* reading is */
  bool was_reset;    /* while it was: what came before is still to be read */
  bool used;         /* has carried an exchange before the one under way */
  size_t burst;      /* bytes written since the loop came round */
  char line[24];     /* that `size` points to */
  uint64_t origin;   /* hash of the key */
  size_t key_len;
  char key[]; /* where it leads to */
};

/* A request to send: borrowed until on_end, on_broken or rl_client_conn_close. */
typedef struct rl_outgoing {
  rl_slice head;            /* with its empty line */
  rl_slice content;         /* of a body in memory */
  bool streamed;            /* the body comes by rl_client_conn_send */
  int64_t length;           /* of it; -1: unknown, it goes in chunks */
  rl_response_head *answer; /* filled with the response's head */
  bool to_head;             /* the method is HEAD */
  bool upgrades;            /* it has an Upgrade field */
  bool last;                /* the request says "Connection: close" */
} rl_outgoing;

/* Where a connection leads to. Borrowed. */
typedef struct rl_client_conn_to {
  rl_slice key;         /* equal for those that a request may go by, and for no others */
  rl_tls_client *tls;   /* NULL: without TLS */
  rl_slice server_name; /* with TLS: asked for and verified; an address in text is verified only */
} rl_client_conn_to;

/* Takes the connected descriptor. Returns NULL, with the descriptor closed, if memory runs out. The caller sets events and
 * owner. With TLS it is of no use before on_open. Freed after rl_client_conn_close, in a later turn of the loop. */
rl_client_conn *rl_client_conn_new(rl_loop *loop, int fd, const rl_client_conn_to *to);
/* Begins an exchange on an idle connection. Does not call back. */
void rl_client_conn_start(rl_client_conn *conn, const rl_outgoing *outgoing);
/* Sends bytes of a streamed body, at least one, after those before have been sent. Returns 1: they are with the kernel; 0:
 * on_sent will say so, and until then they are borrowed (it never comes if the peer takes nothing any more); RL_EINVALID:
 * they are more than the length said. */
int rl_client_conn_send(rl_client_conn *conn, rl_slice bytes);
/* Ends a streamed body. Returns 0, or RL_EINVALID if it is shorter than the length said. */
int rl_client_conn_send_end(rl_client_conn *conn);
/* Sends neither the rest of the request nor its end, and gives the borrowed bytes back. Reading goes on. */
void rl_client_conn_stop_sending(rl_client_conn *conn);
/* Stops reading, and starts again. */
void rl_client_conn_pause(rl_client_conn *conn);
void rl_client_conn_resume(rl_client_conn *conn);
/* Returns false if the server has closed an idle connection, or sent bytes on it. Asks the kernel: the loop may not have told
 * yet. Calls back nobody. */
bool rl_client_conn_is_alive(rl_client_conn *conn);
void rl_client_conn_close(rl_client_conn *conn);

static inline rl_slice rl_client_conn_key(const rl_client_conn *conn) { return rl_slice_of(conn->key, conn->key_len); }

#endif
