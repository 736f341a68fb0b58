/*
 * A connection: a stream, what waits to be written to it, and its clocks. What the bytes mean is up to the protocol
 * (rl_protocol: HTTP/1 now, HTTP/2 and WebSocket later), which may hand the connection over to another (rl_conn_become).
 *
 *        server  (rl_conn_events: handle a request, log it, forget the connection)
 *           ^
 *        rl_conn --- rl_protocol: open, on_data, on_eof, on_drained, on_clock, …
 *           v
 *        rl_stream
 *
 * Writing: a protocol appends to rl_conn_out or sends a part of a file, and says rl_conn_flush_soon; what was added during one
 * turn leaves in one write, in the order in which it was added (output.h). What the peer does not take waits, with a clock on it; a
 * protocol that asks (rl_conn_want_drained) hears once when all is gone.
 *
 *   OPEN --rl_conn_finish--> FINISHING (write what waits) --> LINGERING --> CLOSED --on_closed--> freed by the owner
 *
 * The end comes in stages (RFC 9112 section 9.6): a socket that is closed with unread bytes in it sends a reset, which takes
 * the last answer from a peer that is still sending. So what arrives is read and dropped from FINISHING on, bounded in time
 * and size (limits: linger_timeout, linger_size), and without holding a byte. When others want in, the host may close those who
 * linger first (rl_conn_host_shed).
 */
#ifndef RL_HTTP_CONN_H
#define RL_HTTP_CONN_H

#include "http/exchange.h"
#include "http/output.h"

typedef struct rl_conn rl_conn;

typedef struct rl_protocol {
  /* Takes the connection over: makes conn->protocol_state. It may be reading already that nothing more will come (conn->eof), or
   * be asked to stop (conn->stopping). 0, or an error: then the connection closes and nothing else is called. */
  int (*open)(rl_conn *conn);
  void (*on_data)(rl_conn *conn, rl_slice bytes);
  void (*on_eof)(rl_conn *conn);
  void (*on_drained)(rl_conn *conn);          /* one answer to rl_conn_want_drained: nothing waits to be written */
  void (*on_clock)(rl_conn *conn);            /* rl_conn_clock has run out */
  void (*on_broken)(rl_conn *conn, int code); /* the stream is gone; the connection closes after this */
  void (*on_stop)(rl_conn *conn);             /* graceful stop: finish what runs, start nothing new */
  void (*on_cut)(rl_conn *conn);              /* its time is over: answer what has no answer, then break off */
  /* Gives back what `state` holds: before on_closed, or after another protocol has taken over. */
  void (*on_free)(rl_conn *conn, void *state);
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

/* State that all connections of a worker share. */
typedef struct rl_conn_host {
  rl_loop *loop;
  rl_limits limits;
  const rl_conn_events *events;
  void *owner;
  rl_list lingering; /* connections that only drop what comes, the oldest first */
  unsigned lingering_count;
  rl_buf spare[32]; /* write buffers between two uses */
  unsigned spares;
  void *reserve; /* one block for a protocol that does not survive a failed allocation (h2/memory.h), or NULL */
} rl_conn_host;

enum { RL_CONN_OPEN, RL_CONN_FINISHING, RL_CONN_LINGERING, RL_CONN_CLOSED };

/* How long input is dropped after the last answer: not at all; a moment, if the request was read to its end; as long as the
 * limits say, if the peer may be in the middle of one. */
typedef enum rl_linger { RL_LINGER_NONE, RL_LINGER_BRIEFLY, RL_LINGER_FULLY } rl_linger;

struct rl_conn {
  rl_conn_host *host;
  rl_stream *stream;
  const rl_protocol *protocol; /* NULL before the first */
  void *protocol_state;        /* whose protocol that is */
  rl_list node;                /* the owner's list of connections */
  rl_list linger_node;         /* the host's list of those who linger */
  rl_output output;
  rl_timer clock, stall;
  rl_post flush;
  uint8_t state;
  uint8_t linger; /* rl_linger */
  bool corked, reading, eof, stopping, wants_drained;
  bool unfinished;   /* closing would look like a complete body, so always reset */
  uint64_t lingered; /* bytes dropped */
  uint64_t linger_until_ms;
  rl_slice peer; /* the client's IP */
  char peer_text[48];
};

void rl_conn_host_init(rl_conn_host *host, rl_loop *loop, const rl_conn_events *events, void *owner);
void rl_conn_host_free(rl_conn_host *host);
/* Closes the connection that has lingered longest. Returns false if none lingers. */
bool rl_conn_host_shed(rl_conn_host *host);

/* Takes over the stream: its events are ours from now on. `peer` is copied. Nothing is read before rl_conn_become. */
void rl_conn_init(rl_conn *conn, rl_conn_host *host, rl_stream *stream, const char *peer);
/* Hands the connection to a protocol: its first, or the next one after an upgrade. What waits to be written leaves first.
 * `leftover`, borrowed until return, are bytes that have come already and belong to the new protocol: it gets them by on_data,
 * then on_eof if the peer has finished. Its clock and what it wanted drained go with the old protocol, which calls this as its last
 * act: its state is freed before this returns. 0; RL_ERESET if the connection is ending: nothing has changed; or what `open`
 * says: then it closes. */
int rl_conn_become(rl_conn *conn, const rl_protocol *protocol, rl_slice leftover);

/* The buffer to append to; its memory is borrowed from the host. */
rl_buf *rl_conn_out(rl_conn *conn);
/* Sends a part of a file, at least one byte, after what waits. The descriptor stays the caller's, and open until on_drained, which
 * follows, or until rl_conn_drop_files. 0 or RL_ENOMEM. */
int rl_conn_send_file(rl_conn *conn, int fd, uint64_t offset, uint64_t size);
/* Drops file parts and all that was added after the first of them; no descriptor is touched again. */
void rl_conn_drop_files(rl_conn *conn);
/* Asks for one on_drained, when nothing waits to be written. */
static inline void rl_conn_want_drained(rl_conn *conn) { conn->wants_drained = true; }
/* Returns true if the peer has not taken everything yet. */
static inline bool rl_conn_is_writing(const rl_conn *conn) { return !rl_output_is_empty(&conn->output); }
/* Bytes that wait to be written, without those of files. */
static inline size_t rl_conn_queued(const rl_conn *conn) { return conn->output.bytes.len; }
/* Writes what waits at the end of this turn, or when it is uncorked. */
void rl_conn_flush_soon(rl_conn *conn);
/* From cork to uncork nothing is written: the answers of one run of the parser leave together. */
static inline void rl_conn_cork(rl_conn *conn) { conn->corked = true; }
void rl_conn_uncork(rl_conn *conn);
/* Fills in what a request's connection knows of its peer. Every protocol calls it before it hands the request on. */
void rl_conn_introduce(const rl_conn *conn, rl_req *req);
/* Starts or stops reading. */
void rl_conn_read(rl_conn *conn, bool want);
/* One clock for whatever the protocol waits for; 0 stops it. */
void rl_conn_clock(rl_conn *conn, uint64_t delay_ms);
/* Writes what waits, then closes; input that arrives meanwhile is dropped, and for a while after it as `linger` says. */
void rl_conn_finish(rl_conn *conn, rl_linger linger);
/* Closes now; unsent bytes are lost, and with `reset` the peer learns of it. */
void rl_conn_close(rl_conn *conn, bool reset);
/* Graceful stop. */
void rl_conn_stop(rl_conn *conn);
/* The end of that: a request without an answer is told 503, one whose answer has begun is broken off. What is left to write
 * has until rl_conn_close. */
void rl_conn_cut(rl_conn *conn);

#endif
