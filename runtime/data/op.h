/*
 * An operation on a database: what a worker asks of the writer or of a reader thread, with its answer.
 *
 *   worker:  new -> submit ------------------------------> done(op) on the worker's loop -> del
 *                       \                                  ^
 *   thread:              QUEUED -> BEGUN -> results filled in
 *                             \-> DROPPED (the worker has lost interest before it began)
 *
 * Everything it needs is copied into it, so it may cross threads; whoever holds it owns it. done is called exactly once,
 * dropped or not.
 */
#ifndef RL_DATA_OP_H
#define RL_DATA_OP_H

#include <stdatomic.h>

#include "base/arena.h"
#include "data/connection.h"
#include "data/rows.h"
#include "loop/loop.h"

typedef enum rl_op_kind {
  RL_OP_RUN,     /* one statement */
  RL_OP_SCRIPT,  /* several, without parameters and results */
  RL_OP_BATCH,   /* several with parameters, all or none */
  RL_OP_MIGRATE, /* named scripts, each once in the life of the database */
  RL_OP_BEGIN,   /* an interactive transaction: the writer is its own until it ends */
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
  rl_params params;
} rl_op_statement;

typedef struct rl_op rl_op;

enum { RL_OP_QUEUED, RL_OP_BEGUN, RL_OP_DROPPED };

struct rl_op {
  rl_mail mail; /* first */
  rl_op_kind kind;
  atomic_int state;
  atomic_bool cancelled; /* a run under way ends early (reads only) */
  uint64_t transaction;  /* of an interactive one, else 0 */
  rl_loop *loop;         /* where done runs */
  void (*done)(rl_op *op);
  void *owner;

  rl_chunk_pool pool;
  rl_arena arena; /* holds everything below */
  rl_op_statement *statements;
  int count, room;

  rl_sql_error error; /* code 0: it went well */
  rl_rows rows;
  int64_t changes, last_id;
};

/* NULL where memory is short. `room` is how many statements it can take. */
rl_op *rl_op_new(rl_op_kind kind, int room);
void rl_op_del(rl_op *op);
/* Copies a statement with its parameters into it. 0 or RL_ENOMEM. */
int rl_op_add(rl_op *op, rl_slice name, rl_slice sql, const rl_params *params);
/* On a thread: takes it up. False where it was dropped meanwhile. */
bool rl_op_begin(rl_op *op);
/* On the worker: nobody waits for it any more. It still comes back through done. False where it has begun. */
bool rl_op_drop(rl_op *op);
/* On a thread: sends it home. */
void rl_op_finish(rl_op *op);
/* Forgets results of an earlier run. */
void rl_op_clear(rl_op *op);

/* Whether a statement must run outside a transaction (VACUUM, PRAGMA). */
bool rl_sql_runs_alone(rl_slice sql);

#endif
