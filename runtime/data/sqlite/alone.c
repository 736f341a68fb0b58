/* Outside of transactions; see alone.h. */
#include "data/sqlite/alone.h"

#include <string.h>

#include "base/error.h"
#include "data/sqlite/copy.h"
#include "data/sqlite/run.h"
#include "data/sqlite/sql.h"
#include "data/sqlite/statement.h"

/* VACUUM attaches a database of its own while it runs. */
int rl_alone_run(rl_writer *w, rl_op *op) {
  rl_slice sql = op->statements[0].sql;
  bool vacuum = rl_slice_eq_nocase(rl_sql_word(sql), RL_SLICE("VACUUM"));
  w->connection.authorizer.circumstance = RL_RUNS_ALONE;
  rl_writer_be_patient(w, NULL, op->queued_ns, op->patience_ns);
  rl_statement *s = rl_statement_get(&w->connection, sql, &op->error);
  if (!s) return rl_run_failed(op, sql);
  int code = s->has_tail
                 ? rl_sql_refused(&op->error, RL_EINVALID, "PRAGMA and VACUUM run alone, not among other statements")
                 : rl_statement_bind(&w->connection, s, &op->statements[0].params, &op->error);
  if (!code) {
    rl_op_clear(op);
    w->connection.authorizer.trusted = vacuum;
    code = rl_run_rows(&w->connection, s, op);
    w->connection.authorizer.trusted = false;
  }
  if (code) rl_writer_note_sync(w, op->error.extended);
  rl_writer_lock_ended(w, op, code);
  rl_statement_end(&w->connection, s);
  return code ? rl_run_failed(op, sql) : RL_OK;
}

int rl_alone_back_up(rl_writer *w, rl_op *op) {
  rl_writer_be_patient(w, NULL, op->queued_ns, op->patience_ns);
  int code = rl_copy_into(&w->connection, op->statements[0].sql, &op->error);
  rl_writer_lock_ended(w, op, code);
  return code;
}

int rl_alone_copy_out(rl_writer *w, rl_op *op) {
  sqlite3_int64 size = 0;
  unsigned char *image = sqlite3_serialize(w->connection.db, "main", &size, 0);
  int code = image ? rl_buf_add(&op->rows.data, image, (size_t)size) : RL_ENOMEM;
  sqlite3_free(image);
  return code ? rl_sql_refused(&op->error, code, "out of memory") : RL_OK;
}

/* sqlite3_deserialize attaches the image by a statement of its own. */
int rl_alone_copy_in(rl_writer *w, rl_op *op) {
  rl_slice image = op->statements[0].sql;
  unsigned char *copy = sqlite3_malloc64(image.len ? image.len : 1);
  if (!copy) return rl_sql_refused(&op->error, RL_ENOMEM, "out of memory");
  memcpy(copy, image.data, image.len);
  w->connection.authorizer.trusted = true;
  int result = sqlite3_deserialize(w->connection.db, "main", copy, (sqlite3_int64)image.len, (sqlite3_int64)image.len,
                                   SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
  w->connection.authorizer.trusted = false;
  return result == SQLITE_OK ? RL_OK : rl_sqlite_failed(&op->error, w->connection.db, result);
}
