/*
 * A database as one worker has it open: the seam between what a program asks for and the engine that answers.
 *
 *   sql --place--> INLINE   start, step …, finish: rows are read on the loop's thread, one by one
 *                  READ     submit \
 *                  WRITE    submit  >  op->done(op) on this loop, later
 *   begin, end              …      /   (a transaction)
 *
 *   engines: data/sqlite/sqlite.h
 *
 * An engine that talks to a server over a socket fits the same slots. Its answers are asynchronous: it works on the loop of
 * the handle, writes a submitted operation to a connection of this worker's own pool, and calls rl_op_finish when the answer
 * has come; nothing here waits. It has no inline reads: place never says INLINE, and start, step, column, columns_id and finish are NULL.
 * A transaction is a connection that begin takes out of the pool, perhaps only after another transaction has ended, and that
 * end gives back; so operations carry the number of their transaction rather than a connection. Several transactions run
 * beside one another there: `exclusive` is NULL and holder may be.
 *
 * Embedded first in the engine's own struct. All slots run on the thread of `loop`. Nothing may be asked after close, but
 * operations under way still come back, and an inline read under way is finished.
 */
#ifndef RL_DATA_DATABASE_H
#define RL_DATA_DATABASE_H

#include "data/op.h"

typedef struct rl_database rl_database;

/* Where a statement runs. */
typedef enum rl_sql_route {
  RL_ROUTE_INLINE,
  RL_ROUTE_READ,   /* as an operation, which may be abandoned at any time */
  RL_ROUTE_WRITE,  /* as an operation, which is waited for once it has begun */
  RL_ROUTE_REFUSED /* nowhere */
} rl_sql_route;

/* An inline read: a statement and the row it stands on. */
typedef struct rl_cursor {
  void *statement;     /* the engine's */
  const rl_value *row; /* the columns of this row, borrowed until the next step */
  int columns;         /* known once there was a row */
} rl_cursor;

/* The interactive transaction that others wait for. */
typedef struct rl_holder {
  uint64_t transaction;       /* 0: none */
  uint64_t since_ns, last_ns; /* when it began, and when its last operation ended */
  char site[80];              /* where it was begun: "app.lua:12" */
} rl_holder;

typedef struct rl_database_stat {
  const char *name;
  uint64_t value;
} rl_database_stat;

enum { RL_DATABASE_STATS = 8 };

typedef struct rl_database_ops {
  /* The field of a Lua error that holds the engine's own code: "sqlite". */
  const char *name;

  /* Decides where a statement runs, and fills in `cursor` for INLINE, `error` for REFUSED. `one`: several statements in the
   * text are an error. `size`: bytes of all its parameters. */
  rl_sql_route (*place)(rl_database *database, rl_slice sql, bool one, size_t size, rl_cursor *cursor,
                        rl_sql_error *error);

  /* An inline read. start binds the parameters, which live until finish: 0, or a code with `error`. step goes to the next
   * row: 1, or 0 at the end, or a code with `error`; RL_ETIMEOUT and RL_EBUSY mean that it runs as an operation instead. column
   * names a column, borrowed until finish; NULL if out of memory. finish ends it in any case, also after start has failed and
   * when the database was closed meanwhile; `too_slow`: the next one is placed elsewhere. Reads may be nested. */
  int (*start)(rl_database *database, rl_cursor *cursor, const rl_sql_params *params, rl_sql_error *error);
  int (*step)(rl_database *database, rl_cursor *cursor, rl_sql_error *error);
  const char *(*column)(rl_database *database, const rl_cursor *cursor, int column);
  /* A number that all reads of this handle with the same statement and the same columns share, and no others. */
  uint64_t (*columns_id)(rl_database *database, const rl_cursor *cursor);
  void (*finish)(rl_database *database, rl_cursor *cursor, bool too_slow);

  /* Takes an operation, which is held by its loop already; answers by rl_op_finish, never before it returns. `read`: it was
   * placed so. */
  void (*submit)(rl_database *database, rl_op *op, bool read);
  /* The same for RL_OP_BEGIN: gives op->transaction its number, which is never 0 and never used again. The transaction has
   * what it needs once the operation is done without an error. */
  void (*begin)(rl_database *database, rl_op *op);
  /* The same for RL_OP_COMMIT and RL_OP_ROLLBACK, with the number in op->transaction. Operations of a transaction, begin
   * included, are worked off in order. A rollback is taken at any time, and nothing about it may fail for want of memory:
   * it may come while begin is under way, and op->loop may be NULL. */
  void (*end)(rl_database *database, rl_op *op);

  /* Makes a stream of a statement that was placed as INLINE or READ, and takes `request`, which holds it; returns NULL if out of
   * memory, and takes nothing. An operation with `stream` set, submitted as a read, gets its next rows. close_stream ends it after
   * what was submitted before, and waits for nothing; it comes before close. */
  rl_row_stream *(*stream)(rl_database *database, rl_op *request);
  void (*close_stream)(rl_database *database, rl_row_stream *stream);

  /* The transaction that writes wait for. NULL: they wait for none. */
  rl_holder (*holder)(rl_database *database);
  /* Fills in what is counted; returns how many. */
  int (*stats)(rl_database *database, rl_database_stat out[RL_DATABASE_STATS]);
  /* A name for people: a path, an address without its password. Borrowed until close. */
  const char *(*label)(rl_database *database);
  /* Gives everything back, the handle included. */
  void (*close)(rl_database *database);
} rl_database_ops;

struct rl_database {
  const rl_database_ops *ops;
  rl_loop *loop;
  bool read_only;
  uint64_t patience_ns;  /* how long an operation waits for other processes */
  uint64_t idle_ms;      /* how long a transaction may be idle; 0: for ever */
  const void *exclusive; /* handles with the same one wait for each other's transactions; NULL: nobody does */
};

/* Submits an operation whose done and owner are set. Writes to a handle that is open read-only are answered with an error. */
void rl_database_submit(rl_database *database, rl_op *op, bool read);
/* Submits RL_OP_BEGIN; op->transaction is its number afterwards. */
void rl_database_begin(rl_database *database, rl_op *op);
/* Submits RL_OP_COMMIT or RL_OP_ROLLBACK for op->transaction. */
void rl_database_end(rl_database *database, rl_op *op);
/* Rolls a transaction back. Nobody waits for the operation, and it waits for no other process. */
void rl_database_abandon(rl_database *database, rl_op *op);
/* The transaction that writes wait for; its number is 0 if there is none. */
rl_holder rl_database_holder(rl_database *database);

#endif
