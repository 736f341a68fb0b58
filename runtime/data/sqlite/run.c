/* Running statements for an operation; see run.h. */
#include "data/sqlite/run.h"

#include <string.h>

#include "base/error.h"
#include "data/sqlite/copy.h"
#include "data/sqlite/sql.h"

static int out_of_memory(rl_op *op) { return rl_sql_refused(&op->error, RL_ENOMEM, "out of memory"); }

static bool wants_json(const rl_op *op) { return op->answer == RL_ANSWER_JSON || op->answer == RL_ANSWER_JSON_ROW; }
static bool wants_one(const rl_op *op) { return op->answer == RL_ANSWER_ROW || op->answer == RL_ANSWER_JSON_ROW; }

int rl_run_pack_row(rl_statement *s, rl_op *op) {
  rl_rows *rows = &op->rows;
  if (rows->columns == 0 && rl_statement_pack_names(s, rows)) return out_of_memory(op);
  return rl_statement_pack_row(s, rows) ? out_of_memory(op) : RL_OK;
}

/* Of JSON the names are its keys. */
static int write_row(rl_statement *s, rl_op *op) {
  rl_rows *rows = &op->rows;
  int code = rows->columns == 0 ? rl_statement_json_keys(s, rows, &op->error) : RL_OK;
  if (!code && op->answer == RL_ANSWER_JSON && rl_buf_add_char(&rows->data, rows->count ? ',' : '['))
    code = out_of_memory(op);
  return code ? code : rl_statement_json_row(s, rows, &op->error);
}

int rl_run_rows(rl_connection *c, rl_statement *s, rl_op *op) {
  int code;
  while ((code = rl_statement_step(c, s, &op->error)) == 1) {
    if (wants_one(op) && op->rows.count) continue; /* a write goes on to its end */
    code = wants_json(op) ? write_row(s, op) : rl_run_pack_row(s, op);
    if (code) return code;
    if (wants_one(op) && s->readonly) return RL_OK;
  }
  if (!code && op->answer == RL_ANSWER_JSON && rl_buf_add_str(&op->rows.data, op->rows.count ? "]" : "[]"))
    return out_of_memory(op);
  return code;
}

int rl_run_failed(rl_op *op, rl_slice sql) {
  op->failed = sql;
  return op->error.code;
}

void rl_run_started(rl_connection *c, const rl_op *op) {
  c->cancelled = &op->cancelled;
  c->reads = op->kind == RL_OP_RUN || op->kind == RL_OP_BACKUP;
}

int rl_run_ended(rl_connection *c, rl_op *op, int code) {
  bool closed = c->reads && c->closing && atomic_load(c->closing);
  c->cancelled = NULL;
  c->reads = false;
  if (code != RL_ETIMEOUT) return code;
  if (atomic_load(&op->cancelled)) return op->error.code = RL_ECANCELLED;
  return closed ? rl_sql_refused(&op->error, RL_ECLOSED, "the database was closed") : code;
}

int rl_run_statement(rl_connection *c, const rl_op_statement *statement, rl_op *op) {
  rl_statement *s = rl_statement_get(c, statement->sql, &op->error);
  if (!s) return rl_run_failed(op, statement->sql);
  int code = RL_OK;
  if (s->has_tail)
    code = rl_sql_refused(&op->error, RL_EINVALID, "several statements: only db:exec runs them, without parameters");
  if (!code) code = rl_statement_bind(c, s, &statement->params, &op->error);
  int64_t before = sqlite3_total_changes64(c->db);
  if (s->readonly) rl_run_started(c, op);
  if (!code) code = rl_run_rows(c, s, op);
  code = rl_run_ended(c, op, code);
  if (!code) {
    op->changes += sqlite3_total_changes64(c->db) > before ? sqlite3_changes64(c->db) : 0;
    op->last_id = sqlite3_last_insert_rowid(c->db);
  }
  rl_statement_end(c, s);
  if (code == RL_EBUSY) rl_sqlite_add_wait(&op->error, c->db, op->queued_ns);
  return code ? rl_run_failed(op, statement->sql) : RL_OK;
}

int rl_run_piece(rl_connection *c, rl_slice sql, rl_slice *rest, rl_op *op) {
  sqlite3_stmt *stmt = NULL;
  int code = rl_statement_prepare(c, sql, &stmt, rest, &op->error), result;
  if (code || !stmt) return code;
  rl_needs needs = c->authorizer.needs;
  if (needs.temporary && c->authorizer.circumstance == RL_RUNS_FIRST && !rl_sql_skip_blank(*rest).len) {
    sqlite3_finalize(stmt);
    c->authorizer.circumstance = RL_RUNS_SINGLE; /* asks again, and is told why not */
    return rl_statement_prepare(c, sql, &stmt, rest, &op->error);
  }
  int64_t before = sqlite3_total_changes64(c->db);
  while ((result = sqlite3_step(stmt)) == SQLITE_ROW) continue;
  if (result != SQLITE_DONE) rl_connection_failed(c, result, &op->error);
  else op->changes += sqlite3_total_changes64(c->db) > before ? sqlite3_changes64(c->db) : 0;
  sqlite3_finalize(stmt);
  rl_connection_note(c, &needs);
  return result == SQLITE_DONE ? RL_OK : op->error.code;
}

/* Runs all statements of a text, one after another; keeps none prepared. Returns 0 or a code. */
static int run_script(rl_connection *c, rl_slice sql, rl_op *op) {
  rl_sql_pragma pragma;
  if (memchr(sql.data, 0, sql.len)) return rl_sql_refused(&op->error, RL_ESQL, "the statements hold a NUL byte");
  if (c->authorizer.circumstance == RL_RUNS_FIRST && rl_sql_read_pragma(sql, &pragma) &&
      !rl_sql_skip_blank(pragma.rest).len)
    c->authorizer.circumstance = RL_RUNS_SINGLE; /* it would act while it is prepared */
  for (rl_slice at = rl_sql_skip_blank(sql), rest; at.len; at = rl_sql_skip_blank(rest)) {
    if (rl_run_piece(c, at, &rest, op)) return rl_run_failed(op, rl_sql_first_statement(at));
    if (c->authorizer.circumstance == RL_RUNS_FIRST) c->authorizer.circumstance = RL_RUNS_LATER;
  }
  op->last_id = sqlite3_last_insert_rowid(c->db);
  return RL_OK;
}

int rl_run_read(rl_connection *c, rl_op *op) {
  if (op->kind != RL_OP_BACKUP) return rl_run_statement(c, &op->statements[0], op);
  rl_run_started(c, op);
  return rl_run_ended(c, op, rl_copy_into(c, op->statements[0].sql, &op->error));
}

int rl_run_op(rl_connection *c, rl_op *op) {
  int code = RL_OK;
  bool single = op->kind != RL_OP_SCRIPT && op->count < 2;
  rl_op_clear(op);
  c->authorizer.circumstance = op->transaction ? RL_RUNS_IN_TRANSACTION : single ? RL_RUNS_SINGLE : RL_RUNS_FIRST;
  if (op->kind == RL_OP_SCRIPT) return run_script(c, op->statements[0].sql, op);
  for (int i = 0; i < op->count && !code; i++) {
    if (i > 0) rl_rows_free(&op->rows);
    op->at = i;
    code = rl_run_statement(c, &op->statements[i], op);
    if (c->authorizer.circumstance == RL_RUNS_FIRST) c->authorizer.circumstance = RL_RUNS_LATER;
  }
  return code;
}
