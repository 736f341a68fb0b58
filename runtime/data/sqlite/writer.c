/* Group commit and interactive transactions; see writer.h. */
#include "data/sqlite/writer.h"

#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "data/sqlite/run.h"
#include "data/sqlite/sql.h"

enum { CHECKPOINT_PAGES = 1000, COMPLAIN_S = 1 };

#define SECOND_NS UINT64_C(1000000000)
#define MS_NS UINT64_C(1000000)

/* ---- another process has the file ----------------------------------------------------------------------------------------- */

static uint64_t give_up_at(const rl_writer *w, uint64_t from_ns, uint64_t patience_ns) {
  return (from_ns > w->contended_ns ? from_ns : w->contended_ns) + patience_ns;
}

static void describe_busy(const rl_writer *w, rl_op *op) {
  rl_sql_refused(&op->error, RL_EBUSY, "database is locked: another process has held it for %.1f s",
                 (double)(uv_hrtime() - w->contended_ns) / SECOND_NS);
  op->error.extended = SQLITE_BUSY;
  rl_sql_add_holder(&op->error, w->connection.db);
}

/* Those that come after the one that waits have a patience of their own. */
static void expire_others(rl_writer *w, uint64_t now) {
  if (!w->batch) return;
  w->more(w->more_ud, w->batch);
  rl_mail_queue rest = *w->batch;
  *w->batch = (rl_mail_queue){NULL, NULL};
  for (rl_op *op; (op = (rl_op *)rl_mail_shift(&rest));) {
    bool waits = !op->transaction || op->kind == RL_OP_BEGIN;
    bool over = waits && now >= give_up_at(w, op->queued_ns, op->patience_ns);
    if (!over) {
      rl_mail_push(w->batch, &op->mail);
      continue;
    }
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
  expire_others(w, now);
  if (now >= until || (w->first && atomic_load(&w->first->state) == RL_OP_DROPPED)) return 0;
  if (pause > until - now) pause = until - now;
  struct timespec time = {.tv_nsec = (long)pause};
  nanosleep(&time, NULL);
  return 1;
}

static void be_patient(rl_writer *w, const rl_op *first, uint64_t from_ns, uint64_t patience_ns) {
  w->first = first;
  w->from_ns = from_ns;
  w->patience_ns = patience_ns;
}

/* Another process may have come and gone since. */
static void lock_ended(rl_writer *w, rl_op *op, int code) {
  w->first = NULL;
  if (code == RL_EBUSY) describe_busy(w, op);
  else w->contended_ns = 0;
}

/* ---- opening and closing ------------------------------------------------------------------------------------------------- */

static int on_wal(void *ud, sqlite3 *db, const char *name, int pages) {
  (void)db, (void)name;
  ((rl_writer *)ud)->wal_pages = pages;
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
    if (result != SQLITE_OK) return rl_sql_failed(error, w->connection.db, result);
  }
  return RL_OK;
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
  be_patient(w, NULL, uv_hrtime(), (uint64_t)busy_timeout_ms * MS_NS);
  w->connection.trusted = true;
  code = rl_connection_run(&w->connection, settings, error);
  if (!code) code = prepare_own(w, error);
  w->connection.trusted = false;
  if (code) {
    rl_writer_close(w);
    return code;
  }
  sqlite3_wal_autocheckpoint(w->connection.db, 0);
  sqlite3_wal_hook(w->connection.db, on_wal, w);
  return RL_OK;
}

void rl_writer_close(rl_writer *w) {
  for (rl_op *op; (op = (rl_op *)rl_mail_shift(&w->deferred));) { /* they waited for a transaction that never ended */
    rl_sql_refused(&op->error, RL_ECLOSED, "the database was closed");
    rl_op_finish(op);
  }
  sqlite3_stmt *own[] = {w->begin, w->commit, w->rollback, w->savepoint, w->release, w->rollback_to};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) sqlite3_finalize(own[i]);
  be_patient(w, NULL, 0, 0); /* a reader of another process does not hold up who closes */
  if (w->connection.db && !w->broken)
    sqlite3_wal_checkpoint_v2(w->connection.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
  rl_connection_close(&w->connection);
  uv_mutex_destroy(&w->holder_lock);
}

void rl_writer_checkpoint(rl_writer *w, bool all) {
  if (w->wal_pages < (all ? 1 : CHECKPOINT_PAGES)) return;
  be_patient(w, NULL, 0, 0);
  if (sqlite3_wal_checkpoint_v2(w->connection.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK)
    w->wal_pages = 0;
  atomic_fetch_add(&w->checkpoints, 1);
}

/* ---- one operation --------------------------------------------------------------------------------------------------------- */

/* What the operation is about, inside whatever transaction there is. */
static int run_body(rl_writer *w, rl_op *op) {
  rl_connection *c = &w->connection;
  int code = RL_OK;
  bool single = op->kind != RL_OP_SCRIPT && op->count < 2;
  rl_op_clear(op);
  c->circumstance = op->transaction ? RL_RUNS_IN_TRANSACTION : single ? RL_RUNS_SINGLE : RL_RUNS_FIRST;
  if (op->kind == RL_OP_SCRIPT) return rl_run_script(c, op->statements[0].sql, op);
  for (int i = 0; i < op->count && !code; i++) {
    if (i > 0) rl_rows_free(&op->rows);
    op->at = i;
    code = rl_run_statement(c, &op->statements[i], op);
    if (c->circumstance == RL_RUNS_FIRST) c->circumstance = RL_RUNS_LATER;
  }
  return code;
}

/* ---- transactions of our own ------------------------------------------------------------------------------------------------ */

static int run_own(rl_writer *w, sqlite3_stmt *stmt, rl_sql_error *error) {
  w->connection.trusted = true; /* a change of the schema makes SQLite prepare it again */
  int result = sqlite3_step(stmt);
  w->connection.trusted = false;
  int code = result == SQLITE_DONE ? RL_OK : rl_sql_failed(error, w->connection.db, result);
  sqlite3_reset(stmt);
  if (code && (error->extended == SQLITE_IOERR_FSYNC || error->extended == SQLITE_IOERR_DIR_FSYNC)) {
    w->broken = true; /* the kernel may have dropped the pages: trying again and saying yes would be a lie */
    rl_logf(RL_LOG_ERROR, "the disk failed to sync the database: nothing more is written until a restart");
  }
  return code;
}

static bool in_transaction(const rl_writer *w) { return !sqlite3_get_autocommit(w->connection.db); }

void rl_writer_roll_back(rl_writer *w) {
  rl_sql_error ignored;
  if (in_transaction(w)) run_own(w, w->rollback, &ignored);
  rl_connection_tidy(&w->connection);
}

int rl_writer_commit(rl_writer *w, rl_sql_error *error) {
  rl_connection_tidy(&w->connection);
  return run_own(w, w->commit, error);
}

int rl_writer_lock(rl_writer *w, rl_op *op) {
  be_patient(w, op, op->queued_ns, op->patience_ns);
  int code = atomic_load(&op->state) == RL_OP_DROPPED ? RL_ECANCELLED : run_own(w, w->begin, &op->error);
  lock_ended(w, op, code);
  if (rl_op_begin(op)) return code;
  rl_writer_roll_back(w);
  return op->error.code = RL_ECANCELLED;
}

int rl_writer_lock_again(rl_writer *w, rl_op *op) {
  be_patient(w, NULL, uv_hrtime(), op->patience_ns);
  int code = run_own(w, w->begin, &op->error);
  lock_ended(w, op, code);
  return code;
}

/* A deferred foreign key would pass RELEASE and fail everybody's COMMIT. */
static int check_deferred(rl_writer *w, rl_op *op) {
  int current = 0, highest = 0;
  sqlite3_db_status(w->connection.db, SQLITE_DBSTATUS_DEFERRED_FKS, &current, &highest, 0);
  if (!current) return RL_OK;
  rl_sql_refused(&op->error, RL_ESQL, "FOREIGN KEY constraint failed");
  op->error.extended = SQLITE_CONSTRAINT_FOREIGNKEY;
  return RL_ESQL;
}

/* One operation of a group, which undoes itself where it fails. */
static int run_in_savepoint(rl_writer *w, rl_op *op) {
  int code = run_own(w, w->savepoint, &op->error);
  if (code) return code;
  code = run_body(w, op);
  if (!code) code = check_deferred(w, op);
  if (!op->transaction) rl_connection_tidy(&w->connection);
  if (!in_transaction(w)) return code;
  rl_sql_error ignored;
  if (code) run_own(w, w->rollback_to, &ignored);
  run_own(w, w->release, &ignored);
  return code;
}

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

static bool may_join(const rl_writer *w, const rl_op *op) {
  if (op->transaction || w->transaction || w->broken) return false;
  if (op->kind == RL_OP_RUN) return !rl_sql_runs_alone(op->statements[0].sql);
  return op->kind == RL_OP_BATCH || (op->kind == RL_OP_SCRIPT && !rl_sql_runs_alone(op->statements[0].sql));
}

/* Takes the next member off the front of the batch and begins it; NULL where what stands there cannot join. */
static rl_op *next_member(rl_writer *w, rl_mail_queue *batch) {
  while (batch->first && may_join(w, (rl_op *)batch->first)) {
    rl_op *op = (rl_op *)rl_mail_shift(batch);
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
  int code = run_in_savepoint(w, op);
  if (in_transaction(w)) return true;
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
static bool add_members(rl_writer *w, group *g, rl_mail_queue *batch, bool (*more)(void *, rl_mail_queue *), void *ud,
                        rl_sql_error *error) {
  while (g->count < (int)RL_LIMIT_BATCH) {
    if (!batch->first && !more(ud, batch)) return true;
    rl_op *op = next_member(w, batch);
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

/* `first` has not begun: it may be dropped as long as another process holds the file. */
static void run_group(rl_writer *w, rl_op *first, rl_mail_queue *batch, bool (*more)(void *, rl_mail_queue *),
                      void *ud) {
  group g = {.members = {first}, .count = 1};
  rl_sql_error error = {0};
  if (rl_writer_lock(w, first)) {
    rl_op_finish(first); /* those after it have time of their own */
    return;
  }
  bool whole = run_members(w, &g, &error) && add_members(w, &g, batch, more, ud, &error);
  if (whole && g.count) {
    error.code = rl_writer_commit(w, &error);
    whole = !error.code;
  }
  atomic_fetch_add(&w->groups, 1);
  rl_writer_roll_back(w); /* it failed, or nobody was left to commit */
  if (!whole) fail_all(w, &g, 0, &error);
  else
    for (int i = 0; i < g.count; i++) answer(w, g.members[i]);
}

/* ---- interactive transactions ---------------------------------------------------------------------------------------------------- */

static void set_holder(rl_writer *w, const rl_holder *holder) {
  uv_mutex_lock(&w->holder_lock);
  w->holder = *holder;
  uv_mutex_unlock(&w->holder_lock);
  w->transaction = holder->transaction;
  w->complain_ns = holder->since_ns + COMPLAIN_S * SECOND_NS;
}

rl_holder rl_writer_holder(rl_writer *w) {
  uv_mutex_lock(&w->holder_lock);
  rl_holder holder = w->holder;
  uv_mutex_unlock(&w->holder_lock);
  return holder;
}

void rl_writer_complain(rl_writer *w) {
  uint64_t now = uv_hrtime(), since = w->holder.since_ns;
  if (!w->transaction || !w->deferred.first || now < w->complain_ns) return;
  w->complain_ns = now + (now - since); /* again when it has lasted twice as long */
  int64_t waiting = 0;
  for (rl_mail *mail = w->deferred.first; mail; mail = mail->next)
    waiting += atomic_load(&((rl_op *)mail)->state) == RL_OP_QUEUED;
  if (!waiting) return;
  char seconds[32];
  snprintf(seconds, sizeof seconds, "%.1f", (double)(now - since) / SECOND_NS);
  rl_log_field fields[] = {RL_LOG_TEXT_FIELD("begun_at", rl_slice_str(w->holder.site)),
                           {.key = "open_for", .literal = seconds},
                           RL_LOG_NUMBER_FIELD("waiting", waiting)};
  rl_log(RL_LOG_WARN, RL_SLICE("writes wait for a transaction"), fields, sizeof fields / sizeof *fields);
}

static int begin_transaction(rl_writer *w, rl_op *op) {
  int code = rl_writer_lock(w, op);
  if (code) return code;
  rl_holder holder = {.transaction = op->transaction, .since_ns = uv_hrtime()};
  rl_slice site = op->count ? op->statements[0].name : RL_SLICE("?");
  snprintf(holder.site, sizeof holder.site, "%.*s", RL_FMT(site));
  set_holder(w, &holder);
  w->transaction_lost = false;
  return RL_OK;
}

static void end_transaction(rl_writer *w, rl_mail_queue *batch) {
  set_holder(w, &(rl_holder){0});
  rl_mail_queue rest = *batch; /* what waited goes first */
  *batch = w->deferred;
  w->deferred = (rl_mail_queue){NULL, NULL};
  for (rl_mail *mail; (mail = rl_mail_shift(&rest));) rl_mail_push(batch, mail);
}

static void refuse_broken(rl_op *op) {
  rl_sql_refused(&op->error, RL_ESQL, "the disk failed to sync the database: nothing is written until a restart");
}

static int commit_transaction(rl_writer *w, rl_op *op) {
  if (w->broken) {
    rl_writer_roll_back(w);
    refuse_broken(op);
    return op->error.code;
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
  w->connection.trusted = true;
  int code = rl_connection_run(&w->connection, sql, &op->error);
  w->connection.trusted = false;
  return code;
}

static int run_in_transaction(rl_writer *w, rl_op *op) {
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
  int code = op->kind == RL_OP_BATCH ? run_in_savepoint(w, op) : run_body(w, op);
  if (!in_transaction(w)) w->transaction_lost = true;
  return code;
}

/* ---- alone ------------------------------------------------------------------------------------------------------------------------- */

/* VACUUM attaches a database of its own while it runs. */
static int run_alone(rl_writer *w, rl_op *op) {
  rl_slice sql = op->statements[0].sql;
  bool vacuum = rl_slice_eq_nocase(rl_sql_word(sql), RL_SLICE("VACUUM"));
  w->connection.circumstance = RL_RUNS_ALONE;
  be_patient(w, NULL, op->queued_ns, op->patience_ns);
  rl_statement *s = rl_statement_get(&w->connection, sql, &op->error);
  if (!s) return rl_run_failed(op, sql);
  int code = s->has_tail
                 ? rl_sql_refused(&op->error, RL_EINVALID, "PRAGMA and VACUUM run alone, not among other statements")
                 : rl_statement_bind(&w->connection, s, &op->statements[0].params, &op->error);
  if (!code) {
    rl_op_clear(op);
    w->connection.trusted = vacuum;
    code = rl_run_rows(&w->connection, s, op);
    w->connection.trusted = false;
  }
  lock_ended(w, op, code);
  rl_statement_end(&w->connection, s);
  return code ? rl_run_failed(op, sql) : RL_OK;
}

static int back_up(rl_writer *w, rl_op *op) {
  rl_value path = {.type = RL_VALUE_TEXT, .bytes = op->statements[0].sql};
  rl_op_statement into = {.sql = RL_SLICE("VACUUM INTO ?"), .params = {.values = &path, .count = 1}};
  op->statements[0] = into;
  int code = run_alone(w, op);
  op->failed = RL_SLICE_NONE; /* the text is ours */
  return code;
}

static int copy_out(rl_writer *w, rl_op *op) {
  sqlite3_int64 size = 0;
  unsigned char *image = sqlite3_serialize(w->connection.db, "main", &size, 0);
  int code = image ? rl_buf_add(&op->rows.data, image, (size_t)size) : RL_ENOMEM;
  sqlite3_free(image);
  return code ? rl_sql_refused(&op->error, code, "out of memory") : RL_OK;
}

/* sqlite3_deserialize attaches the image by a statement of its own. */
static int copy_in(rl_writer *w, rl_op *op) {
  rl_slice image = op->statements[0].sql;
  unsigned char *copy = sqlite3_malloc64(image.len ? image.len : 1);
  if (!copy) return rl_sql_refused(&op->error, RL_ENOMEM, "out of memory");
  memcpy(copy, image.data, image.len);
  w->connection.trusted = true;
  int result = sqlite3_deserialize(w->connection.db, "main", copy, (sqlite3_int64)image.len, (sqlite3_int64)image.len,
                                   SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
  w->connection.trusted = false;
  return result == SQLITE_OK ? RL_OK : rl_sql_failed(&op->error, w->connection.db, result);
}

/* ---- the batch ------------------------------------------------------------------------------------------------------------------------ */

static int run_single(rl_writer *w, rl_op *op, rl_mail_queue *batch) {
  int code;
  switch (op->kind) {
    case RL_OP_BACKUP: return back_up(w, op);
    case RL_OP_COPY_OUT: return copy_out(w, op);
    case RL_OP_COPY_IN: return copy_in(w, op);
    case RL_OP_COMMIT:
      code = commit_transaction(w, op);
      end_transaction(w, batch);
      return code;
    case RL_OP_ROLLBACK:
      rl_writer_roll_back(w);
      end_transaction(w, batch);
      return RL_OK;
    default: return op->transaction ? run_in_transaction(w, op) : run_alone(w, op);
  }
}

/* A transaction that was never begun, or has ended, has no statements. */
static bool is_stale(const rl_writer *w, const rl_op *op) {
  return op->transaction && op->kind != RL_OP_BEGIN && op->transaction != w->transaction;
}

static void run_one(rl_writer *w, rl_op *op, rl_mail_queue *batch) {
  if (is_stale(w, op)) rl_sql_refused(&op->error, RL_ECLOSED, "the transaction has ended");
  else if (w->broken && op->kind != RL_OP_COMMIT && op->kind != RL_OP_ROLLBACK) refuse_broken(op);
  else if (op->kind == RL_OP_BEGIN) begin_transaction(w, op); /* begins once it has the file */
  else if (op->kind == RL_OP_MIGRATE) rl_writer_migrate(w, op);
  else if (!rl_op_begin(op)) op->error.code = RL_ECANCELLED;
  else run_single(w, op, batch);
  answer(w, op);
}

void rl_writer_run(rl_writer *w, rl_mail_queue *batch, bool (*more)(void *, rl_mail_queue *), void *ud) {
  w->batch = batch;
  w->more = more;
  w->more_ud = ud;
  while (batch->first) {
    rl_op *op = (rl_op *)rl_mail_shift(batch);
    if (may_join(w, op)) run_group(w, op, batch, more, ud);
    else if (w->transaction && op->transaction != w->transaction) rl_mail_push(&w->deferred, &op->mail);
    else run_one(w, op, batch);
  }
  w->batch = NULL;
}
