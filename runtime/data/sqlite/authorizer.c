/* Asked by SQLite; see authorizer.h. */
#include "data/sqlite/authorizer.h"

#include <string.h>

#include "base/error.h"

static int check_function(const char *function, rl_circumstance c, rl_sql_error *error) {
  if (c == RL_RUNS_READING) return RL_EAGAIN;
  if (c == RL_RUNS_LATER || c == RL_RUNS_IN_TRANSACTION || c == RL_RUNS_IN_MIGRATION) return RL_OK;
  const char *field = *function == 'l' ? "last_id (or write INSERT … RETURNING)" : "changes";
  return rl_sql_refused(error, RL_EINVALID,
                        "%s() asks for the last write of a connection that all share: take %s from what db:exec "
                        "returns, or ask inside a transaction",
                        function, field);
}

static int check_temporary(rl_circumstance c, rl_sql_error *error) {
  if (c == RL_RUNS_READING) return RL_EAGAIN;
  if (c != RL_RUNS_READING_ONLY && c != RL_RUNS_SINGLE && c != RL_RUNS_ALONE) return RL_OK;
  return rl_sql_refused(
      error, RL_EINVALID,
      "what is TEMP lasts until the end of a transaction, and is seen in there alone: make it and use it "
      "inside db:transaction");
}

static int refuse_connection_pragma(const char *name, rl_circumstance c, rl_sql_error *error) {
  if (c == RL_RUNS_READING_ONLY)
    return rl_sql_refused(error, RL_EINVALID, "PRAGMA %s: the database is open read-only", name);
  return rl_sql_refused(
      error, RL_EINVALID, "PRAGMA %s cannot be set inside a %s: it runs by itself, with db:exec", name,
      c == RL_RUNS_IN_MIGRATION ? "migration, which is a transaction" : "transaction, script or batch");
}

static int check_pragma(const rl_needs *n, rl_circumstance c, rl_sql_error *error) {
  const char *name = n->pragma->name;
  switch (n->kind) {
    case RL_PRAGMA_ASKS: return RL_OK;
    case RL_PRAGMA_STORED:
      if (c == RL_RUNS_READING_ONLY) return refuse_connection_pragma(name, c, error);
      return c == RL_RUNS_READING ? RL_EAGAIN : RL_OK;
    case RL_PRAGMA_CONNECTION:
      if (c == RL_RUNS_READING) return RL_EAGAIN;
      if (c == RL_RUNS_ALONE || n->asks) return RL_OK;
      if (c == RL_RUNS_IN_MIGRATION && strcmp(name, "legacy_alter_table") == 0) return RL_OK;
      return refuse_connection_pragma(name, c, error);
    case RL_PRAGMA_INSIDE:
      if (c == RL_RUNS_READING) return RL_EAGAIN;
      if (c != RL_RUNS_READING_ONLY && c != RL_RUNS_SINGLE && c != RL_RUNS_ALONE) return RL_OK;
      return rl_sql_refused(error, RL_EINVALID, "PRAGMA %s holds until the end of a transaction: set it inside one",
                            name);
    case RL_PRAGMA_REFUSED: break;
  }
  return rl_sql_refused(error, RL_EINVALID, "PRAGMA %s: %s", name, n->pragma->why);
}

/* 0: it may; RL_EAGAIN: not here, but the writer may know better; RL_EINVALID with `error`. */
static int check_needs(const rl_needs *n, rl_circumstance c, rl_sql_error *error) {
  int code = n->function ? check_function(n->function, c, error) : RL_OK;
  if (!code && n->temporary) code = check_temporary(c, error);
  if (!code && n->pragma) code = check_pragma(n, c, error);
  if (code == RL_EAGAIN) error->code = code;
  return code;
}

/* Refused once the statement is prepared: SQLite has an error of its own for a function that is denied. */
static void note_function(rl_authorizer *a, const char *name, const char *within) {
  static const char *const names[] = {"last_insert_rowid", "changes", "total_changes"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (sqlite3_stricmp(name, names[i]) != 0) continue;
    if (within) a->function_within = names[i]; /* a trigger may: it runs beside the write that it asks about */
    else a->needs.function = names[i];
  }
}

static int note_pragma(rl_authorizer *a, const char *name, const char *value) {
  rl_needs *needs = &a->needs;
  const rl_pragma *pragma = rl_pragma_find(rl_slice_str(name));
  if (!pragma) return rl_sql_refused(&a->denial, RL_EINVALID, "there is no PRAGMA %s", name);
  *needs = (rl_needs){.pragma = pragma, .kind = rl_pragma_kind_of(pragma, value), .asks = !value};
  return RL_OK;
}

/* SELECT … FROM pragma_name asks as PRAGMA name does. SQLite prepares that one only when the rows are read. */
static void note_pragma_table(rl_authorizer *a, const char *table) {
  static const char prefix[] = "pragma_";
  if (!table || sqlite3_strnicmp(table, prefix, sizeof prefix - 1) != 0) return;
  const rl_pragma *pragma = rl_pragma_find(rl_slice_str(table + sizeof prefix - 1));
  if (!pragma || a->needs.pragma) return;
  a->needs.pragma = pragma;
  a->needs.kind = rl_pragma_kind_of(pragma, NULL);
  a->needs.asks = true;
}

static void note_dropped(const rl_authorizer *a, const char *table) {
  if (!a->dropped) return;
  rl_buf_clear(a->dropped);
  rl_buf_add_str(a->dropped, table);
}

static int authorize(void *ud, int action, const char *first, const char *second, const char *schema,
                     const char *within) {
  rl_authorizer *a = ud;
  int code = RL_OK;
  if (a->trusted) return SQLITE_OK;
  switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_ATTACH:
    case SQLITE_DETACH: return SQLITE_DENY;
    case SQLITE_FUNCTION: note_function(a, second, within); return SQLITE_OK;
    case SQLITE_PRAGMA: code = note_pragma(a, first, second); break;
    case SQLITE_READ: note_pragma_table(a, first); return SQLITE_OK;
    case SQLITE_DROP_TABLE: note_dropped(a, first); return SQLITE_OK;
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_VIEW: a->needs.temporary = true; break;
    case SQLITE_CREATE_TABLE: /* temp.name */
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_VTABLE:
      if (!schema || sqlite3_stricmp(schema, "temp") != 0) return SQLITE_OK;
      a->needs.temporary = true;
      break;
    default: return SQLITE_OK;
  }
  if (!code) code = check_needs(&a->needs, a->circumstance, &a->denial);
  return code ? SQLITE_DENY : SQLITE_OK;
}

void rl_authorizer_watch(rl_authorizer *a, sqlite3 *db) { sqlite3_set_authorizer(db, authorize, a); }

void rl_authorizer_reset(rl_authorizer *a) {
  a->needs = (rl_needs){0};
  a->function_within = NULL;
  a->denial.code = 0;
}

int rl_authorizer_accept(rl_authorizer *a, sqlite3_stmt *stmt, rl_sql_error *error) {
  if (a->trusted) return RL_OK;
  if (a->function_within && sqlite3_stmt_readonly(stmt)) /* no trigger runs: it is a view's or a CTE's */
    a->needs.function = a->function_within;
  return check_needs(&a->needs, a->circumstance, error);
}

int rl_authorizer_check(const rl_authorizer *a, const rl_needs *needs, rl_sql_error *error) {
  return check_needs(needs, a->circumstance, error);
}

int rl_authorizer_explain(const rl_authorizer *a, rl_sql_error *error) {
  if (a->denial.code) *error = a->denial;
  else
    rl_sql_refused(error, RL_ESQL, "%s",
                   a->circumstance == RL_RUNS_IN_MIGRATION
                       ? "a migration runs in a transaction of its own: BEGIN and COMMIT may stand around all of it, "
                         "SAVEPOINT, ROLLBACK "
                         "and ATTACH nowhere"
                       : "BEGIN, COMMIT, SAVEPOINT and ATTACH are not for statements: db:transaction and db:begin open "
                         "transactions");
  return error->code;
}
