/* A worker's own view of a store; see database.h. */
#include "data/database.h"

#include "base/error.h"
#include "base/limits.h"

enum { SLOW_RUNS = 1000 }; /* a slow statement is tried inline again after so many */

int rl_database_open(rl_database *d, rl_loop *loop, const char *path, const rl_store_options *options,
                     rl_sql_error *error) {
  *d = (rl_database){.loop = loop};
  d->busy_timeout_ms = options->busy_timeout_ms >= 0 ? options->busy_timeout_ms : RL_STORE_BUSY_TIMEOUT_MS;
  d->store = rl_store_open(path, options, error);
  if (!d->store) return error->code;
  if (rl_store_is_memory(d->store)) return RL_OK;
  d->read_only = options->read_only;
  int code = rl_connection_open(&d->reader, path, SQLITE_OPEN_READONLY, error);
  if (code) {
    rl_store_close(d->store);
    d->store = NULL;
    return code;
  }
  if (d->read_only) d->reader.circumstance = RL_RUNS_READING_ONLY;
  return RL_OK;
}

static void close_all(rl_database *d) {
  if (d->reader.db) rl_connection_close(&d->reader);
  rl_store_close(d->store);
}

void rl_database_close(rl_database *d) {
  if (d->closed || !d->store) return;
  d->closed = true;
  if (d->running) return;
  close_all(d);
}

static rl_sql_route refused(rl_sql_error *error, rl_statement *s, rl_connection *c, const char *why) {
  rl_statement_end(c, s);
  rl_sql_refused(error, RL_EINVALID, "%s", why);
  return RL_ROUTE_REFUSED;
}

rl_sql_route rl_database_place(rl_database *d, rl_slice sql, bool one, rl_statement **statement, rl_sql_error *error) {
  *statement = NULL;
  if (!d->reader.db) return RL_ROUTE_WRITE;
  rl_statement *s = rl_statement_get(&d->reader, sql, error);
  if (!s) return error->code == RL_EAGAIN ? RL_ROUTE_WRITE : RL_ROUTE_REFUSED;
  if (s->has_tail && one)
    return refused(error, s, &d->reader, "several statements: only db:exec runs them, without parameters");
  if (!s->readonly || s->has_tail) {
    rl_statement_end(&d->reader, s);
    return RL_ROUTE_WRITE;
  }
  *statement = s;
  if (!s->slow_runs) return RL_ROUTE_INLINE;
  s->slow_runs--;
  d->slow_runs++;
  return RL_ROUTE_READ;
}

uint64_t rl_database_running(rl_database *d) {
  uint64_t before = d->reader.deadline_ns;
  d->inline_runs++;
  d->running++;
  rl_connection_budget(&d->reader, uv_hrtime() + RL_LIMIT_SQL_INLINE_US * 1000u);
  return before;
}

/* The handler does not fire inside count(*) or blob functions: a run that took too long is slow whether or not it did. */
void rl_database_ran(rl_database *d, rl_statement *s, bool too_slow, uint64_t budget_before) {
  if (too_slow || uv_hrtime() > d->reader.deadline_ns) s->slow_runs = SLOW_RUNS;
  rl_connection_budget(&d->reader, budget_before);
  rl_statement_end(&d->reader, s);
  if (--d->running == 0 && d->closed) close_all(d);
}

void rl_database_send(rl_database *d, rl_op *op, bool read) {
  op->loop = d->loop;
  op->patience_ns = (uint64_t)d->busy_timeout_ms * 1000000u;
  if (read) rl_store_read(d->store, op);
  else if (d->read_only) rl_store_refuse(op);
  else rl_store_write(d->store, op);
}
