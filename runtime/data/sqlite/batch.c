/* Group commit, and the turn of everything else; see batch.h. */
#include "data/sqlite/batch.h"

#include "base/error.h"
#include "base/limits.h"
#include "data/sqlite/alone.h"
#include "data/sqlite/interactive.h"
#include "data/sqlite/migrate.h"
#include "data/sqlite/recovery.h"
#include "data/sqlite/sql.h"

/* ---- groups -------------------------------------------------------------------------------------------------------------------- */

typedef struct group {
  rl_op *members[RL_LIMIT_BATCH];
  int count;
} group;

static void answer(rl_writer *w, rl_op *op) {
  atomic_fetch_add(&w->writes, 1);
  rl_op_finish(op);
}

static void fail_all(rl_writer *w, group *g, int from, const rl_sql_error *error) {
  for (int i = from; i < g->count; i++) {
    rl_op_clear(g->members[i]);
    g->members[i]->error = *error;
    answer(w, g->members[i]);
  }
  g->count = from;
}

static bool may_join(const rl_op *op) {
  if (op->transaction) return false;
  if (op->kind == RL_OP_RUN) return !rl_sql_runs_alone(op->statements[0].sql);
  return op->kind == RL_OP_BATCH || (op->kind == RL_OP_SCRIPT && !rl_sql_runs_alone(op->statements[0].sql));
}

/* Takes the next member and begins it; NULL where none can join. */
static rl_op *next_member(rl_writer *w) {
  for (rl_op *op; !w->broken && (op = rl_write_queue_take_if(w->queue, may_join));) {
    if (rl_op_begin(op)) return op;
    rl_op_finish(op); /* dropped before it began */
  }
  return NULL;
}

static void remove_member(group *g, int at) {
  for (int i = at; i + 1 < g->count; i++) g->members[i] = g->members[i + 1];
  g->count--;
}

/* Runs member `at`. False where the whole transaction is gone, with the reason in `error` when all must fail. */
static bool run_member(rl_writer *w, group *g, int at, rl_sql_error *error) {
  rl_op *op = g->members[at];
  int code = rl_writer_run_in_savepoint(w, op);
  if (rl_writer_in_transaction(w)) return true;
  *error = op->error;
  if (code == RL_EFULL || code == RL_ENOMEM || (op->error.extended & 0xFF) == SQLITE_IOERR) return false;
  remove_member(g, at); /* its own statement rolled back (OR ROLLBACK): the others have another go */
  answer(w, op);
  error->code = 0;
  return false;
}

/* Runs all members in the open transaction, and again in another where a ROLLBACK of their neighbour undid them. */
static bool run_members(rl_writer *w, group *g, rl_sql_error *error) {
  for (;;) {
    bool whole = true;
    for (int i = 0; whole && i < g->count; i++) whole = run_member(w, g, i, error);
    if (whole) return true;
    if (error->code || !g->count) return !error->code;
    if (rl_writer_lock_again(w, g->members[0])) {
      *error = g->members[0]->error;
      return false;
    }
  }
}

/* Members that come while others run join, up to the limit. */
static bool add_members(rl_writer *w, group *g, rl_sql_error *error) {
  while (g->count < (int)RL_LIMIT_BATCH) {
    rl_op *op = next_member(w);
    if (!op) return true;
    g->members[g->count++] = op;
    if (run_member(w, g, g->count - 1, error)) continue;
    if (error->code) return false;
    if (!g->count) return true;
    if (rl_writer_lock_again(w, g->members[0])) {
      *error = g->members[0]->error;
      return false;
    }
    if (!run_members(w, g, error)) return false;
  }
  return true;
}

/* Commits what has run and answers it; `error` says why it is not `whole`. Returns false if there was no room for all of it:
 * then nobody was answered. */
static bool end_group(rl_writer *w, group *g, bool whole, rl_sql_error *error) {
  if (whole && g->count) {
    error->code = rl_writer_commit(w, error);
    whole = !error->code;
  }
  atomic_fetch_add(&w->groups, 1);
  rl_writer_roll_back(w); /* it failed, or nobody was left to commit */
  rl_recovery_try(w);     /* before anybody is told that it failed */
  if (!whole && error->code == RL_EFULL) return false;
  if (!whole) fail_all(w, g, 0, error);
  else
    for (int i = 0; i < g->count; i++) answer(w, g->members[i]);
  return true;
}

/* There is no room for all of a group. Each of them may fit, once the log is empty. */
static void run_each(rl_writer *w, const group *all) {
  rl_writer_empty_log(w, 0);
  for (int i = 0; i < all->count; i++) {
    group g = {.members = {all->members[i]}, .count = 1};
    rl_sql_error error = {0};
    if (w->broken) rl_recovery_refuse(w, g.members[0]), answer(w, g.members[0]);
    else if (rl_writer_lock_again(w, g.members[0])) answer(w, g.members[0]);
    else if (!end_group(w, &g, run_members(w, &g, &error), &error)) fail_all(w, &g, 0, &error);
  }
}

/* `first` has not begun: it may be dropped as long as another process holds the file. */
static void run_group(rl_writer *w, rl_op *first) {
  group g = {.members = {first}, .count = 1};
  rl_sql_error error = {0};
  if (rl_writer_lock(w, first)) {
    rl_op_finish(first); /* those after it have time of their own */
    return;
  }
  bool whole = run_members(w, &g, &error) && add_members(w, &g, &error);
  if (!end_group(w, &g, whole, &error)) run_each(w, &g);
}

/* ---- everything else ------------------------------------------------------------------------------------------------------------------------ */

static int run_single(rl_writer *w, rl_op *op) {
  int code;
  switch (op->kind) {
    case RL_OP_BACKUP: return rl_alone_back_up(w, op);
    case RL_OP_COPY_OUT: return rl_alone_copy_out(w, op);
    case RL_OP_COPY_IN: return rl_alone_copy_in(w, op);
    case RL_OP_COMMIT:
      code = rl_interactive_commit(w, op);
      rl_interactive_end(w);
      return code;
    case RL_OP_ROLLBACK:
      rl_writer_roll_back(w);
      rl_interactive_end(w);
      return RL_OK;
    default: break;
  }
  if (!op->transaction) return rl_alone_run(w, op);
  code = rl_interactive_run(w, op);
  rl_interactive_touch(w);
  return code;
}

/* A transaction that was never begun, or has ended, has no statements. */
static bool is_stale(const rl_writer *w, const rl_op *op) {
  return op->transaction && op->kind != RL_OP_BEGIN && op->transaction != w->transaction;
}

static void run_one(rl_writer *w, rl_op *op) {
  if (is_stale(w, op)) rl_sql_refused(&op->error, RL_ECLOSED, "the transaction has ended");
  else if (w->broken && op->kind != RL_OP_COMMIT && op->kind != RL_OP_ROLLBACK) rl_recovery_refuse(w, op);
  else if (op->kind == RL_OP_BEGIN) rl_interactive_begin(w, op); /* begins once it has the file */
  else if (op->kind == RL_OP_MIGRATE) rl_migrate_run(w, op);
  else if (!rl_op_begin(op)) op->error.code = RL_ECANCELLED;
  else run_single(w, op);
  rl_recovery_try(w);
  answer(w, op);
}

void rl_batch_run(rl_writer *w) {
  w->expires = true;
  rl_recovery_try(w);
  for (rl_op *op; (op = rl_write_queue_take(w->queue, w->transaction));) {
    if (may_join(op) && !w->broken) run_group(w, op);
    else run_one(w, op);
    rl_writer_checkpoint(w, false);
  }
  w->expires = false;
}
