/* Running migrations; see migrate.h. */
#include "data/sqlite/migrate.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "data/sqlite/copy.h"
#include "data/sqlite/run.h"
#include "data/sqlite/sql.h"

typedef struct run {
  rl_writer *writer;
  rl_op *op;
  const rl_op_statement *migration;
  rl_slice text, at;   /* the whole, and what is still to run */
  bool enforced;       /* foreign keys are, while it runs */
  bool notes_cascades; /* temp.rille_cascades is there */
  bool unenforced;     /* it began with PRAGMA foreign_keys=OFF */
  bool enforced_again; /* … and said PRAGMA foreign_keys=ON later */
  bool begun, ended;   /* it has a BEGIN, a COMMIT of its own, around all of it */
  bool started;        /* something that is no PRAGMA has run */
  bool any;            /* something has */
} run;

static rl_connection *connection_of(const run *r) { return &r->writer->connection; }

/* ---- what the text says of itself ---------------------------------------------------------------------------------------- */

/* `why` is about the statement that is next, or about the whole at its end. */
static int refuse(run *r, const char *why) {
  r->op->failed = r->at.len ? rl_sql_first_statement(r->at) : RL_SLICE_NONE;
  return rl_sql_refused(&r->op->error, RL_EINVALID, "%s", why);
}

static bool is_word(const run *r, const char *word) {
  return rl_slice_eq_nocase(rl_sql_word(r->at), rl_slice_str(word));
}

static bool is_foreign_keys(const rl_sql_pragma *pragma) {
  return rl_slice_eq_nocase(pragma->name, RL_SLICE("foreign_keys")) && pragma->value.data;
}

/* Looks at the PRAGMAs that stand first, without running any. */
static bool begins_unenforced(rl_slice text) {
  rl_sql_pragma pragma;
  bool off = false;
  for (; rl_sql_read_pragma(text, &pragma); text = pragma.rest)
    if (is_foreign_keys(&pragma)) off = !rl_sql_is_on(pragma.value);
  return off;
}

/* OFF at the head was seen to; ON at the end is what happens anyway. */
static int take_foreign_keys(run *r, const rl_sql_pragma *pragma) {
  bool on = rl_sql_is_on(pragma->value);
  if (!on && (r->started || r->begun))
    return refuse(r, "PRAGMA foreign_keys=OFF stands first in a migration: later it does nothing");
  if (on && r->unenforced && r->started) r->enforced_again = true;
  r->at = pragma->rest;
  return RL_OK;
}

/* Skips its own BEGIN and COMMIT, which say what is so already. Returns true if it skipped one. */
static bool skip_transaction(run *r) {
  bool *said = is_word(r, "BEGIN") && !r->started                                      ? &r->begun
               : (is_word(r, "COMMIT") || is_word(r, "END")) && r->begun && r->started ? &r->ended
                                                                                       : NULL;
  if (!said || *said) return false;
  *said = true;
  r->at = rl_sql_skip_statement(r->at);
  return true;
}

/* ---- tables that are built anew ---------------------------------------------------------------------------------------- */

/* Runs SQL of our own with one text as its parameter. 0, or the code. */
static int run_with(run *r, const char *sql, rl_slice text) {
  rl_connection *c = connection_of(r);
  sqlite3_stmt *stmt = NULL;
  c->authorizer.trusted = true;
  int result = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);
  if (result == SQLITE_OK) result = sqlite3_bind_text(stmt, 1, text.data, (int)text.len, SQLITE_STATIC);
  if (result == SQLITE_OK) result = sqlite3_step(stmt);
  if (result != SQLITE_DONE) rl_sqlite_failed(&r->op->error, c->db, result);
  sqlite3_finalize(stmt);
  c->authorizer.trusted = false;
  return result == SQLITE_DONE ? RL_OK : r->op->error.code;
}

static int note_cascades(run *r, rl_slice table) {
  static const char make[] = "CREATE TEMP TABLE rille_cascades(parent TEXT COLLATE NOCASE, child TEXT COLLATE NOCASE)";
  static const char forget[] = "DELETE FROM temp.rille_cascades WHERE child = ?1";
  static const char note[] =
      "INSERT INTO temp.rille_cascades SELECT ?1, m.name FROM main.sqlite_schema m, pragma_foreign_key_list(m.name) k "
      "WHERE m.type = 'table' AND m.name <> ?1 COLLATE NOCASE AND k.\"table\" = ?1 COLLATE NOCASE "
      "AND k.on_delete NOT IN ('NO ACTION', 'RESTRICT')";
  rl_connection *c = connection_of(r);
  c->authorizer.trusted = true;
  int code = r->notes_cascades ? RL_OK : rl_connection_run(c, make, &r->op->error);
  c->authorizer.trusted = false;
  if (code) return code;
  r->notes_cascades = c->has_temporary = true;
  code = run_with(r, forget, table);
  return code ? code : run_with(r, note, table);
}

/* The table that the next statement drops, if it does, as SQLite reads it. What is wrong with it is told when it runs. */
static int look_for_drop(run *r) {
  rl_buf name;
  sqlite3_stmt *stmt = NULL;
  rl_connection *c = connection_of(r);
  if (!r->enforced || !is_word(r, "DROP")) return RL_OK;
  rl_buf_init(&name, RL_BUF_NO_LIMIT);
  c->authorizer.dropped = &name;
  sqlite3_prepare_v2(c->db, r->at.data, (int)r->at.len, &stmt, NULL);
  c->authorizer.dropped = NULL;
  sqlite3_finalize(stmt);
  int code = name.error ? RL_ENOMEM : name.len ? note_cascades(r, rl_buf_slice(&name)) : RL_OK;
  if (code == RL_ENOMEM) rl_sql_refused(&r->op->error, code, "out of memory");
  rl_buf_free(&name);
  return code;
}

static void describe_rebuilt(run *r, sqlite3_stmt *stmt) {
  const char *table = (const char *)sqlite3_column_text(stmt, 0), *child = (const char *)sqlite3_column_text(stmt, 1);
  rl_sql_refused(&r->op->error, RL_ESQL,
                 "it builds %s anew, and DROP TABLE %s deletes or changes rows of %s (ON DELETE): begin it with PRAGMA "
                 "foreign_keys=OFF",
                 table, table, child);
}

/* Of those that were dropped, one that is there again, whose children are still the ones they were. */
static int find_rebuilt(run *r) {
  static const char find[] =
      "SELECT parent, child FROM temp.rille_cascades WHERE EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = "
      "'table' "
      "AND name = parent COLLATE NOCASE) LIMIT 1";
  if (!r->notes_cascades) return RL_OK;
  sqlite3_stmt *stmt = NULL;
  sqlite3 *db = connection_of(r)->db;
  int result = sqlite3_prepare_v2(db, find, -1, &stmt, NULL);
  if (result == SQLITE_OK) result = sqlite3_step(stmt);
  if (result == SQLITE_ROW) describe_rebuilt(r, stmt);
  else if (result != SQLITE_DONE) rl_sqlite_failed(&r->op->error, db, result);
  sqlite3_finalize(stmt);
  return result == SQLITE_DONE ? RL_OK : r->op->error.code;
}

/* ---- statement by statement ---------------------------------------------------------------------------------------------- */

static int run_next(run *r) {
  rl_sql_pragma pragma;
  bool is_pragma = rl_sql_read_pragma(r->at, &pragma);
  if (is_pragma && is_foreign_keys(&pragma)) return take_foreign_keys(r, &pragma);
  if (skip_transaction(r)) return RL_OK;
  if (r->ended) return refuse(r, "a migration is one transaction: nothing stands after its COMMIT");
  if (r->enforced_again) return refuse(r, "PRAGMA foreign_keys=ON stands last in a migration that turned it off");
  rl_slice at = r->at;
  r->any = true;
  r->started = r->started || !is_pragma;
  if (look_for_drop(r)) return r->op->error.code;
  if (rl_run_piece(connection_of(r), at, &r->at, r->op) == 0) return RL_OK;
  return rl_run_failed(r->op, rl_sql_first_statement(at));
}

static int run_text(run *r) {
  if (memchr(r->text.data, 0, r->text.len))
    return rl_sql_refused(&r->op->error, RL_EINVALID, "it holds a NUL byte: is it UTF-16?");
  connection_of(r)->authorizer.circumstance = RL_RUNS_IN_MIGRATION;
  for (r->at = rl_sql_skip_blank(r->text); r->at.len; r->at = rl_sql_skip_blank(r->at))
    if (run_next(r)) return r->op->error.code;
  r->at = r->any ? rl_sql_skip_blank(r->text) : r->at;
  if (r->begun && !r->ended)
    return refuse(r, "its BEGIN has no COMMIT: both may be left out, a migration is a transaction");
  return r->any ? RL_OK : refuse(r, "it holds no statement");
}

/* ---- foreign keys ------------------------------------------------------------------------------------------------------------ */

/* Rows that had lost their parents before are not this migration's. */
static int note_orphans(run *r) {
  static const char note[] =
      "CREATE TEMP TABLE rille_orphans AS SELECT \"table\" AS child, rowid AS id, parent FROM pragma_foreign_key_check";
  rl_sql_error ignored;
  rl_connection *c = connection_of(r);
  c->has_temporary = true;
  if (rl_connection_run(c, note, &ignored) == 0) return RL_OK; /* fails where the schema is broken already */
  return rl_connection_run(c, "CREATE TEMP TABLE rille_orphans(child, id, parent)", &r->op->error);
}

static void describe_orphan(run *r, sqlite3_stmt *stmt) {
  rl_sql_refused(&r->op->error, RL_ESQL,
                 "FOREIGN KEY constraint failed: rows of %s are left without their row in %s, such as rowid %s",
                 (const char *)sqlite3_column_text(stmt, 0), (const char *)sqlite3_column_text(stmt, 1),
                 sqlite3_column_type(stmt, 2) ? (const char *)sqlite3_column_text(stmt, 2) : "?");
  rl_sqlite_set_extended(&r->op->error, SQLITE_CONSTRAINT_FOREIGNKEY);
}

static int find_orphans(run *r) {
  static const char find[] =
      "SELECT child, parent, min(id) FROM (SELECT \"table\" AS child, rowid AS id, parent FROM "
      "pragma_foreign_key_check "
      "EXCEPT SELECT child, id, parent FROM temp.rille_orphans) GROUP BY child, parent";
  sqlite3_stmt *stmt = NULL;
  sqlite3 *db = connection_of(r)->db;
  int result = sqlite3_prepare_v2(db, find, -1, &stmt, NULL);
  if (result == SQLITE_OK) result = sqlite3_step(stmt);
  if (result == SQLITE_ROW) describe_orphan(r, stmt);
  else if (result != SQLITE_DONE) rl_sqlite_failed(&r->op->error, db, result);
  sqlite3_finalize(stmt);
  return result == SQLITE_DONE ? RL_OK : r->op->error.code;
}

/* ---- one migration ------------------------------------------------------------------------------------------------------------ */

static int run_own(run *r, const char *sql, const rl_value *values, int count) {
  rl_op_statement statement = {.sql = rl_slice_str(sql), .params = {.values = values, .count = count}};
  int code = rl_run_statement(connection_of(r), &statement, r->op);
  r->op->failed = RL_SLICE_NONE;
  return code;
}

static bool is_applied(run *r) {
  rl_value name = {.type = RL_VALUE_TEXT, .bytes = r->migration->name};
  rl_op_clear(r->op);
  return run_own(r, "SELECT 1 FROM rille_migrations WHERE name = ?", &name, 1) == 0 && r->op->rows.count > 0;
}

static int note_applied(run *r) {
  rl_value values[2] = {{.type = RL_VALUE_TEXT, .bytes = r->migration->name}, r->migration->params.values[0]};
  return run_own(r, "INSERT INTO rille_migrations(name, checksum, applied_at) VALUES (?, ?, unixepoch())", values, 2);
}

static int check_and_note(run *r) {
  int code = r->unenforced ? find_orphans(r) : find_rebuilt(r);
  return code ? code : note_applied(r);
}

/* Inside a transaction, which it ends. */
static int run_whole(run *r) {
  rl_connection *c = connection_of(r);
  c->authorizer.trusted = true;
  int code = r->unenforced ? note_orphans(r) : RL_OK;
  c->authorizer.trusted = false;
  if (!code) code = run_text(r);
  c->authorizer.trusted = true;
  if (!code) code = check_and_note(r);
  c->authorizer.trusted = false;
  if (!code) code = rl_writer_commit(r->writer, &r->op->error);
  rl_writer_roll_back(r->writer);
  return code;
}

static int configure(run *r, int what, int value) {
  int was = 0;
  sqlite3_db_config(connection_of(r)->db, what, -1, &was);
  sqlite3_db_config(connection_of(r)->db, what, value < 0 ? was : value, NULL);
  return was;
}

/* Applies one migration. *applied grows if it was this call that did it. */
static int apply(rl_writer *w, rl_op *op, const rl_op_statement *migration, int64_t *applied) {
  run r = {.writer = w, .op = op, .migration = migration, .text = migration->sql};
  r.unenforced = begins_unenforced(r.text);
  int keys = configure(&r, SQLITE_DBCONFIG_ENABLE_FKEY, r.unenforced ? 0 : -1);
  r.enforced = keys && !r.unenforced;
  int legacy = configure(&r, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, -1);
  int code = rl_writer_lock_again(w, op);
  bool done = !code && is_applied(&r); /* another process was quicker */
  if (done) rl_writer_roll_back(w);
  else if (!code) code = run_whole(&r);
  configure(&r, SQLITE_DBCONFIG_ENABLE_FKEY, keys);
  configure(&r, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, legacy);
  *applied += !code && !done;
  op->in_migration = code != 0;
  return code;
}

/* ---- all of them -------------------------------------------------------------------------------------------------------------- */

static int run_sql(rl_writer *w, rl_op *op, const char *sql) {
  return rl_connection_run(&w->connection, sql, &op->error);
}

/* The table of one that was made before there were checksums gets them. */
static int prepare_table(rl_writer *w, rl_op *op) {
  static const char table[] =
      "CREATE TABLE IF NOT EXISTS rille_migrations(name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL, checksum TEXT) "
      "WITHOUT ROWID";
  int code = run_sql(w, op, table);
  if (code) return code;
  bool has = sqlite3_table_column_metadata(w->connection.db, "main", "rille_migrations", "checksum", NULL, NULL, NULL,
                                           NULL, NULL) == SQLITE_OK;
  return has ? RL_OK : run_sql(w, op, "ALTER TABLE rille_migrations ADD COLUMN checksum TEXT");
}

static int adopt(rl_writer *w, rl_op *op, const rl_op_statement *migration) {
  rl_value values[2] = {migration->params.values[0], {.type = RL_VALUE_TEXT, .bytes = migration->name}};
  rl_op_statement update = {
      .sql = RL_SLICE("UPDATE rille_migrations SET checksum = ? WHERE name = ? AND checksum IS NULL"),
      .params = {.values = values, .count = 2}};
  return rl_run_statement(&w->connection, &update, op);
}

/* Returns true if one of the migrations has not run yet. */
static bool has_pending(rl_writer *w, rl_op *op) {
  for (int i = 0; i < op->count; i++) {
    run r = {.writer = w, .op = op, .migration = &op->statements[i]};
    if (!is_applied(&r)) return true;
  }
  return false;
}

/* Returns true if there is anything besides our own table. */
static bool holds_something(rl_writer *w, rl_op *op) {
  run r = {.writer = w, .op = op};
  rl_op_clear(op);
  return run_own(&r, "SELECT 1 FROM sqlite_schema WHERE tbl_name <> 'rille_migrations' LIMIT 1", NULL, 0) == 0 &&
         op->rows.count > 0;
}

/* Copies the database as it was before the transaction that is open, which keeps others from changing it. In memory there are
 * no others. */
static int copy(rl_writer *w, rl_op *op, rl_slice path) {
  const char *own = sqlite3_db_filename(w->connection.db, "main");
  if (own && *own) return rl_copy_aside(&w->connection, path, &op->error);
  rl_writer_roll_back(w);
  int code = rl_copy_into(&w->connection, path, &op->error);
  if (!code) code = rl_writer_lock_again(w, op);
  return code ? code : prepare_table(w, op);
}

static rl_slice copy_path(const rl_op *op) {
  bool wanted = op->count && op->statements[0].params.count > 1;
  return wanted ? op->statements[0].params.values[1].bytes : RL_SLICE_NONE;
}

/* Makes the copy that was asked for, if there is something to copy and something to run. *copied: it did. */
static int copy_before(rl_writer *w, rl_op *op, bool *copied) {
  rl_slice path = copy_path(op);
  *copied = path.data && has_pending(w, op) && holds_something(w, op);
  rl_op_clear(op);
  return *copied ? copy(w, op, path) : RL_OK;
}

/* Inside of one transaction: what must be so before any of them runs. */
static int prepare(rl_writer *w, rl_op *op, bool *copied) {
  int code = prepare_table(w, op);
  for (int i = 0; i < op->count && !code; i++) code = adopt(w, op, &op->statements[i]);
  return code ? code : copy_before(w, op, copied);
}

int rl_migrate_run(rl_writer *w, rl_op *op) {
  bool copied = false;
  int64_t applied = 0;
  int code = rl_writer_lock(w, op);
  if (code) return code;
  w->connection.authorizer.circumstance = RL_RUNS_IN_MIGRATION;
  code = prepare(w, op, &copied);
  if (!code) code = rl_writer_commit(w, &op->error);
  rl_writer_roll_back(w);
  for (int i = 0; i < op->count && !code; i++) {
    op->at = i;
    code = apply(w, op, &op->statements[i], &applied);
  }
  rl_rows_free(&op->rows);
  op->changes = applied;
  op->last_id = copied;
  return code;
}
