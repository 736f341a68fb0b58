/* After a failed sync; see recovery.h. */
#include "data/sqlite/recovery.h"

#include "base/error.h"
#include "base/log.h"
#include "data/sqlite/wal.h"
#include "loop/loop.h"

enum { PAUSE_FIRST_MS = 1000, PAUSE_MAX_MS = 60000 };

static int64_t waited_ms(const rl_writer *w) { return rl_loop_wall() - w->recovery.tried_ms; }

/* A clock that was put back does not make anybody wait. */
static bool is_due(const rl_writer *w) {
  int64_t waited = waited_ms(w);
  return waited < 0 || waited >= w->recovery.pause_ms;
}

static int restore(rl_writer *w, rl_sql_error *error) {
  rl_sql_error ignored;
  rl_writer_be_patient(w, NULL, 0, 0);
  int code = rl_connection_run(&w->connection, "BEGIN IMMEDIATE", error);
  w->contended_ns = 0;
  if (code) return code;
  code = rl_wal_restore(w->connection.db, error);
  rl_connection_run(&w->connection, "ROLLBACK", &ignored);
  return code;
}

/* That the database itself can be synced is known only where all pages could be copied; else a later checkpoint finds out. */
static int copy_pages(rl_writer *w, rl_sql_error *error) {
  int result = sqlite3_wal_checkpoint_v2(w->connection.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  return (result & 0xFF) == SQLITE_IOERR ? rl_sqlite_failed(error, w->connection.db, result) : RL_OK;
}

static void log_attempt(const rl_writer *w, const rl_sql_error *error) {
  rl_log_field fields[] = {RL_LOG_TEXT_FIELD("database", rl_slice_str(sqlite3_db_filename(w->connection.db, "main"))),
                           RL_LOG_TEXT_FIELD("reason", rl_slice_str(error->message)),
                           RL_LOG_NUMBER_FIELD("next_try_s", w->recovery.pause_ms / 1000)};
  if (error->code)
    rl_log(RL_LOG_ERROR, RL_SLICE("the disk failed to sync the database: writes are refused until it does"), fields, 3);
  else
    rl_log(
        RL_LOG_WARN,
        RL_SLICE("the disk failed to sync the database: the writes of then were refused; its log was written again and "
                 "synced, and writes go on"),
        fields, 1);
}

void rl_recovery_try(rl_writer *w) {
  rl_sql_error error = {0};
  if (!w->broken || !is_due(w) || rl_writer_in_transaction(w)) return;
  bool trusted = w->connection.authorizer.trusted;
  w->connection.authorizer.trusted = true;
  int code = restore(w, &error);
  if (!code) code = copy_pages(w, &error);
  w->connection.authorizer.trusted = trusted;
  w->broken = code != RL_OK;
  w->recovery.tried_ms = rl_loop_wall();
  int64_t pause = w->recovery.pause_ms ? 2 * w->recovery.pause_ms : PAUSE_FIRST_MS;
  w->recovery.pause_ms = pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
  error.code = code;
  log_attempt(w, &error);
}

int rl_recovery_refuse(const rl_writer *w, rl_op *op) {
  int64_t next_ms = w->recovery.pause_ms - waited_ms(w);
  return rl_sql_refused(
      &op->error, RL_EBUSY,
      "the disk failed to sync the database %.0f s ago: nothing is written until it does; the next try "
      "is in %.0f s",
      (double)(rl_loop_wall() - w->recovery.broken_ms) / 1000, next_ms > 0 ? (double)next_ms / 1000 : 0.0);
}
