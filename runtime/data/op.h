/*
 * An operation on a database: what a worker asks of the writer or of a reader thread, with its answer.
 *
 *   worker:  new -> submit ------------------------------> done(op) on the worker's loop -> del
 *                       \                                  ^
 *   thread:              QUEUED -> BEGUN -> results filled in
 *                             \-> DROPPED (the worker has lost interest before it began) -> del
 *
 * Everything it needs is copied into it, so it may cross threads; whoever holds it owns it. done is called exactly once. One
 * that was dropped is the thread's: it may wait long for a transaction to end, and no loop waits for it. So is one that
 * nobody has asked for (`loop` is NULL).
 *
 * A write is begun when the writer holds the file's lock and takes it up. From then on it cannot be dropped: whoever gives
 * up waiting could not know whether it was written, and would write it again.
 */
#ifndef RL_DATA_OP_H
#define RL_DATA_OP_H

#include <stdatomic.h>

#include "base/arena.h"
#include "data/sqlite/connection.h"
#include "data/rows.h"
#include "loop/loop.h"

typedef enum rl_op_kind {
  RL_OP_RUN,     /* one statement */
  RL_OP_SCRIPT,  /* several, without parameters and results */
  RL_OP_BATCH,   /* several with parameters, all or none */
  RL_OP_MIGRATE, /* named scripts, each once in the life of the database: parameter 1 is the checksum */
  RL_OP_BEGIN, /* an interactive transaction: the writer is its own until it ends; statements[0].name is where it was begun */
  RL_OP_COMMIT,
  RL_OP_ROLLBACK,
  RL_OP_SAVEPOINT, /* inside one */
  RL_OP_RELEASE,
  RL_OP_ROLLBACK_TO,
  RL_OP_BACKUP,   /* statements[0].sql is the path of the copy */
  RL_OP_COPY_OUT, /* an image of the database into rows.data (tests) */
  RL_OP_COPY_IN   /* the other way round, from statements[0].sql */
} rl_op_kind;

typedef struct rl_op_statement {
  rl_slice name; /* of a migration */
  rl_slice sql;
  rl_sql_params params;
} rl_op_statement;

typedef struct rl_op rl_op;

enum { RL_OP_QUEUED, RL_OP_BEGUN, RL_OP_DROPPED };

struct rl_op {
  rl_mail mail; /* first */
  rl_op_kind kind;
  atomic_int state;
  atomic_bool cancelled; /* a run under way ends early (reads only) */
  uint64_t queued_ns;    /* when it was handed over: the wait for another process's lock counts from here … */
  uint64_t patience_ns;  /* … and is so long (busy_timeout of the handle it came by) */
  uint64_t transaction;  /* of an interactive one, else 0 */
  rl_loop *loop;         /* where done runs; NULL: nowhere, it is deleted */
  void (*done)(rl_op *op);
  void *owner;

  rl_chunk_pool pool;
  rl_arena arena; /* holds everything below */
  rl_op_statement *statements;
  int count, room;

  rl_sql_error error; /* code 0: it went well */
  int at;             /* the statement that ran last, of several; of a savepoint its number */
  rl_slice failed;    /* … and its text, where it failed; none: all of them together did */
  rl_rows rows;
  int64_t changes, last_id;
};

/* NULL where memory is short. `room` is how many statements it can take. */
rl_op *rl_op_new(rl_op_kind kind, int room);
void rl_op_del(rl_op *op);
/* Copies a statement with its parameters into it. 0 or RL_ENOMEM. */
int rl_op_add(rl_op *op, rl_slice name, rl_slice sql, const rl_sql_params *params);
/* On a thread: takes it up. False where it was dropped meanwhile. */
bool rl_op_begin(rl_op *op);
/* On the worker: nobody waits for it any more. True where it had not begun: then it is gone. Else it still comes back through
 * done, without an owner. */
bool rl_op_drop(rl_op *op);
/* On the worker: as rl_op_drop where it has not begun. Else it stays the owner's, who goes on waiting, and false is
 * returned; a read ends early. */
bool rl_op_try_drop(rl_op *op);
/* On a thread: sends it home, or deletes it where nobody waits there. */
void rl_op_finish(rl_op *op);
/* Forgets results of an earlier run. */
void rl_op_clear(rl_op *op);

#endif
