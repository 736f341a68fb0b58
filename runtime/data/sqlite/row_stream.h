/*
 * Rows that come piece by piece (db:rows): a statement that stays open between two operations, on a connection of its own, so
 * that its snapshot is nobody else's. All of it runs on one reader's thread, in the order in which it was sent.
 *
 *   worker:         new -> next -> next … -> close            (it asks for the next piece when it has used the last one)
 *   reader thread:         open, bind, step …  -> end         the connection goes back to `spare`, or is closed
 *
 * Each costs a connection with its cache as long as it is under way, so a thread has at most RL_LIMIT_SQL_STREAMS of them. Those
 * that wait for their first piece, or have ended with it, do not count.
 *
 * Between two pieces nothing runs, and no more than one piece is in memory. A stream that was ended or failed keeps no snapshot.
 * The worker owns it until close, which waits for nothing: the thread deletes it after what was sent before.
 */
#ifndef RL_DATA_SQLITE_ROW_STREAM_H
#define RL_DATA_SQLITE_ROW_STREAM_H

#include "data/op.h"
#include "data/sqlite/statement.h"

struct rl_row_stream {
  rl_list node;      /* home.open, while it has a connection */
  uint64_t since_ns; /* when it got that */
  rl_op *request;    /* holds the statement with its parameters; the statement's name is where it was asked for */
  rl_op *closing;    /* made beforehand: closing never fails */
  int reader;        /* on whose thread it runs */
  rl_connection *connection; /* NULL: not begun, or ended */
  rl_statement *statement;
  bool ended;
};

/* What the streams of one reader's thread share. */
typedef struct rl_row_stream_home {
  const rl_connection *beside; /* of the same file: where and how to open another */
  rl_connection *spare;        /* left by a stream that has ended, or NULL */
  rl_list open;                /* those that have a connection, the oldest first */
  unsigned open_count;
} rl_row_stream_home;

/* Makes a stream of the statement in `request`, and takes that. Returns NULL if out of memory; then it takes nothing. */
rl_row_stream *rl_row_stream_new(rl_op *request, int reader);

void rl_row_stream_home_init(rl_row_stream_home *home, const rl_connection *beside);
/* On the reader's thread: fills op->rows with the next piece, and says in op->more whether others may follow; or deletes the
 * stream, if `op` is its closing one. The code is in op->error. */
void rl_row_stream_run(rl_row_stream *stream, rl_row_stream_home *home, rl_op *op);
/* Closes the spare connection. */
void rl_row_stream_home_close(rl_row_stream_home *home);

#endif
