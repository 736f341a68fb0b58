/* Rows piece by piece; see row_stream.h. */
#include "data/sqlite/row_stream.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "data/sqlite/run.h"

/* A piece ends when it is so large, or when so much time has passed: others wait for the thread. */
enum { PIECE_SIZE = 64 * 1024 };
#define PIECE_NS UINT64_C(10000000)

rl_row_stream *rl_row_stream_new(rl_op *request, int reader) {
  rl_row_stream *s = rl_calloc(1, sizeof *s);
  rl_op *closing = rl_op_new(RL_OP_RUN, 0);
  if (!s || !closing) {
    if (closing) rl_op_del(closing);
    rl_free(s);
    return NULL;
  }
  rl_list_init(&s->node);
  s->request = request;
  s->reader = reader;
  s->closing = closing;
  closing->stream = s;
  return s;
}

/* ---- on the reader's thread ----------------------------------------------------------------------------------------- */

static void drop_connection(rl_connection *c) {
  if (c) rl_connection_close(c);
  rl_free(c);
}

void rl_row_stream_home_init(rl_row_stream_home *home, const rl_connection *beside) {
  *home = (rl_row_stream_home){.beside = beside};
  rl_list_init(&home->open);
}

void rl_row_stream_home_close(rl_row_stream_home *home) {
  drop_connection(home->spare);
  home->spare = NULL;
}

/* By the path that SQLite has found for the other one: the program may have changed its directory. */
static int open_connection(rl_row_stream *s, const rl_connection *beside, rl_sql_error *error) {
  const char *path = sqlite3_db_filename(beside->db, "main");
  rl_connection *c = rl_calloc(1, sizeof *c);
  if (!c) return rl_sql_refused(error, RL_ENOMEM, "out of memory");
  int code = rl_connection_open(c, path, SQLITE_OPEN_READONLY, error);
  if (code) {
    rl_free(c);
    return code;
  }
  c->authorizer.circumstance = beside->authorizer.circumstance;
  c->closing = beside->closing;
  s->connection = c;
  return RL_OK;
}

static int refuse(const rl_row_stream_home *home, rl_sql_error *error) {
  const rl_row_stream *oldest = RL_CONTAINER(home->open.next, rl_row_stream, node);
  return rl_sql_refused(error, RL_EBUSY, "%u loops over db:rows are under way, the oldest for %.1f s, begun at %.*s",
                        home->open_count, (double)(uv_hrtime() - oldest->since_ns) / 1e9,
                        RL_FMT(oldest->request->statements[0].name));
}

static int take_connection(rl_row_stream *s, rl_row_stream_home *home, rl_sql_error *error) {
  int code = home->open_count < RL_LIMIT_SQL_STREAMS ? RL_OK : refuse(home, error);
  if (!code && !home->spare) code = open_connection(s, home->beside, error);
  if (code) return code;
  if (!s->connection) s->connection = home->spare, home->spare = NULL;
  s->since_ns = uv_hrtime();
  rl_list_push(&home->open, &s->node);
  home->open_count++;
  return RL_OK;
}

/* Its snapshot ends, and it gives its connection back. */
static void end(rl_row_stream *s, rl_row_stream_home *home) {
  if (s->statement) rl_statement_end(s->connection, s->statement);
  if (s->connection) rl_list_remove(&s->node), home->open_count--;
  if (home->spare) drop_connection(s->connection);
  else home->spare = s->connection;
  s->statement = NULL;
  s->connection = NULL;
  s->ended = true;
}

static int begin(rl_row_stream *s, rl_row_stream_home *home, rl_op *op) {
  const rl_op_statement *asked = &s->request->statements[0];
  int code = take_connection(s, home, &op->error);
  if (code) return code;
  sqlite3_busy_timeout(s->connection->db, (int)(op->patience_ns / 1000000));
  s->statement = rl_statement_get(s->connection, asked->sql, &op->error);
  if (!s->statement) return op->error.code;
  if (s->statement->has_tail)
    return rl_sql_refused(&op->error, RL_EINVALID, "several statements: only db:exec runs them, without parameters");
  return rl_statement_bind(s->connection, s->statement, &asked->params, &op->error);
}

/* Packs rows until the piece is large enough or took long enough. Returns 1 if others may follow, 0 at the end, or a code. */
static int read_piece(rl_row_stream *s, rl_op *op) {
  uint64_t until = uv_hrtime() + PIECE_NS;
  int code = 1;
  while (code == 1 && op->rows.data.len < PIECE_SIZE && (!op->rows.count || uv_hrtime() < until)) {
    code = rl_statement_step(s->connection, s->statement, &op->error);
    if (code == 1 && rl_run_pack_row(s->statement, op)) code = op->error.code;
  }
  return code;
}

static void delete_stream(rl_row_stream *s) {
  rl_op_del(s->request);
  rl_free(s);
}

/* Notes the text at fault; it outlives the stream. */
static void fail(rl_row_stream *s, rl_op *op, int code) {
  op->error.code = code;
  rl_run_failed(op, rl_arena_copy(&op->arena, s->request->statements[0].sql));
}

static int run(rl_row_stream *s, rl_row_stream_home *home, rl_op *op) {
  int code = s->statement ? RL_OK : begin(s, home, op);
  if (code) return code;
  rl_run_started(s->connection, op);
  return rl_run_ended(s->connection, op, read_piece(s, op));
}

void rl_row_stream_run(rl_row_stream *s, rl_row_stream_home *home, rl_op *op) {
  bool closes = op == s->closing;
  int code = closes || s->ended ? 0 : run(s, home, op);
  op->more = code == 1;
  if (code < 0) fail(s, op, code);
  if (code != 1 && !s->ended) end(s, home);
  if (closes) delete_stream(s);
}
