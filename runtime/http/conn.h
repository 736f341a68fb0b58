/*
 * A connection: a stream, what waits to be written to it, and its clocks. What the bytes mean is the protocol's
 * (rl_protocol: h1 now, h2 and websockets later).
 *
 *        server  (rl_conn_events: handle a request, log it, forget the connection)
 *           ^
 *        rl_conn --- rl_protocol: on_data, on_eof, on_drained, on_clock, …
 *           v
 *        rl_stream
 *
 * Writing: a protocol appends to `out` and says rl_conn_flush_soon; what was appended during one turn leaves in one write.
 * What the peer does not take waits, with a clock on it; who sets wants_drained hears when all is gone.
 *
 *   OPEN --rl_conn_finish--> FINISHING (write what waits) --> LINGERING --> CLOSED --on_closed--> freed by the owner
 *
 * The end comes in stages (RFC 9112 section 9.6): a socket that is closed with unread bytes in it sends a reset, which takes
 * the last answer from a peer that is still sending. So what arrives is read and dropped from FINISHING on, bounded in time
 * and size (limits: linger_timeout, linger_size), and without holding a byte. Those who linger are the host's to close first
 * (rl_conn_host_shed) when others want their place.
 */
#ifndef RL_HTTP_CONN_H
#define RL_HTTP_CONN_H

#include "base/buf.h"
#include "http/exchange.h"
#include "loop/loop.h"
#include "net/stream.h"

typedef struct rl_conn rl_conn;

typedef struct rl_protocol {
  void (*on_data)(rl_conn *conn, rl_slice bytes);
  void (*on_eof)(rl_conn *conn);
  void (*on_drained)(rl_conn *conn);          /* one answer to wants_drained: `out` is empty */
  void (*on_clock)(rl_conn *conn);            /* rl_conn_clock has run out */
  void (*on_broken)(rl_conn *conn, int code); /* the stream is gone; the connection closes after this */
  void (*on_stop)(rl_conn *conn);             /* graceful stop: finish what runs, start nothing new */
  void (*on_cut)(rl_conn *conn);              /* its time is over: answer what has no answer, then break off */
  void (*on_free)(rl_conn *conn);             /* before on_closed: give back what the protocol holds */
} rl_protocol;

typedef struct rl_conn_events {
  /* A request: the handler owns it until it releases it (request.h). */
  void (*handle)(rl_conn *conn, rl_req *req);
  /* An exchange has ended. `req` is NULL for one that was refused before it was a request. May be NULL itself. */
  void (*on_exchange)(rl_conn *conn, rl_req *req, const rl_exchange_report *how);
  /* Its last answer has left: from now on it only drops what comes, and rl_conn_host_shed may close it. May be NULL. */
  void (*on_linger)(rl_conn *conn);
  /* The last event: the owner frees what holds the connection. */
  void (*on_closed)(rl_conn *conn);
} rl_conn_events;

/* What all connections of a worker share. */
typedef struct rl_conn_host {
  rl_loop *loop;
  rl_limits limits;
  const rl_conn_events *events;
  void *owner;
  rl_list lingering; /* connections that only drop what comes, the oldest first */
  unsigned lingering_count;
  rl_buf spare[32]; /* write buffers between two uses */
  unsigned spares;
} rl_conn_host;

enum { RL_CONN_OPEN, RL_CONN_FINISHING, RL_CONN_LINGERING, RL_CONN_CLOSED };

/* How long input is dropped behind the last answer: not at all; a moment, where the request was read to its end; as long as
 * the limits say, where the peer may be in the middle of one. */
typedef enum rl_linger { RL_LINGER_NONE, RL_LINGER_BRIEFLY, RL_LINGER_FULLY } rl_linger;

struct rl_conn {
  rl_conn_host *host;
  rl_stream *stream;
  const rl_protocol *protocol;
  void *protocol_state; /* whose protocol that is */
  rl_list node;         /* the owner's list of connections */
  rl_list linger_node;  /* the host's list of those who linger */
  rl_buf out;
  rl_timer clock, stall;
  rl_post flush;
  int file; /* what follows `out`: file_left bytes of it from file_at; borrowed */
  int64_t file_at;
  uint64_t file_left;
  uint8_t state;
  uint8_t linger; /* rl_linger */
  bool corked, reading, eof, stopping, secure, wants_drained;
  bool unfinished;   /* the end of the connection would pass for the end of a body: however it closes, it is reset */
  uint64_t lingered; /* bytes dropped */
  uint64_t linger_until_ms;
  rl_slice peer; /* the client's IP */
  char peer_text[48];
};

void rl_conn_host_init(rl_conn_host *host, rl_loop *loop, const rl_conn_events *events, void *owner);
void rl_conn_host_free(rl_conn_host *host);
/* Closes the connection that has lingered longest; false where none does. */
bool rl_conn_host_shed(rl_conn_host *host);

/* Takes over the stream: its events are ours from now on. `peer` is copied. Reading starts at once. */
void rl_conn_init(rl_conn *conn, rl_conn_host *host, rl_stream *stream, const rl_protocol *protocol, const char *peer);

/* Sends a part of a file behind what waits; the descriptor stays the caller's and open until on_drained, or until the file is
 * dropped. */
void rl_conn_send_file(rl_conn *conn, int fd, uint64_t offset, uint64_t size);
/* What is left of it will not be sent; its descriptor is not touched again. */
void rl_conn_drop_file(rl_conn *conn);
/* Whether the peer has not taken everything yet. */
static inline bool rl_conn_is_writing(const rl_conn *conn) { return conn->out.len || conn->file_left; }
/* Bytes that wait to be written, without those of a file. */
static inline size_t rl_conn_queued(const rl_conn *conn) { return conn->out.len; }
/* The buffer to append to; its memory is borrowed from the host. */
rl_buf *rl_conn_out(rl_conn *conn);
/* Writes what waits at the end of this turn, or when it is uncorked. */
void rl_conn_flush_soon(rl_conn *conn);
/* From cork to uncork nothing is written: the answers of one run of the parser leave together. */
static inline void rl_conn_cork(rl_conn *conn) { conn->corked = true; }
void rl_conn_uncork(rl_conn *conn);
/* Whether bytes are wanted from the stream now. */
void rl_conn_read(rl_conn *conn, bool want);
/* One clock for whatever the protocol waits for; 0 stops it. */
void rl_conn_clock(rl_conn *conn, uint64_t delay_ms);
/* Writes what waits, then closes; input that arrives meanwhile is dropped, and for a while behind it as `linger` says. */
void rl_conn_finish(rl_conn *conn, rl_linger linger);
/* Closes now; unsent bytes are lost, and with `reset` the peer learns of it. */
void rl_conn_close(rl_conn *conn, bool reset);
/* Graceful stop. */
void rl_conn_stop(rl_conn *conn);
/* The end of that: a request without an answer is told 503, one whose answer has begun is broken off. What is left to write
 * has until rl_conn_close. */
void rl_conn_cut(rl_conn *conn);

#endif
