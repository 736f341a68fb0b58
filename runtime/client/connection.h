/*
 * A conn: one HTTP/1.1 connection of our own, over TCP or a unix socket, for one exchange at a time.
 *
 *   rl_client_conn_new --> idle --rl_client_conn_start--> busy --on_end(stays)--> idle …
 *                     |                       |--on_broken
 *                     '--on_lost              '              each followed by rl_client_conn_close, by the owner
 *
 *   to write   [head][size of a chunk][content, or the bytes offered last][CRLF]     as the socket takes it, without a copy
 *   to read    socket -> reader (http/h1/response_reader.h) -> on_head, on_body …         a paused conn leaves bytes to the kernel
 *
 * A peer that answers before it has read all of a request is heard: where writing fails, reading goes on.
 *
 * Who makes connections is another's affair (client/dial.h), and which conn carries what (client/idle.h, carrier/http1.c).
 */
#ifndef RL_CLIENT_CONNECTION_H
#define RL_CLIENT_CONNECTION_H

#include "http/h1/response_reader.h"
#include "net/tcp.h"

typedef struct rl_client_conn rl_client_conn;

/* In each of these the owner may close the conn; it is not touched then. */
typedef struct rl_client_conn_events {
  /* Bytes have moved, either way. */
  void (*on_moved)(rl_client_conn *conn);
  /* The head that rl_outgoing.answer points to is complete. 0, or a code that breaks the exchange. */
  int (*on_head)(rl_client_conn *conn);
  /* Bytes of the body, borrowed until return. 0 or a code, as above. */
  int (*on_body)(rl_client_conn *conn, rl_slice bytes);
  /* What was offered is with the kernel; another offer, or its end, may follow. */
  void (*on_sent)(rl_client_conn *conn);
  /* The exchange has ended well. `stays`: the connection may carry another one. */
  void (*on_end)(rl_client_conn *conn, bool stays);
  /* It has not. `why` is one line for people, static. */
  void (*on_broken)(rl_client_conn *conn, int code, const char *why);
  /* While it was idle the server closed it, or said what nobody had asked for. */
  void (*on_lost)(rl_client_conn *conn);
} rl_client_conn_events;

struct rl_client_conn {
  rl_tcp tcp;   /* first */
  rl_list node; /* for the owner */
  const rl_client_conn_events *events;
  void *owner;
  uint64_t since_ms; /* idle since then; the owner's */

  rl_response_reader reader;
  rl_slice head, size, content; /* not written yet; size: the line in front of a chunk, or the end of all chunks */
  uint8_t crlf;                 /* not written yet, behind a chunk */
  uint64_t left;                /* of a streamed body's length; not in chunks */
  bool busy, streamed, chunked, last;
  bool sending;      /* an offer is being written */
  bool ended;        /* there will be no offer any more */
  bool sent;         /* all of the request is with the kernel */
  bool write_closed; /* the peer takes nothing any more, or is to get nothing */
  bool answered;     /* a byte of the response has come */
  bool used;         /* has carried an exchange before the one under way */
  size_t burst;      /* bytes written since the loop came round */
  char line[24];     /* that `size` points to */
  uint64_t origin;   /* hash of the key */
  size_t key_len;
  char key[]; /* where it leads to */
};

/* What to send: borrowed until on_end, on_broken or rl_client_conn_close. */
typedef struct rl_outgoing {
  rl_slice head;            /* with its empty line */
  rl_slice content;         /* of a body in memory */
  bool streamed;            /* the body comes by rl_client_conn_send */
  int64_t length;           /* of it; -1: unknown, it goes in chunks */
  rl_response_head *answer; /* filled with the response's head */
  bool to_head;             /* the method is HEAD */
  bool upgrades;            /* it has an Upgrade field */
  bool last;                /* the request says that the connection is to be closed */
} rl_outgoing;

/* Takes the connected descriptor, also on failure: then NULL. Events and owner are set by the caller. Freed behind
 * rl_client_conn_close, in a later turn of the loop. */
rl_client_conn *rl_client_conn_new(rl_loop *loop, int fd, uint64_t origin, rl_slice key);
/* Begins an exchange on an idle conn. No event comes from inside of it. */
void rl_client_conn_start(rl_client_conn *conn, const rl_outgoing *sending);
/* Bytes of a streamed body, at least one: one offer at a time. 1: they are with the kernel; 0: on_sent will say so, until
 * then they are borrowed, and where the peer takes nothing any more it never does; RL_EINVALID: more than the length said. */
int rl_client_conn_send(rl_client_conn *conn, rl_slice bytes);
/* The body is complete. 0, or RL_EINVALID where it is shorter than the length said. */
int rl_client_conn_send_end(rl_client_conn *conn);
/* The rest of the request is not sent, and its end neither; what was offered is given back. The answer is read on. */
void rl_client_conn_stop_sending(rl_client_conn *conn);
/* Stops reading, and goes on. */
void rl_client_conn_pause(rl_client_conn *conn);
void rl_client_conn_resume(rl_client_conn *conn);
/* Asks the kernel whether an idle conn's server has closed it, or sent something: news that the loop may not have told. */
bool rl_client_conn_is_alive(const rl_client_conn *conn);
void rl_client_conn_close(rl_client_conn *conn);

static inline rl_slice rl_client_conn_key(const rl_client_conn *conn) { return rl_slice_of(conn->key, conn->key_len); }

#endif
