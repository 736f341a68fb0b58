/* Interactive transactions; see interactive.h. */
#include "data/sqlite/interactive.h"

#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "data/sqlite/recovery.h"
#include "data/sqlite/run.h"
#include "data/sqlite/sql.h"
#include "data/sqlite/statement.h"

enum { COMPLAIN_S = 1 };

#define SECOND_NS UINT64_C(1000000000)

static void set_holder(rl_writer *w, const rl_holder *holder) {
  uv_mutex_lock(&w->holder_lock);
  w->holder = *holder;
  uv_mutex_unlock(&w->holder_lock);
  w->transaction = holder->transaction;
  w->complain_ns = holder->since_ns + COMPLAIN_S * SECOND_NS;
}

void rl_interactive_touch(rl_writer *w) {
  uv_mutex_lock(&w->holder_lock);
  w->holder.last_ns = uv_hrtime();
  uv_mutex_unlock(&w->holder_lock);
}

rl_holder rl_interactive_holder(rl_writer *w) {
  uv_mutex_lock(&w->holder_lock);
  rl_holder holder = w->holder;
  uv_mutex_unlock(&w->holder_lock);
  return holder;
}

void rl_interactive_complain(rl_writer *w) {
  uint64_t now = uv_hrtime(), since = w->holder.since_ns;
  if (!w->transaction || now < w->complain_ns) return;
  int64_t waiting = rl_write_queue_count_waiting(w->queue);
  if (!waiting) return;
  w->complain_ns = now + (now - since); /* again when it has lasted twice as long */
  char seconds[32];
  snprintf(seconds, sizeof seconds, "%.1f", (double)(now - since) / SECOND_NS);
  rl_log_field fields[] = {RL_LOG_TEXT_FIELD("begun_at", rl_slice_str(w->holder.site)),
                           {.key = "open_for", .literal = seconds},
                           RL_LOG_NUMBER_FIELD("waiting", waiting)};
  rl_log(RL_LOG_WARN, RL_SLICE("writes wait for a transaction"), fields, sizeof fields / sizeof *fields);
}

int rl_interactive_begin(rl_writer *w, rl_op *op) {
  int code = rl_writer_lock(w, op);
  if (code) return code;
  rl_holder holder = {.transaction = op->transaction, .since_ns = uv_hrtime()};
  holder.last_ns = holder.since_ns;
  rl_slice site = op->count ? op->statements[0].name : RL_SLICE("?");
  snprintf(holder.site, sizeof holder.site, "%.*s", RL_FMT(site));
  set_holder(w, &holder);
  w->transaction_lost = false;
  return RL_OK;
}

void rl_interactive_end(rl_writer *w) { set_holder(w, &(rl_holder){0}); }

int rl_interactive_commit(rl_writer *w, rl_op *op) {
  if (w->broken) {
    rl_writer_roll_back(w);
    return rl_recovery_refuse(w, op);
  }
  if (w->transaction_lost)
    return rl_sql_refused(&op->error, RL_ESQL, "the transaction was rolled back by a statement of its own");
  int code = rl_writer_commit(w, &op->error);
  rl_writer_roll_back(w);
  atomic_fetch_add(&w->groups, 1);
  return code;
}

/* Numbered, so that the end of an outer one ends those inside of it, and no other. `format` takes the number once or twice. */
static int run_savepoint(rl_writer *w, rl_op *op, const char *format) {
  char sql[80];
  snprintf(sql, sizeof sql, format, op->at, op->at);
  w->connection.authorizer.trusted = true;
  int code = rl_connection_run(&w->connection, sql, &op->error);
  w->connection.authorizer.trusted = false;
  return code;
}

int rl_interactive_run(rl_writer *w, rl_op *op) {
  if (w->transaction_lost)
    return rl_sql_refused(&op->error, RL_ESQL, "the transaction was rolled back by a statement of its own");
  switch (op->kind) {
    case RL_OP_SAVEPOINT: return run_savepoint(w, op, "SAVEPOINT rille_%d");
    case RL_OP_RELEASE: return run_savepoint(w, op, "RELEASE rille_%d");
    case RL_OP_ROLLBACK_TO: return run_savepoint(w, op, "ROLLBACK TO rille_%d; RELEASE rille_%d");
    default: break;
  }
  if (rl_slice_eq_nocase(rl_sql_word(op->statements[0].sql), RL_SLICE("VACUUM")))
    return rl_sql_refused(&op->error, RL_EINVALID, "VACUUM runs outside a transaction");
  int code = op->kind == RL_OP_BATCH ? rl_writer_run_in_savepoint(w, op) : rl_run_op(&w->connection, op);
  if (!rl_writer_in_transaction(w)) w->transaction_lost = true;
  return code;
}
