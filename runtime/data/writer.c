/* Group commit and interactive transactions; see writer.h. */
#include "data/writer.h"

#include <stdio.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"

enum { CHECKPOINT_PAGES = 1000 };

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
  int code =
      rl_connection_open(&w->connection, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, busy_timeout_ms, error);
  if (code) return code;
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
  if (w->connection.db && !w->broken)
    sqlite3_wal_checkpoint_v2(w->connection.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
  rl_connection_close(&w->connection);
}

void rl_writer_checkpoint(rl_writer *w, bool all) {
  if (w->wal_pages < (all ? 1 : CHECKPOINT_PAGES)) return;
  if (sqlite3_wal_checkpoint_v2(w->connection.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK)
    w->wal_pages = 0;
  atomic_fetch_add(&w->checkpoints, 1);
}

/* ---- one statement --------------------------------------------------------------------------------------------------------- */

static int step_all(rl_connection *c, rl_statement *s, rl_op *op) {
  int code;
  while ((code = rl_statement_step(c, s, &op->error)) == 1) {
    if (op->rows.count == 0 && op->rows.columns == 0 && rl_statement_pack_names(s, &op->rows)) code = RL_ENOMEM;
    if (code == 1 && rl_statement_pack_row(s, &op->rows)) code = RL_ENOMEM;
    if (code == RL_ENOMEM) return rl_sql_refused(&op->error, RL_ENOMEM, "out of memory");
  }
  return code;
}

int rl_run_statement(rl_connection *c, const rl_op_statement *statement, rl_op *op) {
  rl_statement *s = rl_statement_get(c, statement->sql, &op->error);
  if (!s) return op->error.code;
  int code = RL_OK;
  if (s->has_tail)
    code = rl_sql_refused(&op->error, RL_EINVALID, "several statements: only db:exec runs them, without parameters");
  if (!code) code = rl_statement_bind(c, s, &statement->params, &op->error);
  int64_t before = sqlite3_total_changes64(c->db);
  c->cancelled = s->readonly ? &op->cancelled : NULL; /* a write that was begun is finished */
  if (!code) code = step_all(c, s, op);
  c->cancelled = NULL;
  if (!code) {
    op->changes += sqlite3_total_changes64(c->db) > before ? sqlite3_changes64(c->db) : 0;
    op->last_id = sqlite3_last_insert_rowid(c->db);
  }
  rl_statement_end(c, s);
  return code;
}

/* Several statements, one after another, none kept. */
static int run_script(rl_connection *c, rl_slice sql, rl_op *op) {
  const char *at = sql.data, *end = sql.data + sql.len;
  if (memchr(sql.data, 0, sql.len)) return rl_sql_refused(&op->error, RL_ESQL, "the statements hold a NUL byte");
  while (at < end) {
    sqlite3_stmt *stmt = NULL;
    int result = sqlite3_prepare_v3(c->db, at, (int)(end - at) + 1, 0, &stmt, &at);
    while (result == SQLITE_OK && stmt && (result = sqlite3_step(stmt)) == SQLITE_ROW) result = SQLITE_OK;
    if (result != SQLITE_OK && result != SQLITE_DONE) {
      rl_sql_failed(&op->error, c->db, result);
      sqlite3_finalize(stmt);
      return op->error.code;
    }
    if (stmt) op->changes += sqlite3_stmt_readonly(stmt) ? 0 : sqlite3_changes64(c->db);
    sqlite3_finalize(stmt);
  }
  op->last_id = sqlite3_last_insert_rowid(c->db);
  return RL_OK;
}

/* What the operation is about, inside whatever transaction there is. */
static int run_body(rl_writer *w, rl_op *op) {
  int code = RL_OK;
  rl_op_clear(op);
  if (op->kind == RL_OP_SCRIPT) return run_script(&w->connection, op->statements[0].sql, op);
  for (int i = 0; i < op->count && !code; i++) {
    if (i > 0) rl_rows_free(&op->rows);
    code = rl_run_statement(&w->connection, &op->statements[i], op);
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

static void roll_back(rl_writer *w) {
  rl_sql_error ignored;
  if (in_transaction(w)) run_own(w, w->rollback, &ignored);
}

/* A deferred foreign key would pass RELEASE and fail everybody's COMMIT. */
static int check_deferred(rl_writer *w, rl_op *op) {
  int current = 0, highest = 0;
  sqlite3_db_status(w->connection.db, SQLITE_DBSTATUS_DEFERRED_FKS, &current, &highest, 0);
  if (!current) return RL_OK;
  op->error.extended = SQLITE_CONSTRAINT_FOREIGNKEY;
  op->error.code = RL_ESQL;
  snprintf(op->error.message, sizeof op->error.message, "FOREIGN KEY constraint failed");
  return RL_ESQL;
}

/* One operation of a group, which undoes itself where it fails. */
static int run_in_savepoint(rl_writer *w, rl_op *op) {
  int code = run_own(w, w->savepoint, &op->error);
  if (code) return code;
  code = run_body(w, op);
  if (!code) code = check_deferred(w, op);
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
  if (op->transaction || w->transaction) return false;
  if (op->kind == RL_OP_RUN) return !rl_sql_runs_alone(op->statements[0].sql);
  return op->kind == RL_OP_BATCH || (op->kind == RL_OP_SCRIPT && !rl_sql_runs_alone(op->statements[0].sql));
}

/* Takes the next member off the front of the batch; NULL where what stands there cannot join. */
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

/* Opens the transaction and runs all members, again where a ROLLBACK of their neighbour undid them. */
static bool run_members(rl_writer *w, group *g, rl_sql_error *error) {
  for (;;) {
    error->code = run_own(w, w->begin, error);
    if (error->code) return false;
    bool whole = true;
    for (int i = 0; whole && i < g->count; i++) whole = run_member(w, g, i, error);
    if (whole) return true;
    if (error->code) return false;
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
    if (error->code || !run_members(w, g, error)) return false;
  }
  return true;
}

static void run_group(rl_writer *w, rl_op *first, rl_mail_queue *batch, bool (*more)(void *, rl_mail_queue *),
                      void *ud) {
  group g = {.members = {first}, .count = 1};
  rl_sql_error error = {0};
  bool whole = run_members(w, &g, &error) && add_members(w, &g, batch, more, ud, &error);
  if (whole && g.count) {
    error.code = run_own(w, w->commit, &error);
    whole = !error.code;
  }
  atomic_fetch_add(&w->groups, 1);
  if (!whole) {
    roll_back(w);
    fail_all(w, &g, 0, &error);
    return;
  }
  roll_back(w); /* nobody was left to commit */
  for (int i = 0; i < g.count; i++) answer(w, g.members[i]);
}

/* ---- interactive transactions ---------------------------------------------------------------------------------------------------- */

static int begin_transaction(rl_writer *w, rl_op *op) {
  int code = run_own(w, w->begin, &op->error);
  if (code) return code;
  w->transaction = op->transaction;
  w->transaction_lost = false;
  return RL_OK;
}

static void end_transaction(rl_writer *w, rl_mail_queue *batch) {
  w->transaction = 0;
  rl_mail_queue rest = *batch; /* what waited goes first */
  *batch = w->deferred;
  w->deferred = (rl_mail_queue){NULL, NULL};
  for (rl_mail *mail; (mail = rl_mail_shift(&rest));) rl_mail_push(batch, mail);
}

static int commit_transaction(rl_writer *w, rl_op *op) {
  if (w->transaction_lost)
    return rl_sql_refused(&op->error, RL_ESQL, "the transaction was rolled back by a statement of its own");
  int code = run_own(w, w->commit, &op->error);
  roll_back(w);
  atomic_fetch_add(&w->groups, 1);
  return code;
}

static int run_in_transaction(rl_writer *w, rl_op *op) {
  if (w->transaction_lost)
    return rl_sql_refused(&op->error, RL_ESQL, "the transaction was rolled back by a statement of its own");
  int code;
  switch (op->kind) {
    case RL_OP_SAVEPOINT: return run_own(w, w->savepoint, &op->error);
    case RL_OP_RELEASE: return run_own(w, w->release, &op->error);
    case RL_OP_ROLLBACK_TO:
      code = run_own(w, w->rollback_to, &op->error);
      return code ? code : run_own(w, w->release, &op->error);
    default: break;
  }
  if (rl_sql_runs_alone(op->statements[0].sql))
    return rl_sql_refused(&op->error, RL_EINVALID, "VACUUM and PRAGMA run outside a transaction");
  code = op->kind == RL_OP_BATCH ? run_in_savepoint(w, op) : run_body(w, op);
  if (!in_transaction(w)) w->transaction_lost = true;
  return code;
}

/* ---- alone ------------------------------------------------------------------------------------------------------------------------- */

static bool is_applied(rl_writer *w, rl_op *op, rl_slice name) {
  rl_value value = {.type = RL_VALUE_TEXT, .bytes = name};
  rl_op_statement check = {.sql = RL_SLICE("SELECT 1 FROM rille_migrations WHERE name = ?"),
                           .params = {.values = &value, .count = 1}};
  rl_op_clear(op);
  return rl_run_statement(&w->connection, &check, op) == 0 && op->rows.count > 0;
}

/* *applied grows where it was this call that did it. */
static int apply(rl_writer *w, rl_op *op, const rl_op_statement *migration, int64_t *applied) {
  rl_value value = {.type = RL_VALUE_TEXT, .bytes = migration->name};
  rl_op_statement note = {.sql = RL_SLICE("INSERT INTO rille_migrations(name, applied_at) VALUES (?, unixepoch())"),
                          .params = {.values = &value, .count = 1}};
  int code = run_own(w, w->begin, &op->error);
  if (code) return code;
  if (is_applied(w, op, migration->name)) { /* another process was quicker */
    roll_back(w);
    return RL_OK;
  }
  code = run_script(&w->connection, migration->sql, op);
  if (!code) code = rl_run_statement(&w->connection, &note, op);
  if (!code) code = run_own(w, w->commit, &op->error);
  roll_back(w);
  *applied += !code;
  if (!code) return RL_OK;
  char message[sizeof op->error.message + 256];
  int name_len = migration->name.len < 200 ? (int)migration->name.len : 200;
  snprintf(message, sizeof message, "migration %.*s: %s", name_len, migration->name.data, op->error.message);
  memcpy(op->error.message, message, sizeof op->error.message - 1);
  return code;
}

static int migrate(rl_writer *w, rl_op *op) {
  static const char table[] =
      "CREATE TABLE IF NOT EXISTS rille_migrations(name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL) WITHOUT ROWID";
  int code = rl_connection_run(&w->connection, table, &op->error);
  int64_t applied = 0;
  for (int i = 0; i < op->count && !code; i++) {
    if (is_applied(w, op, op->statements[i].name)) continue;
    code = apply(w, op, &op->statements[i], &applied);
  }
  rl_rows_free(&op->rows);
  op->changes = applied;
  return code;
}

/* VACUUM attaches a database of its own while it runs. */
static int run_alone(rl_writer *w, rl_op *op) {
  rl_statement *s = rl_statement_get(&w->connection, op->statements[0].sql, &op->error);
  if (!s) return op->error.code;
  int code = s->has_tail
                 ? rl_sql_refused(&op->error, RL_EINVALID, "PRAGMA and VACUUM run alone, not among other statements")
                 : rl_statement_bind(&w->connection, s, &op->statements[0].params, &op->error);
  if (!code) {
    rl_op_clear(op);
    w->connection.trusted = true;
    code = step_all(&w->connection, s, op);
    w->connection.trusted = false;
  }
  rl_statement_end(&w->connection, s);
  return code;
}

static int back_up(rl_writer *w, rl_op *op) {
  rl_value path = {.type = RL_VALUE_TEXT, .bytes = op->statements[0].sql};
  rl_op_statement into = {.sql = RL_SLICE("VACUUM INTO ?"), .params = {.values = &path, .count = 1}};
  op->statements[0] = into;
  return run_alone(w, op);
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
    case RL_OP_BEGIN: return begin_transaction(w, op);
    case RL_OP_MIGRATE: return migrate(w, op);
    case RL_OP_BACKUP: return back_up(w, op);
    case RL_OP_COPY_OUT: return copy_out(w, op);
    case RL_OP_COPY_IN: return copy_in(w, op);
    case RL_OP_COMMIT:
      code = commit_transaction(w, op);
      end_transaction(w, batch);
      return code;
    case RL_OP_ROLLBACK:
      roll_back(w);
      end_transaction(w, batch);
      return RL_OK;
    default: return op->transaction ? run_in_transaction(w, op) : run_alone(w, op);
  }
}

static void refuse_broken(rl_op *op) {
  rl_sql_refused(&op->error, RL_ESQL, "the disk failed to sync the database: nothing is written until a restart");
}

/* A transaction that was never begun, or has ended, has no statements. */
static bool is_stale(const rl_writer *w, const rl_op *op) {
  return op->transaction && op->kind != RL_OP_BEGIN && op->transaction != w->transaction;
}

static void run_one(rl_writer *w, rl_op *op, rl_mail_queue *batch) {
  if (is_stale(w, op)) rl_sql_refused(&op->error, RL_ECLOSED, "the transaction has ended");
  else if (!rl_op_begin(op) && op->kind != RL_OP_ROLLBACK) op->error.code = RL_ECANCELLED;
  else if (w->broken) refuse_broken(op);
  else run_single(w, op, batch);
  answer(w, op);
}

void rl_writer_run(rl_writer *w, rl_mail_queue *batch, bool (*more)(void *, rl_mail_queue *), void *ud) {
  while (batch->first) {
    rl_op *op = w->broken ? NULL : next_member(w, batch);
    if (op) {
      run_group(w, op, batch, more, ud);
      continue;
    }
    if (!batch->first) break;
    op = (rl_op *)rl_mail_shift(batch);
    if (w->transaction && op->transaction != w->transaction) rl_mail_push(&w->deferred, &op->mail);
    else run_one(w, op, batch);
  }
}
