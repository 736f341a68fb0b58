/* A worker's own view of a store, as an engine; see sqlite.h. */
#include "data/sqlite/sqlite.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "data/sqlite/statement.h"

enum { PENALTY_FIRST = 16, PENALTY_GROWTH = 4, PENALTY_MOST = 1024 };

static rl_sqlite *of(rl_database *database) { return (rl_sqlite *)database; }

/* ---- inline reads ---------------------------------------------------------------------------------------------------------- */

static rl_sql_route refused(rl_sqlite *d, rl_statement *s, rl_sql_error *error) {
  rl_statement_end(&d->reader, s);
  rl_sql_refused(error, RL_EINVALID, "several statements: only db:exec runs them, without parameters");
  return RL_ROUTE_REFUSED;
}

static bool is_slow(rl_sqlite *d, rl_statement *s) {
  if (!s->elsewhere) return false;
  s->elsewhere--;
  d->slow_runs++;
  return true;
}

/* A statement that is too slow runs elsewhere, each time for longer. So one whose cost depends on its parameters costs the loop
 * little, and one that has become quick (an index was made) comes back. */
static void learn(rl_statement *s, rl_cost cost) {
  s->exact = cost != RL_COST_WITHIN;
  if (cost == RL_COST_WITHIN && s->penalty) s->penalty--;
  if (cost != RL_COST_OVER) return;
  s->penalty = s->penalty ? s->penalty * PENALTY_GROWTH : PENALTY_FIRST;
  if (s->penalty > PENALTY_MOST) s->penalty = PENALTY_MOST;
  s->elsewhere = s->penalty;
}

static rl_sql_route place(rl_database *database, rl_slice sql, bool one, size_t size, rl_cursor *cursor,
                          rl_sql_error *error) {
  rl_sqlite *d = of(database);
  if (!d->reader.db) return RL_ROUTE_WRITE;
  bool current = d->running || rl_snapshot_renew(&d->snapshot);
  rl_statement *s = rl_statement_get(&d->reader, sql, error);
  if (!s) return error->code == RL_EAGAIN ? RL_ROUTE_WRITE : RL_ROUTE_REFUSED;
  if (s->has_tail && one) return refused(d, s, error);
  bool reads = s->readonly && !s->has_tail;
  if (reads && current && !is_slow(d, s) && size <= RL_LIMIT_SQL_INLINE_SIZE) {
    *cursor = (rl_cursor){.statement = s};
    return RL_ROUTE_INLINE;
  }
  rl_statement_end(&d->reader, s);
  return reads ? RL_ROUTE_READ : RL_ROUTE_WRITE;
}

static void enter_snapshot(rl_sqlite *d, const rl_statement *s) {
  if (d->running) return;
  if (s->needs.pragma) rl_snapshot_end(&d->snapshot);
  else rl_snapshot_enter(&d->snapshot);
}

static int start(rl_database *database, rl_cursor *cursor, const rl_sql_params *params, rl_sql_error *error) {
  rl_sqlite *d = of(database);
  rl_statement *s = cursor->statement;
  enter_snapshot(d, s);
  s->outer = d->reader.budget;
  d->reader.budget = &s->budget;
  d->inline_runs++;
  d->running++;
  rl_budget_start(&s->budget, RL_LIMIT_SQL_INLINE_US * 1000u, s->exact);
  return rl_statement_bind(&d->reader, s, params, error);
}

static int step(rl_database *database, rl_cursor *cursor, rl_sql_error *error) {
  rl_statement *s = cursor->statement;
  int code = rl_statement_step(&of(database)->reader, s, error);
  if (code != 1) return code;
  cursor->row = rl_statement_row(s, &cursor->columns);
  return cursor->row ? 1 : rl_sql_refused(error, RL_ENOMEM, "out of memory");
}

/* SQLite prepares a statement again where the schema has changed. */
static uint64_t columns_id(rl_database *database, const rl_cursor *cursor) {
  rl_statement *s = cursor->statement;
  int prepared = sqlite3_stmt_status(s->stmt, SQLITE_STMTSTATUS_REPREPARE, 0);
  if (!s->columns_id || s->prepared != prepared) s->columns_id = ++of(database)->last_columns_id;
  s->prepared = prepared;
  return s->columns_id;
}

static const char *column(rl_database *database, const rl_cursor *cursor, int i) {
  (void)database;
  return sqlite3_column_name(((rl_statement *)cursor->statement)->stmt, i);
}

static void free_all(rl_sqlite *d) {
  if (d->reader.db) {
    rl_snapshot_free(&d->snapshot);
    rl_connection_close(&d->reader);
  }
  if (d->line) rl_store_leave(d->store, d->line);
  rl_store_close(d->store);
  rl_free(d);
}

static void finish(rl_database *database, rl_cursor *cursor, bool too_slow) {
  rl_sqlite *d = of(database);
  rl_statement *s = cursor->statement;
  learn(s, too_slow ? RL_COST_OVER : rl_budget_end(&s->budget));
  d->reader.budget = s->outer;
  rl_statement_end(&d->reader, s);
  if (--d->running == 0 && d->closed) free_all(d);
}

/* ---- operations ------------------------------------------------------------------------------------------------------------ */

static void submit(rl_database *database, rl_op *op, bool read) {
  rl_sqlite *d = of(database);
  if (read) rl_store_read(d->store, d->line, op);
  else rl_store_write(d->store, d->line, op);
}

static rl_row_stream *stream(rl_database *database, rl_op *request) {
  return rl_store_stream(of(database)->store, request);
}

static void close_stream(rl_database *database, rl_row_stream *stream) {
  rl_store_close_stream(of(database)->store, stream);
}

static void begin(rl_database *database, rl_op *op) {
  op->transaction = rl_store_new_transaction(of(database)->store);
  submit(database, op, false);
}

static void end(rl_database *database, rl_op *op) { submit(database, op, false); }

static rl_holder holder(rl_database *database) { return rl_store_holder(of(database)->store); }

static int stats(rl_database *database, rl_database_stat out[RL_DATABASE_STATS]) {
  const rl_sqlite *d = of(database);
  rl_store_stats s = rl_store_get_stats(d->store);
  const rl_database_stat all[] = {{"writes", s.writes},
                                  {"groups", s.groups},
                                  {"thread_reads", s.reads},
                                  {"checkpoints", s.checkpoints},
                                  {"inline_reads", d->inline_runs},
                                  {"slow_reads", d->slow_runs}};
  memcpy(out, all, sizeof all);
  return (int)(sizeof all / sizeof *all);
}

static const char *label(rl_database *database) { return rl_store_path(of(database)->store); }

/* ---- opening and closing ----------------------------------------------------------------------------------------------------- */

static void close_handle(rl_database *database) {
  rl_sqlite *d = of(database);
  d->closed = true;
  if (!d->running) free_all(d);
}

static const rl_database_ops ops = {.name = "sqlite",
                                    .place = place,
                                    .start = start,
                                    .step = step,
                                    .column = column,
                                    .columns_id = columns_id,
                                    .finish = finish,
                                    .submit = submit,
                                    .stream = stream,
                                    .close_stream = close_stream,
                                    .begin = begin,
                                    .end = end,
                                    .holder = holder,
                                    .stats = stats,
                                    .label = label,
                                    .close = close_handle};

static int open_reader(rl_sqlite *d, const char *path, rl_sql_error *error) {
  if (rl_store_is_memory(d->store)) return RL_OK;
  int code = rl_connection_open(&d->reader, path, SQLITE_OPEN_READONLY, error);
  if (code) return code;
  if (d->database.read_only) d->reader.authorizer.circumstance = RL_RUNS_READING_ONLY;
  rl_snapshot_init(&d->snapshot, &d->reader, d->database.loop);
  return RL_OK;
}

rl_database *rl_sqlite_open(rl_loop *loop, const char *path, const rl_store_options *o, rl_sql_error *error) {
  int timeout_ms = o->busy_timeout_ms >= 0 ? o->busy_timeout_ms : RL_STORE_BUSY_TIMEOUT_MS;
  int idle_ms = o->idle_timeout_ms >= 0 ? o->idle_timeout_ms : RL_STORE_IDLE_TIMEOUT_MS;
  rl_sqlite *d = rl_calloc(1, sizeof *d);
  if (!d) {
    rl_sql_refused(error, RL_ENOMEM, "out of memory");
    return NULL;
  }
  d->store = rl_store_open(path, o, error);
  if (!d->store) {
    rl_free(d);
    return NULL;
  }
  d->database = (rl_database){.ops = &ops,
                              .loop = loop,
                              .read_only = o->read_only && !rl_store_is_memory(d->store),
                              .patience_ns = (uint64_t)timeout_ms * 1000000u,
                              .idle_ms = (uint64_t)idle_ms,
                              .exclusive = d->store};
  d->line = rl_store_join(d->store, loop);
  if (!d->line) rl_sql_refused(error, RL_ENOMEM, "out of memory");
  else if (open_reader(d, path, error) == 0) return &d->database;
  free_all(d);
  return NULL;
}

bool rl_sqlite_is_memory(const rl_database *database) {
  return rl_store_is_memory(((const rl_sqlite *)database)->store);
}
