/* The connection that writes, its transactions and its waits; see writer.h. */
#include "data/sqlite/writer.h"

#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "base/limits.h"
#include "data/sqlite/run.h"
#include "loop/loop.h"

enum { CHECKPOINT_PAGES = 1000, RESTART_PATIENCE_MS = 50, OPTIMIZE_MS = 50 };

#define SECOND_NS UINT64_C(1000000000)
#define MS_NS UINT64_C(1000000)

/* ---- another process has the file ----------------------------------------------------------------------------------------- */

static uint64_t give_up_at(const rl_writer *w, uint64_t from_ns, uint64_t patience_ns) {
  return (from_ns > w->contended_ns ? from_ns : w->contended_ns) + patience_ns;
}

static void describe_busy(const rl_writer *w, rl_op *op) {
  rl_sql_refused(&op->error, RL_EBUSY, "database is locked: another process has held it for %.1f s",
                 (double)(uv_hrtime() - w->contended_ns) / SECOND_NS);
  rl_sqlite_set_extended(&op->error, SQLITE_BUSY);
  rl_sqlite_add_wait(&op->error, w->connection.db, op->queued_ns);
}

static bool is_over(const rl_op *op, const void *writer) {
  return uv_hrtime() >= give_up_at(writer, op->queued_ns, op->patience_ns);
}

/* Those that come after the one that waits have a patience of their own. */
static void expire_others(rl_writer *w) {
  if (!w->expires) return;
  rl_mail_queue over = rl_write_queue_remove(w->queue, is_over, w);
  for (rl_op *op; (op = (rl_op *)rl_mail_shift(&over));) {
    if (rl_op_begin(op)) describe_busy(w, op);
    rl_op_finish(op);
  }
}

/* As SQLite's own handler waits, but until a moment of ours, and only while somebody wants to know. Who was queued while
 * the lock was held elsewhere has waited already; who was queued after a long write of our own has not. */
static int on_busy(void *ud, int tries) {
  static const uint8_t pause_ms[] = {1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100};
  enum { LAST = sizeof pause_ms - 1 };
  rl_writer *w = ud;
  uint64_t now = uv_hrtime(), pause = pause_ms[tries < LAST ? tries : LAST] * MS_NS;
  if (!w->contended_ns) w->contended_ns = now;
  uint64_t until = give_up_at(w, w->from_ns, w->patience_ns);
  expire_others(w);
  if (now >= until || (w->first && rl_op_is_dropped(w->first))) return 0;
  if (pause > until - now) pause = until - now;
  struct timespec time = {.tv_nsec = (long)pause};
  nanosleep(&time, NULL);
  return 1;
}

void rl_writer_be_patient(rl_writer *w, const rl_op *first, uint64_t from_ns, uint64_t patience_ns) {
  w->first = first;
  w->from_ns = from_ns;
  w->patience_ns = patience_ns;
}

/* Another process may have come and gone since. */
void rl_writer_lock_ended(rl_writer *w, rl_op *op, int code) {
  w->first = NULL;
  if (code == RL_EBUSY) describe_busy(w, op);
  else w->contended_ns = 0;
}

/* ---- opening and closing ------------------------------------------------------------------------------------------------- */

static int on_wal(void *ud, sqlite3 *db, const char *name, int pages) {
  (void)db, (void)name;
  rl_writer *w = ud;
  w->wal_pages = w->log_pages = pages;
  return SQLITE_OK;
}

static int prepare_own(rl_writer *w, rl_sql_error *error) {
  const struct {
    const char *sql;
    sqlite3_stmt **stmt;
  } own[] = {{"BEGIN IMMEDIATE", &w->begin}, {"COMMIT", &w->commit},
             {"ROLLBACK", &w->rollback},     {"SAVEPOINT rille", &w->savepoint},
             {"RELEASE rille", &w->release}, {"ROLLBACK TO rille", &w->rollback_to}};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
    int result = sqlite3_prepare_v3(w->connection.db, own[i].sql, -1, SQLITE_PREPARE_PERSISTENT, own[i].stmt, NULL);
    if (result != SQLITE_OK) return rl_sqlite_failed(error, w->connection.db, result);
  }
  return RL_OK;
}

static int read_page_size(rl_writer *w, rl_sql_error *error) {
  sqlite3_stmt *stmt = NULL;
  int result = sqlite3_prepare_v2(w->connection.db, "PRAGMA page_size", -1, &stmt, NULL);
  if (result == SQLITE_OK) result = sqlite3_step(stmt);
  if (result == SQLITE_ROW) w->page_size = sqlite3_column_int(stmt, 0);
  sqlite3_finalize(stmt);
  return w->page_size > 0 ? RL_OK : rl_sqlite_failed(error, w->connection.db, result);
}

int rl_writer_open(rl_writer *w, const char *path, int busy_timeout_ms, const char *synchronous, rl_sql_error *error) {
  char settings[256];
  snprintf(
      settings, sizeof settings,
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=%s; PRAGMA journal_size_limit=67108864; PRAGMA temp_store=MEMORY;",
      synchronous);
  int code = rl_connection_open(&w->connection, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
  if (code) return code;
  if (uv_mutex_init(&w->holder_lock)) {
    rl_connection_close(&w->connection);
    return rl_sql_refused(error, RL_ENOMEM, "out of memory");
  }
  sqlite3_busy_handler(w->connection.db, on_busy, w);
  rl_writer_be_patient(w, NULL, uv_hrtime(), (uint64_t)busy_timeout_ms * MS_NS);
  w->connection.authorizer.trusted = true;
  code = rl_connection_run(&w->connection, settings, error);
  if (!code) code = prepare_own(w, error);
  if (!code) code = read_page_size(w, error);
  w->connection.authorizer.trusted = false;
  if (code) {
    rl_writer_close(w);
    return code;
  }
  sqlite3_wal_autocheckpoint(w->connection.db, 0);
  sqlite3_wal_hook(w->connection.db, on_wal, w);
  return RL_OK;
}

/* What SQLite recommends before closing: it analyses tables of which it has wished to know more while it planned statements, or
 * that have grown much. So many rows of each index are looked at, for so long, and only if something was written. */
static void optimize(rl_writer *w) {
  rl_sql_error ignored = {0};
  rl_budget budget;
  sqlite3 *db = w->connection.db;
  if (!db || w->broken || rl_writer_in_transaction(w) || !sqlite3_total_changes64(db)) return;
  rl_writer_be_patient(w, NULL, 0, 0);
  rl_budget_start(&budget, OPTIMIZE_MS * MS_NS, true);
  w->connection.budget = &budget;
  w->connection.authorizer.trusted = true;
  rl_connection_run(&w->connection, "PRAGMA analysis_limit = 400; PRAGMA optimize", &ignored);
  w->connection.authorizer.trusted = false;
  w->connection.budget = NULL;
  rl_writer_note_sync(w, ignored.extended);
}

void rl_writer_close(rl_writer *w) {
  for (rl_op *op;
       w->queue && (op = rl_write_queue_take(w->queue, 0));) { /* they waited for a transaction that never ended */
    rl_sql_refused(&op->error, RL_ECLOSED, "the database was closed");
    rl_op_finish(op);
  }
  sqlite3_stmt *own[] = {w->begin, w->commit, w->rollback, w->savepoint, w->release, w->rollback_to};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) sqlite3_finalize(own[i]);
  optimize(w);
  if (w->connection.db) rl_writer_empty_log(w, 0); /* closing does not wait for a reader of another process */
  /* After a failed sync the log stays, with all that the database may lack: SQLite would copy it once more and remove it. */
  if (w->broken) sqlite3_db_config(w->connection.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  rl_connection_close(&w->connection);
  uv_mutex_destroy(&w->holder_lock);
}

/* ---- the log ------------------------------------------------------------------------------------------------------------ */

void rl_writer_empty_log(rl_writer *w, unsigned patience_ms) {
  bool expires = w->expires;
  if (w->broken || rl_writer_in_transaction(w)) return;
  w->expires = false; /* nobody's time is up because of this wait */
  w->contended_ns = 0;
  rl_writer_be_patient(w, NULL, uv_hrtime(), patience_ms * MS_NS);
  int result = sqlite3_wal_checkpoint_v2(w->connection.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
  if (result == SQLITE_OK) w->wal_pages = w->log_pages = 0;
  w->contended_ns = 0;
  w->expires = expires;
  rl_writer_note_sync(w, result);
  atomic_fetch_add(&w->checkpoints, 1);
}

/* Pages are moved beside readers, but the log begins anew only while none of them reads from it, which may never be so. Once it
 * is long, those that read are waited for, a moment; those that come find all pages in the database. If one stays on, the
 * next try is when the log has grown by a quarter of what it is: the longer it lasts, the less often all writes wait for it. */
static void bound_log(rl_writer *w) {
  int most = (int)(RL_LIMIT_SQL_LOG / (size_t)w->page_size);
  if (w->log_pages < most) w->restart_pages = most;
  if (w->log_pages < w->restart_pages) return;
  rl_writer_empty_log(w, RESTART_PATIENCE_MS);
  w->restart_pages = w->log_pages + w->log_pages / 4;
}

void rl_writer_checkpoint(rl_writer *w, bool all) {
  if (w->wal_pages < (all ? 1 : CHECKPOINT_PAGES) || w->broken || rl_writer_in_transaction(w)) return;
  rl_writer_be_patient(w, NULL, 0, 0);
  int result = sqlite3_wal_checkpoint_v2(w->connection.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  if (result == SQLITE_OK) w->wal_pages = 0;
  rl_writer_note_sync(w, result);
  atomic_fetch_add(&w->checkpoints, 1);
  bound_log(w);
}

void rl_writer_note_sync(rl_writer *w, int extended) {
  if (extended != SQLITE_IOERR_FSYNC && extended != SQLITE_IOERR_DIR_FSYNC) return;
  if (!w->broken) w->recovery = (rl_recovery){.broken_ms = rl_loop_wall()};
  w->broken = true;
}

/* ---- transactions of our own ------------------------------------------------------------------------------------------------ */

static int run_own(rl_writer *w, sqlite3_stmt *stmt, rl_sql_error *error) {
  w->connection.authorizer.trusted = true; /* a change of the schema makes SQLite prepare it again */
  int result = sqlite3_step(stmt);
  w->connection.authorizer.trusted = false;
  int code = result == SQLITE_DONE ? RL_OK : rl_sqlite_failed(error, w->connection.db, result);
  sqlite3_reset(stmt);
  if (code) rl_writer_note_sync(w, error->extended);
  return code;
}

bool rl_writer_in_transaction(const rl_writer *w) { return !sqlite3_get_autocommit(w->connection.db); }

void rl_writer_roll_back(rl_writer *w) {
  rl_sql_error ignored;
  if (rl_writer_in_transaction(w)) run_own(w, w->rollback, &ignored);
  rl_connection_tidy(&w->connection);
}

int rl_writer_commit(rl_writer *w, rl_sql_error *error) {
  rl_connection_tidy(&w->connection);
  return run_own(w, w->commit, error);
}

int rl_writer_lock(rl_writer *w, rl_op *op) {
  rl_writer_be_patient(w, op, op->queued_ns, op->patience_ns);
  int code = rl_op_is_dropped(op) ? RL_ECANCELLED : run_own(w, w->begin, &op->error);
  rl_writer_lock_ended(w, op, code);
  if (rl_op_begin(op)) return code;
  rl_writer_roll_back(w);
  return op->error.code = RL_ECANCELLED;
}

int rl_writer_lock_again(rl_writer *w, rl_op *op) {
  rl_writer_be_patient(w, NULL, uv_hrtime(), op->patience_ns);
  int code = run_own(w, w->begin, &op->error);
  rl_writer_lock_ended(w, op, code);
  return code;
}

/* A deferred foreign key would pass RELEASE and fail everybody's COMMIT. */
static int check_deferred(rl_writer *w, rl_op *op) {
  int current = 0, highest = 0;
  sqlite3_db_status(w->connection.db, SQLITE_DBSTATUS_DEFERRED_FKS, &current, &highest, 0);
  if (!current) return RL_OK;
  rl_sql_refused(&op->error, RL_ESQL, "FOREIGN KEY constraint failed");
  rl_sqlite_set_extended(&op->error, SQLITE_CONSTRAINT_FOREIGNKEY);
  return RL_ESQL;
}

int rl_writer_run_in_savepoint(rl_writer *w, rl_op *op) {
  int code = run_own(w, w->savepoint, &op->error);
  if (code) return code;
  code = rl_run_op(&w->connection, op);
  if (!code) code = check_deferred(w, op);
  if (!op->transaction) rl_connection_tidy(&w->connection);
  if (!rl_writer_in_transaction(w)) return code;
  rl_sql_error ignored;
  if (code) run_own(w, w->rollback_to, &ignored);
  run_own(w, w->release, &ignored);
  return code;
}
