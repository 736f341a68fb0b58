/*
 * An operation on a database: what a worker asks of an engine, with its answer.
 *
 *   worker:  new -> submit ------------------------------> done(op) on the worker's loop -> del
 *                       \                                  ^
 *   engine:              QUEUED -> BEGUN -> results filled in -> finish
 *                             \-> DROPPED (nobody waits any more, and it had not begun) -> del
 *
 * Everything it needs is copied into it, so it may cross threads. Whoever holds it owns it. done is called exactly once, and
 * never from inside the call that submitted it. A dropped operation belongs to the engine: it may wait long for a transaction
 * to end, and no loop waits for it. The same holds for an operation whose answer nobody wants (`loop` is NULL).
 *
 * A write has begun once nothing can stop it any more; an engine says so by rl_op_begin, as late as it can. From then on it
 * cannot be dropped: a caller that gave up could not know whether it was written, and would write it again.
 */
#ifndef RL_DATA_OP_H
#define RL_DATA_OP_H

#include <stdatomic.h>

#include "base/arena.h"
#include "data/error.h"
#include "data/rows.h"
#include "loop/loop.h"

typedef enum rl_op_kind {
  RL_OP_RUN,     /* one statement */
  RL_OP_SCRIPT,  /* several, without parameters and results */
  RL_OP_BATCH,   /* several with parameters, all or none */
  RL_OP_MIGRATE, /* named scripts, each once in the life of the database: parameter 1 is the checksum, and of the
                  * first one parameter 2 may be the path of a copy to make before; last_id: 1 if it was made */
  RL_OP_BEGIN,   /* an interactive transaction; statements[0].name is where it was begun */
  RL_OP_COMMIT,
  RL_OP_ROLLBACK,
  RL_OP_SAVEPOINT, /* inside one; `at` is its number */
  RL_OP_RELEASE,
  RL_OP_ROLLBACK_TO,
  RL_OP_ENGINE /* an engine numbers operations that no other has from here on */
} rl_op_kind;

/* What is made of the rows of RL_OP_RUN. */
typedef enum rl_sql_answer {
  RL_ANSWER_ROWS,     /* op->rows */
  RL_ANSWER_ROW,      /* the same, of the first row alone */
  RL_ANSWER_JSON,     /* a JSON array in op->rows.data */
  RL_ANSWER_JSON_ROW, /* an object of the first row there, or nothing where there is no row */
} rl_sql_answer;

typedef struct rl_op_statement {
  rl_slice name; /* of a migration */
  rl_slice sql;
  rl_sql_params params;
} rl_op_statement;

typedef struct rl_op rl_op;
typedef struct rl_row_stream rl_row_stream; /* the engine's: rows that come piece by piece */

enum { RL_OP_QUEUED, RL_OP_BEGUN, RL_OP_DROPPED };

struct rl_op {
  rl_mail mail; /* first; the engine's while it has the operation */
  int kind;     /* an rl_op_kind, or the engine's own */
  atomic_int state;
  atomic_bool cancelled; /* a run under way ends early (reads only) */
  uint64_t queued_ns;    /* when it was submitted: the wait for another process's lock counts from here … */
  uint64_t patience_ns;  /* … and is so long */
  uint64_t transaction;  /* the number of an interactive one, else 0 */
  size_t size;           /* bytes of its statements and parameters */
  rl_loop *loop;         /* where done runs; NULL: nowhere, the operation is deleted */
  void (*done)(rl_op *op);
  void *owner;
  rl_sql_answer answer;
  rl_row_stream *stream; /* the operation is its next piece, and has no statement; NULL: it has one */
  bool more;             /* of a stream: others may follow */

  rl_chunk_pool pool;
  rl_arena arena; /* holds everything below */
  rl_op_statement *statements;
  int count, room;

  rl_sql_error error; /* code 0: it went well */
  int at;             /* which of several statements ran last; of a savepoint its number */
  rl_slice failed; /* the text of that statement, a part of one of `statements`, if it failed; none: all of them did */
  bool in_migration; /* the migration `at` has failed, rather than all of them */
  rl_rows rows;
  int64_t changes, last_id;
};

/* Makes an operation that can take `room` statements. Returns NULL if out of memory. */
rl_op *rl_op_new(int kind, int room);
void rl_op_del(rl_op *op);
/* Copies a statement with its parameters into it. 0 or RL_ENOMEM. */
int rl_op_add(rl_op *op, rl_slice name, rl_slice sql, const rl_sql_params *params);

/* ---- for the worker ---- */

/* Gives up on an operation. Returns true if it had not begun: then it is gone. Else it still comes back through done, without
 * an owner. */
bool rl_op_drop(rl_op *op);
/* As rl_op_drop, if it has not begun. Else returns false: its owner goes on waiting. A read ends early. */
bool rl_op_try_drop(rl_op *op);

/* ---- for the engine, on any thread ---- */

/* Counts it among what `loop` waits for, until done; on that loop's thread. */
void rl_op_hold(rl_op *op, rl_loop *loop);
/* Takes it up. Returns false if it was dropped meanwhile. */
bool rl_op_begin(rl_op *op);
/* Returns true if it was dropped. */
static inline bool rl_op_is_dropped(const rl_op *op) { return atomic_load(&op->state) == RL_OP_DROPPED; }
/* Sends it home, or deletes it if nobody waits there. */
void rl_op_finish(rl_op *op);
/* Forgets the results of an earlier run. */
void rl_op_clear(rl_op *op);

#endif
