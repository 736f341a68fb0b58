/*
 * SQLite for Lua: a database, and a transaction of it, with the same methods. A statement runs inline where it may; else it
 * becomes an operation, and the task waits for its answer.
 *
 * The methods here are the bare ones; migrations, transactions as functions and iterators are in lua/rille/sqlite.lua.
 */
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "vm/bind/sqlite.h"
#include "vm/inspect.h"

enum { WANT_ROWS, WANT_ROW, WANT_VALUE, WANT_NOTHING };

/* ---- handles ---------------------------------------------------------------------------------------------------------------- */

static rl_lua_database *check_database(lua_State *L, int index) {
  rl_lua_database *d = luaL_checkudata(L, index, "rille.database");
  if (!d->open) luaL_error(L, "the database was closed");
  return d;
}

/* The database at index 1, or that of the transaction there; *number is the transaction's. */
rl_lua_database *rl_sql_check_self(lua_State *L, uint64_t *number) {
  rl_lua_transaction *t = luaL_testudata(L, 1, "rille.transaction");
  *number = 0;
  if (t) {
    if (!t->open) luaL_error(L, "the transaction has ended");
    *number = t->number;
    return t->database;
  }
  rl_lua_database *d = check_database(L, 1);
  if (!d->holder) return d;
  for (rl_task *task = rl_task_running(L); task; task = task->parent)
    if (task->id == d->holder)
      luaL_error(L, "inside a transaction its own methods are used: the function's argument, not the database");
  return d;
}

/* ---- operations that are waited for --------------------------------------------------------------------------------------------- */

static void on_done(rl_op *op) {
  rl_sql_pending *p = op->owner;
  if (!p) {
    rl_op_del(op); /* nobody waits any more */
    return;
  }
  p->done = true;
  rl_task_wake(&p->waker);
}

bool rl_sql_undo(rl_task *task, void *ud) {
  (void)task;
  rl_sql_pending *p = ud;
  rl_op_drop(p->op);
  p->op = NULL;
  return true;
}

static int pending_gc(lua_State *L) {
  rl_sql_pending *p = lua_touserdata(L, 1);
  if (p->op && p->done) rl_op_del(p->op);
  else if (p->op) rl_op_drop(p->op);
  p->op = NULL;
  return 0;
}

/* Pushes a pending and sends the operation; the caller waits as its last act. Takes `op`. */
rl_sql_pending *rl_sql_submit(lua_State *L, rl_task *task, rl_lua_database *d, rl_op *op, bool read) {
  rl_sql_pending *p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = (rl_sql_pending){.op = op, .waker = rl_task_waker(task)};
  luaL_setmetatable(L, "rille.sql_pending");
  op->owner = p;
  op->done = on_done;
  rl_database_send(&d->db, op, read);
  return p;
}

void rl_sql_free(rl_sql_pending *p) {
  rl_op_del(p->op);
  p->op = NULL;
}

/* Raises where the operation failed. */
void rl_sql_check(lua_State *L, rl_sql_pending *p) {
  rl_op *op = p->op;
  if (!op->error.code) return;
  rl_sql_error error = op->error;
  rl_slice sql = op->count && op->kind != RL_OP_COPY_IN ? op->statements[0].sql : RL_SLICE_NONE;
  rl_push_slice(L, sql); /* the text outlives the operation */
  sql.data = lua_tolstring(L, -1, &sql.len);
  rl_sql_free(p);
  rl_raise_sql(L, &error, sql);
}

/* A new operation with one statement; raises where memory is short. */
rl_op *rl_sql_make_op(lua_State *L, rl_op_kind kind, rl_slice sql, const rl_params *params, uint64_t number) {
  rl_op *op = rl_op_new(kind, 1);
  if (op && sql.data && rl_op_add(op, RL_SLICE(""), sql, params)) rl_op_del(op), op = NULL;
  if (!op) rl_error_raise(L, RL_ENOMEM, NULL);
  op->transaction = number;
  return op;
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

/* Stack top: the pending. */
static int finish_op(lua_State *L, int want) {
  rl_sql_pending *p = lua_touserdata(L, -1);
  rl_sql_check(L, p);
  int results = want == WANT_NOTHING ? push_changes(L, p->op) : push_packed(L, &p->op->rows, want);
  rl_sql_free(p);
  return results;
}

static int op_k(lua_State *L, int status, lua_KContext want) {
  (void)status;
  return finish_op(L, (int)want);
}

/* ---- inline ------------------------------------------------------------------------------------------------------------------------ */

/* A run on the loop's thread: the statement and what it yields. Userdata-free: the statement is ended before anything but a
 * shortage of memory can raise, and a statement left in use by that is never handed out again. */
typedef struct inline_run {
  rl_lua_database *d;
  rl_statement *statement;
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

/* Leaves one value on the stack (nil where it failed). */
static void collect(lua_State *L, inline_run *r, int want) {
  int code = rl_statement_step(&r->d->db.reader, r->statement, &r->error);
  r->error.code = code < 0 ? code : 0;
  if (code < 0 || want == WANT_NOTHING) {
    lua_pushnil(L);
  } else if (want == WANT_ROWS) {
    if (code == 0) lua_newtable(L), rl_mark_array(L);
    else collect_rows(L, r);
  } else if (code == 0) {
    lua_pushnil(L);
  } else if (want == WANT_VALUE) {
    rl_push_value(L, rl_statement_column(r->statement, 0));
  } else {
    int names = lua_gettop(L) + 1;
    rl_push_statement_row(L, r->statement, names, rl_push_statement_names(L, r->statement));
  }
}

/* True where the result is on the stack; false where it must run on a thread. Raises what else went wrong. */
static bool run_inline(lua_State *L, rl_lua_database *d, rl_statement *statement, const rl_params *params, int want,
                       rl_slice sql) {
  inline_run r = {.d = d, .statement = statement};
  int code = rl_statement_bind(&d->db.reader, statement, params, &r.error);
  if (code) {
    rl_database_ran(&d->db, statement, false);
    rl_raise_sql(L, &r.error, sql);
  }
  rl_database_running(&d->db);
  collect(L, &r, want);
  rl_database_ran(&d->db, statement, r.error.code == RL_ETIMEOUT);
  if (r.error.code == RL_ETIMEOUT || r.error.code == RL_EBUSY) return false;
  if (r.error.code) rl_raise_sql(L, &r.error, sql);
  return true;
}

/* ---- the methods --------------------------------------------------------------------------------------------------------------------- */

static int run_as_op(lua_State *L, rl_lua_database *d, rl_op *op, bool read, int want, const char *name) {
  rl_task *task = rl_task_running(L);
  rl_sql_pending *p = rl_sql_submit(L, task, d, op, read);
  return rl_task_wait(L, name, rl_sql_undo, p, op_k, want);
}

static const char *const names[] = {"db:query", "db:one", "db:value", "db:exec"};

static int run(lua_State *L, int want) {
  uint64_t number;
  rl_lua_database *d = rl_sql_check_self(L, &number);
  rl_slice sql = rl_check_slice(L, 2);
  rl_lua_params params;
  rl_check_params(L, 3, &params);
  rl_statement *statement = NULL;
  rl_sql_error error;
  rl_place place = RL_PLACE_WRITER;
  bool script = want == WANT_NOTHING && params.params.count == 0;
  if (!number) {
    place = rl_database_place(&d->db, sql, !script, &statement, &error);
    if (place == RL_PLACE_REFUSED) return rl_raise_sql(L, &error, sql);
    if (place == RL_PLACE_INLINE) {
      if (run_inline(L, d, statement, &params.params, want, sql)) {
        if (want == WANT_NOTHING) push_changes(L, &(rl_op){0});
        return 1;
      }
      place = RL_PLACE_READER;
    } else if (place == RL_PLACE_READER) {
      rl_statement_end(&d->db.reader, statement);
    }
  }
  rl_task_may_wait(L, names[want]);
  rl_op *op = rl_sql_make_op(L, script ? RL_OP_SCRIPT : RL_OP_RUN, sql, &params.params, number);
  return run_as_op(L, d, op, place == RL_PLACE_READER, want, names[want]);
}

/* db:query(sql, ...) -> rows */
static int l_query(lua_State *L) { return run(L, WANT_ROWS); }
/* db:one(sql, ...) -> row | nil */
static int l_one(lua_State *L) { return run(L, WANT_ROW); }
/* db:value(sql, ...) -> first column of the first row | nil */
static int l_value(lua_State *L) { return run(L, WANT_VALUE); }
/* db:exec(sql, ...) -> {changes=, last_id=} */
static int l_exec(lua_State *L) { return run(L, WANT_NOTHING); }

/* Sends an operation without statements, or with those it has, and waits for it. */
static int simple(lua_State *L, rl_lua_database *d, rl_op *op, const char *name, int want) {
  return run_as_op(L, d, op, false, want, name);
}

/* db:batch{ {sql, ...}, … } -> {changes=, last_id=}: all or none */
static int l_batch(lua_State *L) {
  uint64_t number;
  rl_lua_database *d = rl_sql_check_self(L, &number);
  luaL_checktype(L, 2, LUA_TTABLE);
  int count = (int)lua_rawlen(L, 2);
  rl_task_may_wait(L, "db:batch");
  rl_op *op = rl_op_new(RL_OP_BATCH, count);
  if (!op) return rl_error_raise(L, RL_ENOMEM, NULL);
  op->transaction = number;
  rl_sql_pending *p = lua_newuserdatauv(L, sizeof *p, 0); /* anchors the operation while parameters may raise */
  *p = (rl_sql_pending){.op = op, .done = true};
  luaL_setmetatable(L, "rille.sql_pending");
  for (int i = 1; i <= count; i++) {
    rl_lua_params params;
    int top = lua_gettop(L);
    lua_rawgeti(L, 2, i);
    if (!lua_istable(L, -1))
      return luaL_error(L, "batch: item %d is a table {sql, ...}, got a %s", i, luaL_typename(L, -1));
    int parts = (int)lua_rawlen(L, -1), item = lua_gettop(L);
    luaL_checkstack(L, parts + 8, "batch");
    for (int k = 1; k <= parts; k++) lua_rawgeti(L, item, k);
    rl_slice sql = rl_check_slice(L, item + 1);
    rl_check_params(L, item + 2, &params);
    if (rl_op_add(op, RL_SLICE(""), sql, &params.params)) return rl_error_raise(L, RL_ENOMEM, NULL);
    lua_settop(L, top);
  }
  p->op = NULL;
  return simple(L, d, op, "db:batch", WANT_NOTHING);
}

/* db:apply_migrations{ {name, sql}, … } -> {changes = how many were new} */
static int l_apply_migrations(lua_State *L) {
  rl_lua_database *d = check_database(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  int count = (int)lua_rawlen(L, 2);
  rl_task_may_wait(L, "db:migrate");
  rl_op *op = rl_op_new(RL_OP_MIGRATE, count);
  for (int i = 1; op && i <= count; i++) {
    lua_rawgeti(L, 2, i);
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    size_t name_len, sql_len;
    const char *name = lua_tolstring(L, -2, &name_len), *sql = lua_tolstring(L, -1, &sql_len);
    if (!name || !sql || rl_op_add(op, rl_slice_of(name, name_len), rl_slice_of(sql, sql_len), NULL))
      rl_op_del(op), op = NULL;
    lua_settop(L, 2);
  }
  if (!op) return rl_error_raise(L, RL_ENOMEM, NULL);
  return simple(L, d, op, "db:migrate", WANT_NOTHING);
}

/* db:backup(path) */
static int l_backup(lua_State *L) {
  rl_lua_database *d = check_database(L, 1);
  rl_slice path = rl_check_slice(L, 2);
  rl_task_may_wait(L, "db:backup");
  return simple(L, d, rl_sql_make_op(L, RL_OP_BACKUP, path, NULL, 0), "db:backup", WANT_NOTHING);
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
  rl_lua_database *d = check_database(L, 1);
  rl_task *task = rl_task_may_wait(L, "db:image");
  rl_sql_pending *p = rl_sql_submit(L, task, d, rl_sql_make_op(L, RL_OP_COPY_OUT, RL_SLICE_NONE, NULL, 0), false);
  return rl_task_wait(L, "db:image", rl_sql_undo, p, image_k, 0);
}

/* db:load_image(string) */
static int l_load_image(lua_State *L) {
  rl_lua_database *d = check_database(L, 1);
  rl_slice image = rl_check_slice(L, 2);
  luaL_argcheck(L, rl_store_is_memory(d->db.store), 1, "an image is loaded into a :memory: database");
  rl_task_may_wait(L, "db:load_image");
  return simple(L, d, rl_sql_make_op(L, RL_OP_COPY_IN, image, NULL, 0), "db:load_image", WANT_NOTHING);
}

/* db:stats() -> {writes=, groups=, inline_reads=, thread_reads=, slow_reads=, checkpoints=} */
static int l_stats(lua_State *L) {
  rl_lua_database *d = check_database(L, 1);
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

static const char *string_option(lua_State *L, int table, const char *name, const char *otherwise) {
  lua_getfield(L, table, name);
  const char *text = luaL_optstring(L, -1, otherwise);
  lua_pop(L, 1); /* anchored by the table */
  return text;
}

/* sqlite_open(path, options) -> database; options were checked by lua/rille/sqlite.lua */
static int l_open(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  rl_store_options options = RL_STORE_OPTIONS_DEFAULT;
  lua_getfield(L, 2, "read_only");
  options.read_only = lua_toboolean(L, -1);
  if (lua_getfield(L, 2, "readers") != LUA_TNIL) options.readers = (int)luaL_checkinteger(L, -1);
  if (lua_getfield(L, 2, "busy_timeout") != LUA_TNIL) options.busy_timeout_ms = (int)(rl_check_seconds(L, -1) * 1000);
  options.synchronous = string_option(L, 2, "synchronous", options.synchronous);
  rl_lua_database *d = lua_newuserdatauv(L, sizeof *d, 0);
  memset(d, 0, sizeof *d);
  rl_sql_error error;
  if (rl_database_open(&d->db, rl_vm_of(L)->loop, path, &options, &error)) {
    lua_pushfstring(L, "cannot open %s: %s", path, error.message);
    bool out = error.code == RL_ENOFILES || error.code == RL_ENOMEM;
    rl_error_push_word(L, rl_error_word(error.code), out ? 503 : 500, lua_tostring(L, -1));
    return lua_error(L);
  }
  d->open = true;
  luaL_setmetatable(L, "rille.database");
  return 1;
}

/* db:close() */
static int l_close(lua_State *L) {
  rl_lua_database *d = luaL_checkudata(L, 1, "rille.database");
  if (!d->open) return 0;
  d->open = false;
  rl_database_close(&d->db);
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
static void make_class(lua_State *L, const char *class, const char *name, const luaL_Reg *own, const luaL_Reg *begins,
                       lua_CFunction close, lua_CFunction tostring) {
  rl_new_metatable(L, class);
  lua_newtable(L);
  luaL_setfuncs(L, shared_methods, 0);
  luaL_setfuncs(L, own, 0);
  if (begins) luaL_setfuncs(L, begins, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, name);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, close);
  lua_setfield(L, -2, "__close");
  if (tostring) lua_pushcfunction(L, tostring), lua_setfield(L, -2, "__tostring");
  lua_pop(L, 1);
}

void rl_bind_sqlite(lua_State *L) {
  rl_new_metatable(L, "rille.sql_pending");
  lua_pushcfunction(L, pending_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  make_class(L, "rille.database", "database_methods", database_methods, rl_transaction_database_methods, l_close,
             database_tostring);
  make_class(L, "rille.transaction", "transaction_methods", rl_transaction_methods, NULL, rl_transaction_close, NULL);
  lua_pushcfunction(L, l_open);
  lua_setfield(L, -2, "sqlite_open");
  lua_pushcfunction(L, rl_make_blob);
  lua_setfield(L, -2, "blob");
}
