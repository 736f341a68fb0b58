/*
 * SQLite for Lua: a database, and a transaction of it, with the same methods. A statement runs inline where it may; else it
 * becomes an operation, and the task waits for its answer.
 *
 * The methods here are the bare ones; migrations, transactions as functions and iterators are in lua/rille/sqlite.lua.
 */
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "bind/core/core.h"
#include "bind/data/data.h"
#include "bind/data/sqlite.h"

enum { WANT_ROWS, WANT_ROW, WANT_VALUE, WANT_NOTHING };

/* ---- handles ---------------------------------------------------------------------------------------------------------------- */

int rl_sql_mistake(lua_State *L, const char *format, ...) {
  char message[768];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  luaL_checkstack(L, 8, NULL);
  return rl_error_mistake(L, "%s", message);
}

static rl_lua_database *check_open(lua_State *L) {
  rl_lua_database *d = luaL_checkudata(L, 1, "rille.database");
  if (!d->open) rl_sql_mistake(L, "the database was closed");
  return d;
}

rl_lua_database *rl_sql_check_database(lua_State *L) {
  rl_lua_database *d = check_open(L);
  rl_lua_transaction *t = rl_transaction_of_running(L, d);
  if (t)
    rl_sql_mistake(
        L, "inside a transaction its own methods are used: the function's argument, not the database (begun at %s)",
        t->site);
  return d;
}

rl_lua_database *rl_sql_check_self(lua_State *L, rl_lua_transaction **transaction) {
  rl_lua_transaction *t = luaL_testudata(L, 1, "rille.transaction");
  *transaction = t;
  if (!t) return rl_sql_check_database(L);
  rl_transaction_check(L, t);
  return t->database;
}

/* ---- results -------------------------------------------------------------------------------------------------------------------- */

static int push_changes(lua_State *L, const rl_op *op) {
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, op->changes);
  lua_setfield(L, -2, "changes");
  lua_pushinteger(L, op->last_id);
  lua_setfield(L, -2, "last_id");
  return 1;
}

static int push_packed(lua_State *L, const rl_rows *rows, int want) {
  if (want == WANT_VALUE || want == WANT_ROW) {
    rl_rows_cursor values = rl_rows_values(rows);
    if (!rows->count) lua_pushnil(L);
    else if (want == WANT_VALUE) rl_push_value(L, rl_rows_next(&values));
    else {
      int names = lua_gettop(L) + 1;
      rl_push_packed_row(L, &values, names, rl_push_packed_names(L, rows));
    }
    return 1;
  }
  int names = lua_gettop(L) + 1, columns = rl_push_packed_names(L, rows);
  rl_rows_cursor values = rl_rows_values(rows);
  lua_createtable(L, rows->count < 1000000 ? (int)rows->count : 0, 0);
  for (size_t i = 0; i < rows->count; i++) {
    rl_push_packed_row(L, &values, names, columns);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  rl_mark_array(L);
  return 1;
}

/* Stack top: the pending, which owns the rows as long as they are read. */
static int op_k(lua_State *L, int status, lua_KContext want) {
  (void)status;
  rl_sql_pending *p = lua_touserdata(L, -1);
  rl_sql_check(L, p);
  int results = want == WANT_NOTHING ? push_changes(L, p->op) : push_packed(L, &p->op->rows, (int)want);
  rl_sql_free(p);
  return results;
}

/* ---- inline ------------------------------------------------------------------------------------------------------------------------ */

/* A run on the loop's thread. While rows become tables Lua may run out of memory, and may run finalizers, which may ask the
 * same database, or close it: so that is a protected call, and the statement is ended in any case. One that stayed stepped
 * would keep its snapshot, and every later read would answer from that. */
typedef struct inline_run {
  rl_lua_database *d;
  rl_statement *statement;
  int want;
  rl_sql_error error;
} inline_run;

static void collect_rows(lua_State *L, inline_run *r) {
  int names = lua_gettop(L) + 1, columns = rl_push_statement_names(L, r->statement), code = 1;
  lua_newtable(L);
  lua_Integer count = 0;
  while (code == 1) {
    rl_push_statement_row(L, r->statement, names, columns);
    lua_rawseti(L, -2, ++count);
    code = rl_statement_step(&r->d->db.reader, r->statement, &r->error);
  }
  rl_mark_array(L);
  r->error.code = code;
}

/* The argument is the run; returns one value (nil where it failed). */
static int collect(lua_State *L) {
  inline_run *r = lua_touserdata(L, 1);
  int code = rl_statement_step(&r->d->db.reader, r->statement, &r->error);
  r->error.code = code < 0 ? code : 0;
  if (code < 0 || r->want == WANT_NOTHING) {
    lua_pushnil(L);
  } else if (r->want == WANT_ROWS) {
    if (code == 0) lua_newtable(L), rl_mark_array(L);
    else collect_rows(L, r);
  } else if (code == 0) {
    lua_pushnil(L);
  } else if (r->want == WANT_VALUE) {
    rl_push_value(L, rl_statement_column(r->statement, 0));
    if (rl_statement_is_short(r->statement)) rl_error_raise(L, RL_ENOMEM, NULL);
  } else {
    int names = lua_gettop(L) + 1;
    rl_push_statement_row(L, r->statement, names, rl_push_statement_names(L, r->statement));
  }
  return 1;
}

/* True where the result is on the stack; false where it must run on a thread. Raises what else went wrong. */
static bool run_inline(lua_State *L, inline_run *r, const rl_params *params, rl_slice sql) {
  rl_database *db = &r->d->db;
  uint64_t budget = rl_database_running(db);
  int status = LUA_OK, code = rl_statement_bind(&db->reader, r->statement, params, &r->error);
  if (!code) {
    lua_pushcfunction(L, collect);
    lua_pushlightuserdata(L, r);
    status = lua_pcall(L, 1, 1, 0);
    code = r->error.code;
  }
  rl_database_ran(db, r->statement, code == RL_ETIMEOUT, budget);
  if (status != LUA_OK) lua_error(L);
  if (code == RL_ETIMEOUT || code == RL_EBUSY) return false;
  if (code) rl_raise_sql(L, &r->error, "", sql);
  return true;
}

/* ---- the methods --------------------------------------------------------------------------------------------------------------------- */

static const char *const names[] = {"db:query", "db:one", "db:value", "db:exec"};

/* Tries it inline, else says where it runs. */
static rl_place run_here(lua_State *L, rl_lua_database *d, const rl_lua_params *params, int want, rl_slice sql) {
  inline_run r = {.d = d, .want = want};
  bool script = want == WANT_NOTHING && params->params.count == 0;
  rl_place place = rl_database_place(&d->db, sql, !script, &r.statement, &r.error);
  if (place == RL_PLACE_REFUSED) rl_raise_sql(L, &r.error, "", sql);
  if (place == RL_PLACE_INLINE && params->size > RL_LIMIT_SQL_INLINE_SIZE) place = RL_PLACE_READER;
  else if (place == RL_PLACE_INLINE) return run_inline(L, &r, &params->params, sql) ? place : RL_PLACE_READER;
  if (r.statement) rl_statement_end(&d->db.reader, r.statement);
  return place;
}

static int run(lua_State *L, int want) {
  rl_lua_transaction *t;
  rl_lua_database *d = rl_sql_check_self(L, &t);
  rl_slice sql = rl_check_slice(L, 2);
  rl_lua_params params;
  rl_check_params(L, 3, "", &params);
  rl_place place = t ? RL_PLACE_WRITER : run_here(L, d, &params, want, sql);
  if (place == RL_PLACE_INLINE) {
    if (want == WANT_NOTHING) push_changes(L, &(rl_op){0});
    return 1;
  }
  rl_task_may_wait(L, names[want]);
  bool script = want == WANT_NOTHING && params.params.count == 0 && place == RL_PLACE_WRITER;
  rl_sql_pending *p = rl_sql_new(L, script ? RL_OP_SCRIPT : RL_OP_RUN, 1, d, t);
  rl_sql_add(L, p, RL_SLICE(""), sql, &params.params);
  p->read = place == RL_PLACE_READER;
  return rl_sql_wait(L, p, names[want], op_k, want);
}

/* db:query(sql, ...) -> rows */
static int l_query(lua_State *L) { return run(L, WANT_ROWS); }
/* db:one(sql, ...) -> row | nil */
static int l_one(lua_State *L) { return run(L, WANT_ROW); }
/* db:value(sql, ...) -> first column of the first row | nil */
static int l_value(lua_State *L) { return run(L, WANT_VALUE); }
/* db:exec(sql, ...) -> {changes=, last_id=} */
static int l_exec(lua_State *L) { return run(L, WANT_NOTHING); }

/* Item `i` of the list at 2, {sql, ...}, for the pending `p`. */
static void add_item(lua_State *L, rl_sql_pending *p, int i) {
  char where[32];
  rl_lua_params params;
  int top = lua_gettop(L);
  snprintf(where, sizeof where, "batch: item %d: ", i);
  if (lua_rawgeti(L, 2, i) != LUA_TTABLE)
    rl_sql_mistake(L, "batch: item %d is a table {sql, ...}, got a %s", i, luaL_typename(L, -1));
  int parts = (int)lua_rawlen(L, -1), item = lua_gettop(L);
  luaL_checkstack(L, parts + 8, "batch");
  for (int k = 1; k <= parts; k++) lua_rawgeti(L, item, k);
  if (lua_type(L, item + 1) != LUA_TSTRING || !parts)
    rl_sql_mistake(L, "%sits first value is the statement, a string", where);
  rl_check_params(L, item + 2, where, &params);
  rl_sql_add(L, p, RL_SLICE(""), rl_check_slice(L, item + 1), &params.params);
  lua_settop(L, top);
}

/* db:batch{ {sql, ...}, … } -> {changes=, last_id=}: all or none */
static int l_batch(lua_State *L) {
  rl_lua_transaction *t;
  rl_lua_database *d = rl_sql_check_self(L, &t);
  luaL_checktype(L, 2, LUA_TTABLE);
  int count = (int)lua_rawlen(L, 2);
  rl_task_may_wait(L, "db:batch");
  rl_sql_pending *p = rl_sql_new(L, RL_OP_BATCH, count, d, t);
  for (int i = 1; i <= count; i++) add_item(L, p, i);
  return rl_sql_wait(L, p, "db:batch", op_k, WANT_NOTHING);
}

/* The migration {name, sql, checksum} on top of the stack, for the pending `p`. */
static void add_migration(lua_State *L, rl_sql_pending *p) {
  int at = lua_gettop(L);
  for (int k = 1; k <= 3; k++) lua_rawgeti(L, at, k);
  rl_value checksum = {.type = RL_VALUE_TEXT, .bytes = rl_check_slice(L, at + 3)};
  rl_sql_add(L, p, rl_check_slice(L, at + 1), rl_check_slice(L, at + 2), &(rl_params){.values = &checksum, .count = 1});
}

/* db:apply_migrations{ {name, sql, checksum}, … } -> {changes = how many were new} */
static int l_apply_migrations(lua_State *L) {
  rl_lua_database *d = rl_sql_check_database(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  int count = (int)lua_rawlen(L, 2);
  rl_task_may_wait(L, "db:migrate");
  rl_sql_pending *p = rl_sql_new(L, RL_OP_MIGRATE, count, d, NULL);
  int top = lua_gettop(L);
  for (int i = 1; i <= count; i++) {
    luaL_checkstack(L, 8, NULL);
    if (lua_rawgeti(L, 2, i) != LUA_TTABLE) return luaL_argerror(L, 2, "a list of {name, sql, checksum} was expected");
    add_migration(L, p);
    lua_settop(L, top);
  }
  return rl_sql_wait(L, p, "db:migrate", op_k, WANT_NOTHING);
}

/* An operation with one text, or none. */
static int simple(lua_State *L, rl_lua_database *d, rl_op_kind kind, rl_slice text, const char *name, lua_KFunction k) {
  rl_task_may_wait(L, name);
  rl_sql_pending *p = rl_sql_new(L, kind, 1, d, NULL);
  if (text.data) rl_sql_add(L, p, RL_SLICE(""), text, NULL);
  return rl_sql_wait(L, p, name, k, WANT_NOTHING);
}

/* A path that SQLite takes for nothing else. */
static rl_slice check_path(lua_State *L, int index, const char *what) {
  rl_slice path = rl_check_slice(L, index);
  if (!path.len) rl_sql_mistake(L, "%s: the path is empty", what);
  if (memchr(path.data, 0, path.len)) rl_sql_mistake(L, "%s: the path holds a NUL byte", what);
  if (path.len >= 5 && rl_slice_eq_nocase(rl_slice_of(path.data, 5), RL_SLICE("file:")))
    rl_sql_mistake(L, "%s: a path was expected, not a URI: '%s'", what, path.data);
  return path;
}

/* db:backup(path) */
static int l_backup(lua_State *L) {
  rl_lua_database *d = rl_sql_check_database(L);
  rl_slice path = check_path(L, 2, "backup");
  return simple(L, d, RL_OP_BACKUP, path, "db:backup", op_k);
}

static int image_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rl_sql_pending *p = lua_touserdata(L, -1);
  rl_sql_check(L, p);
  rl_push_slice(L, rl_buf_slice(&p->op->rows.data));
  rl_sql_free(p);
  return 1;
}

/* db:image() -> string: the whole database, to be given to db:load_image of a ":memory:" one */
static int l_image(lua_State *L) {
  return simple(L, rl_sql_check_database(L), RL_OP_COPY_OUT, RL_SLICE_NONE, "db:image", image_k);
}

/* db:load_image(string) */
static int l_load_image(lua_State *L) {
  rl_lua_database *d = rl_sql_check_database(L);
  rl_slice image = rl_check_slice(L, 2);
  luaL_argcheck(L, rl_store_is_memory(d->db.store), 1, "an image is loaded into a :memory: database");
  return simple(L, d, RL_OP_COPY_IN, image, "db:load_image", op_k);
}

/* db:stats() -> {writes=, groups=, inline_reads=, thread_reads=, slow_reads=, checkpoints=} */
static int l_stats(lua_State *L) {
  rl_lua_database *d = check_open(L);
  rl_store_stats stats = rl_store_get_stats(d->db.store);
  const struct {
    const char *name;
    uint64_t value;
  } rows[] = {{"writes", stats.writes},
              {"groups", stats.groups},
              {"thread_reads", stats.reads},
              {"checkpoints", stats.checkpoints},
              {"inline_reads", d->db.inline_runs},
              {"slow_reads", d->db.slow_runs}};
  lua_createtable(L, 0, 6);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    lua_pushinteger(L, (lua_Integer)rows[i].value);
    lua_setfield(L, -2, rows[i].name);
  }
  return 1;
}

/* ---- opening and closing -------------------------------------------------------------------------------------------------------------------- */

/* Milliseconds; "for ever" is some weeks. */
static int check_timeout(lua_State *L, int index) {
  double ms = rl_check_seconds(L, index) * 1000;
  return ms < INT_MAX ? (int)ms : INT_MAX;
}

static int check_readers(lua_State *L, int index) {
  lua_Integer readers = luaL_checkinteger(L, index);
  if (readers < 1 || readers > RL_STORE_READERS_MAX)
    rl_sql_mistake(L, "sqlite.open: readers is a number from 1 to %d, got %lld", RL_STORE_READERS_MAX,
                   (long long)readers);
  return (int)readers;
}

/* The table at 2; texts stay on the stack. */
static rl_store_options check_options(lua_State *L) {
  rl_store_options options = RL_STORE_OPTIONS_DEFAULT;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_getfield(L, 2, "read_only");
  options.read_only = lua_toboolean(L, -1);
  if (lua_getfield(L, 2, "readers") != LUA_TNIL) options.readers = check_readers(L, -1);
  if (lua_getfield(L, 2, "busy_timeout") != LUA_TNIL) options.busy_timeout_ms = check_timeout(L, -1);
  if (lua_getfield(L, 2, "synchronous") != LUA_TNIL) options.synchronous = luaL_checkstring(L, -1);
  return options;
}

static int raise_open_failed(lua_State *L, const char *path, const rl_sql_error *error) {
  if (error->code == RL_EINVALID) return rl_sql_mistake(L, "sqlite.open: %s", error->message);
  lua_pushfstring(L, "cannot open %s: %s", path, error->message);
  bool out = error->code == RL_ENOFILES || error->code == RL_ENOMEM;
  rl_error_push_word(L, rl_error_word(error->code), out ? 503 : 500, lua_tostring(L, -1));
  return lua_error(L);
}

/* sqlite_open(path, options) -> database; options were checked by lua/rille/sqlite.lua */
static int l_open(lua_State *L) {
  const char *path = check_path(L, 1, "sqlite.open").data;
  rl_store_options options = check_options(L);
  rl_lua_database *d = lua_newuserdatauv(L, sizeof *d, 0);
  memset(d, 0, sizeof *d);
  rl_list_init(&d->transactions);
  rl_buf_init(&d->left, RL_BUF_NO_LIMIT);
  luaL_setmetatable(L, "rille.database");
  rl_sql_error error;
  if (rl_database_open(&d->db, rl_vm_of(L)->loop, path, &options, &error)) return raise_open_failed(L, path, &error);
  d->open = true;
  return 1;
}

/* db:close(): transactions that are open are rolled back; what was sent is still done */
static int l_close(lua_State *L) {
  rl_lua_database *d = luaL_checkudata(L, 1, "rille.database");
  if (!d->open) return 0;
  rl_transactions_abandon(d);
  d->open = false;
  rl_database_close(&d->db);
  return 0;
}

static int database_gc(lua_State *L) {
  rl_lua_database *d = lua_touserdata(L, 1);
  l_close(L);
  rl_buf_free(&d->left);
  return 0;
}

static int database_tostring(lua_State *L) {
  rl_lua_database *d = luaL_checkudata(L, 1, "rille.database");
  lua_pushfstring(L, "database (%s)", d->open ? rl_store_path(d->db.store) : "closed");
  return 1;
}

static const luaL_Reg shared_methods[] = {{"query", l_query}, {"one", l_one},     {"value", l_value},
                                          {"exec", l_exec},   {"batch", l_batch}, {NULL, NULL}};
static const luaL_Reg database_methods[] = {{"apply_migrations", l_apply_migrations},
                                            {"backup", l_backup},
                                            {"image", l_image},
                                            {"load_image", l_load_image},
                                            {"stats", l_stats},
                                            {"close", l_close},
                                            {NULL, NULL}};

/* Makes a metatable with its methods; they are also left in `native` under `name`, for lua/rille/sqlite.lua to add to. */
static void make_class(lua_State *L, const char *class, const char *name, const luaL_Reg *own, const luaL_Reg *begins) {
  rl_new_metatable(L, class);
  lua_newtable(L);
  luaL_setfuncs(L, shared_methods, 0);
  luaL_setfuncs(L, own, 0);
  if (begins) luaL_setfuncs(L, begins, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, name);
  lua_setfield(L, -2, "__index");
}

static void set_method(lua_State *L, const char *name, lua_CFunction method) {
  lua_pushcfunction(L, method);
  lua_setfield(L, -2, name);
}

void rl_bind_sqlite(lua_State *L) {
  rl_bind_sqlite_wait(L);
  make_class(L, "rille.database", "database_methods", database_methods, rl_transaction_database_methods);
  set_method(L, "__gc", database_gc);
  set_method(L, "__close", l_close);
  set_method(L, "__tostring", database_tostring);
  lua_pop(L, 1);
  make_class(L, "rille.transaction", "transaction_methods", rl_transaction_methods, NULL);
  set_method(L, "__gc", rl_transaction_gc);
  set_method(L, "__close", rl_transaction_close);
  lua_pop(L, 1);
  set_method(L, "sqlite_open", l_open);
  set_method(L, "blob", rl_make_blob);
}
