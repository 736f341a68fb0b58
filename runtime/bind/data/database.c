/* The methods of databases and transactions; see database.h. */
#include "bind/data/database.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "bind/core/core.h"
#include "bind/data/error.h"
#include "bind/data/list.h"
#include "bind/data/params.h"
#include "bind/data/row_json.h"
#include "bind/data/row_stream.h"
#include "bind/data/rows.h"
#include "bind/data/transaction.h"

enum { WANT_ROWS, WANT_ROW, WANT_VALUE, WANT_JSON, WANT_JSON_ROW, WANT_STREAM, WANT_NOTHING };

/* ---- results -------------------------------------------------------------------------------------------------------------------- */

static int push_changes(lua_State *L, int64_t changes, int64_t last_id) {
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, changes);
  lua_setfield(L, -2, "changes");
  lua_pushinteger(L, last_id);
  lua_setfield(L, -2, "last_id");
  return 1;
}

static int push_packed(lua_State *L, rl_lua_database *d, const rl_rows *rows, int want) {
  if (want == WANT_JSON || want == WANT_JSON_ROW) {
    rl_push_packed_json(L, rows);
    return 1;
  }
  if (want == WANT_VALUE || want == WANT_ROW) {
    rl_rows_cursor values = rl_rows_values(rows);
    if (!rows->count) lua_pushnil(L);
    else if (want == WANT_VALUE) {
      rl_value value = rl_rows_next(&values);
      rl_push_value(L, &value);
    } else {
      int names = lua_gettop(L) + 1;
      rl_push_packed_row(L, &values, names, rl_push_packed_names(L, d, rows));
    }
    return 1;
  }
  rl_push_packed_rows(L, d, rows);
  return 1;
}

/* Stack top: the pending, which owns the rows as long as they are read. */
static int op_k(lua_State *L, int status, lua_KContext want) {
  (void)status;
  rl_pending *p = lua_touserdata(L, -1);
  rl_pending_check(L, p);
  int results = want == WANT_NOTHING ? push_changes(L, p->op->changes, p->op->last_id)
                                     : push_packed(L, p->database, &p->op->rows, (int)want);
  rl_pending_free(p);
  return results;
}

int rl_lua_database_changes_k(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  return op_k(L, status, WANT_NOTHING);
}

/* ---- inline ------------------------------------------------------------------------------------------------------------------------ */

/* A run on the loop's thread. While rows become tables Lua may run out of memory, and may run finalizers, which may ask the
 * same database, or close it: so that is a protected call, and the read is finished in any case. One that stayed open would
 * keep its snapshot, and every later read would answer from that. */
typedef struct inline_run {
  rl_lua_database *handle;
  rl_database *db; /* the handle's, which a finalizer may close */
  const rl_database_ops *ops;
  rl_cursor cursor;
  int want;
  rl_sql_error error;
} inline_run;

/* The first rows stand on Lua's stack until it is known how many there are, so that most lists are made at their size. */
static void collect_rows(lua_State *L, inline_run *r) {
  enum { FEW = 64 };
  int names = lua_gettop(L) + 1, columns = rl_push_cursor_names(L, r->handle, r->db, &r->cursor), code = 1, few = 0;
  luaL_checkstack(L, FEW + 8, "rows");
  while (code == 1 && few < FEW) {
    rl_push_cursor_row(L, &r->cursor, names, columns);
    few++;
    code = r->ops->step(r->db, &r->cursor, &r->error);
  }
  if (code == 1 && r->want == WANT_STREAM) code = RL_EBUSY; /* too many to be read at once: a stream does */
  lua_createtable(L, code == 1 ? 4 * FEW : few, 0);
  lua_insert(L, -few - 1);
  for (int i = few; i > 0; i--) lua_rawseti(L, -i - 1, i);
  for (lua_Integer count = few + 1; code == 1; count++) {
    rl_push_cursor_row(L, &r->cursor, names, columns);
    lua_rawseti(L, -2, count);
    code = r->ops->step(r->db, &r->cursor, &r->error);
  }
  rl_mark_array(L);
  r->error.code = code;
}

/* The argument is the run; returns one value (nil if it failed). */
static int collect(lua_State *L) {
  inline_run *r = lua_touserdata(L, 1);
  int code = r->ops->step(r->db, &r->cursor, &r->error);
  r->error.code = code < 0 ? code : 0;
  if (code < 0 || r->want == WANT_NOTHING) {
    lua_pushnil(L);
  } else if (r->want == WANT_ROWS || r->want == WANT_STREAM) {
    if (code == 0) lua_newtable(L), rl_mark_array(L);
    else collect_rows(L, r);
  } else if (code == 0) {
    if (r->want == WANT_JSON) rl_push_no_json(L);
    else lua_pushnil(L);
  } else if (r->want == WANT_JSON || r->want == WANT_JSON_ROW) {
    r->error.code = rl_push_cursor_json(L, r->handle, r->db, &r->cursor, r->want == WANT_JSON_ROW, &r->error);
  } else if (r->want == WANT_VALUE) {
    rl_push_value(L, &r->cursor.row[0]);
  } else {
    int names = lua_gettop(L) + 1;
    rl_push_cursor_row(L, &r->cursor, names, rl_push_cursor_names(L, r->handle, r->db, &r->cursor));
  }
  return 1;
}

/* True if the result is on the stack; false if it must run as an operation. Raises what else went wrong. */
static bool run_inline(lua_State *L, inline_run *r, const rl_sql_params *params, rl_slice sql) {
  int status = LUA_OK, code = r->ops->start(r->db, &r->cursor, params, &r->error);
  if (!code) {
    lua_pushcfunction(L, collect);
    lua_pushlightuserdata(L, r);
    status = lua_pcall(L, 1, 1, 0);
    code = r->error.code;
  }
  r->ops->finish(r->db, &r->cursor, code == RL_ETIMEOUT);
  if (status != LUA_OK) lua_error(L);
  if (code == RL_ETIMEOUT || code == RL_EBUSY) return false;
  if (code == RL_ENOMEM && !r->error.extended) rl_error_raise(L, code, NULL);
  if (code) rl_raise_sql(L, r->ops, &r->error, "", sql);
  return true;
}

/* ---- the methods --------------------------------------------------------------------------------------------------------------------- */

static const char *const names[] = {"db:query", "db:one", "db:value", "db:json", "db:json_one", "db:rows", "db:exec"};
static const rl_sql_answer answers[] = {RL_ANSWER_ROWS,     RL_ANSWER_ROW,  RL_ANSWER_ROW, RL_ANSWER_JSON,
                                        RL_ANSWER_JSON_ROW, RL_ANSWER_ROWS, RL_ANSWER_ROWS};

/* Tries to run it inline. Returns where it ran, or where it has to. */
static rl_sql_route run_here(lua_State *L, rl_lua_database *d, const rl_lua_params *params, int want, rl_slice sql) {
  inline_run r; /* field by field: the message of an error is long */
  r.handle = d;
  r.db = d->db;
  r.ops = d->ops;
  r.want = want;
  r.error.code = r.error.extended = 0;
  bool script = want == WANT_NOTHING && params->params.count + params->lists == 0;
  rl_sql_route route = d->ops->place(r.db, sql, !script, params->size, &r.cursor, &r.error);
  if (route == RL_ROUTE_REFUSED) rl_raise_sql(L, r.ops, &r.error, "", sql);
  if (route == RL_ROUTE_INLINE && !run_inline(L, &r, &params->params, sql)) return RL_ROUTE_READ;
  return route;
}

static int run(lua_State *L, int want) {
  rl_lua_transaction *t;
  rl_lua_database *d = rl_sql_check_self(L, &t);
  rl_slice sql = rl_check_slice(L, 2);
  rl_lua_params params;
  int last = lua_gettop(L);
  rl_check_params(L, 3, "", &params);
  if (params.lists) sql = rl_expand_lists(L, 3, last, "", sql, &params);
  if (!d->open) return rl_sql_mistake(L, "the database was closed"); /* by a finalizer */
  rl_sql_route route = t ? RL_ROUTE_WRITE : run_here(L, d, &params, want, sql);
  if (route == RL_ROUTE_INLINE) {
    if (want == WANT_NOTHING) push_changes(L, 0, 0);
    return 1;
  }
  rl_task_may_wait(L, names[want]);
  if (want == WANT_STREAM && route == RL_ROUTE_READ && d->ops->stream)
    return rl_row_stream_begin(L, d, sql, &params.params);
  bool script = want == WANT_NOTHING && params.params.count + params.lists == 0 && route == RL_ROUTE_WRITE;
  rl_pending *p = rl_pending_new(L, script ? RL_OP_SCRIPT : RL_OP_RUN, 1, d, t);
  rl_pending_add(L, p, RL_SLICE(""), sql, &params.params);
  p->read = route == RL_ROUTE_READ;
  p->op->answer = answers[want];
  return rl_pending_wait(L, p, names[want], op_k, want);
}

/* db:query(sql, ...) -> rows */
static int l_query(lua_State *L) { return run(L, WANT_ROWS); }
/* db:one(sql, ...) -> row | nil */
static int l_one(lua_State *L) { return run(L, WANT_ROW); }
/* db:value(sql, ...) -> first column of the first row | nil */
static int l_value(lua_State *L) { return run(L, WANT_VALUE); }
/* db:json(sql, ...) -> JSON text of the rows: an array */
static int l_json(lua_State *L) { return run(L, WANT_JSON); }
/* db:json_one(sql, ...) -> JSON text of the first row | nil */
static int l_json_one(lua_State *L) { return run(L, WANT_JSON_ROW); }
/* db:read_rows(sql, ...) -> rows, stream of those that follow | nil: what db:rows is made of */
static int l_read_rows(lua_State *L) { return run(L, WANT_STREAM); }
/* db:exec(sql, ...) -> {changes=, last_id=} */
static int l_exec(lua_State *L) { return run(L, WANT_NOTHING); }

/* Item `i` of the list at 2, {sql, ...}, for the pending `p`. */
static void add_item(lua_State *L, rl_pending *p, int i) {
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
  rl_slice sql = rl_check_slice(L, item + 1);
  rl_check_params(L, item + 2, where, &params);
  if (params.lists) sql = rl_expand_lists(L, item + 2, item + parts, where, sql, &params);
  rl_pending_add(L, p, RL_SLICE(""), sql, &params.params);
  lua_settop(L, top);
}

/* db:batch{ {sql, ...}, … } -> {changes=, last_id=}: all or none */
static int l_batch(lua_State *L) {
  rl_lua_transaction *t;
  rl_lua_database *d = rl_sql_check_self(L, &t);
  luaL_checktype(L, 2, LUA_TTABLE);
  int count = (int)lua_rawlen(L, 2);
  rl_task_may_wait(L, "db:batch");
  rl_pending *p = rl_pending_new(L, RL_OP_BATCH, count, d, t);
  for (int i = 1; i <= count; i++) add_item(L, p, i);
  return rl_pending_wait(L, p, "db:batch", op_k, WANT_NOTHING);
}

/* The migration {name, sql, checksum} on top of the stack, for the pending `p`; with the first one the path of a copy. */
static void add_migration(lua_State *L, rl_pending *p, const char *copy) {
  int at = lua_gettop(L);
  for (int k = 1; k <= 3; k++) lua_rawgeti(L, at, k);
  rl_value values[2] = {{.type = RL_VALUE_TEXT, .bytes = rl_check_slice(L, at + 3)},
                        {.type = RL_VALUE_TEXT, .bytes = rl_slice_str(copy)}};
  rl_pending_add(L, p, rl_check_slice(L, at + 1), rl_check_slice(L, at + 2),
                 &(rl_sql_params){.values = values, .count = copy ? 2 : 1});
}

/* db:apply_migrations({ {name, sql, checksum}, … }, copy?) -> {changes = how many were new, last_id = 1 if a copy was made} */
static int l_apply_migrations(lua_State *L) {
  rl_lua_database *d = rl_sql_check_database(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  const char *copy = luaL_optstring(L, 3, NULL);
  int count = (int)lua_rawlen(L, 2);
  rl_task_may_wait(L, "db:migrate");
  rl_pending *p = rl_pending_new(L, RL_OP_MIGRATE, count, d, NULL);
  int top = lua_gettop(L);
  for (int i = 1; i <= count; i++) {
    luaL_checkstack(L, 8, NULL);
    if (lua_rawgeti(L, 2, i) != LUA_TTABLE) return luaL_argerror(L, 2, "a list of {name, sql, checksum} was expected");
    add_migration(L, p, i == 1 ? copy : NULL);
    lua_settop(L, top);
  }
  return rl_pending_wait(L, p, "db:migrate", op_k, WANT_NOTHING);
}

int rl_lua_database_ask(lua_State *L, rl_lua_database *d, int kind, rl_slice text, const char *name, lua_KFunction k) {
  rl_task_may_wait(L, name);
  rl_pending *p = rl_pending_new(L, kind, 1, d, NULL);
  if (text.data) rl_pending_add(L, p, RL_SLICE(""), text, NULL);
  return rl_pending_wait(L, p, name, k, 0);
}

/* db:stats() -> what the engine counts; of SQLite {writes=, groups=, inline_reads=, thread_reads=, slow_reads=, checkpoints=} */
static int l_stats(lua_State *L) {
  rl_lua_database *d = rl_sql_check_open(L);
  rl_database_stat stats[RL_DATABASE_STATS];
  int count = d->ops->stats(d->db, stats);
  lua_createtable(L, 0, count);
  for (int i = 0; i < count; i++) {
    lua_pushinteger(L, (lua_Integer)stats[i].value);
    lua_setfield(L, -2, stats[i].name);
  }
  return 1;
}

/* ---- opening and closing -------------------------------------------------------------------------------------------------------------------- */

rl_lua_database *rl_lua_database_push(lua_State *L) {
  rl_lua_database *d = lua_newuserdatauv(L, sizeof *d, 0);
  *d = (rl_lua_database){0};
  rl_list_init(&d->transactions);
  rl_list_init(&d->streams);
  rl_buf_init(&d->left, RL_BUF_NO_LIMIT);
  luaL_setmetatable(L, "rille.database");
  return d;
}

void rl_lua_database_set(rl_lua_database *d, rl_database *database) {
  d->db = database;
  d->ops = database->ops;
  d->open = true;
}

/* db:close(): transactions that are open are rolled back; what was sent is still done */
static int l_close(lua_State *L) {
  rl_lua_database *d = luaL_checkudata(L, 1, "rille.database");
  if (!d->open) return 0;
  rl_transactions_abandon(d);
  rl_row_streams_close(d);
  d->open = false;
  d->ops->close(d->db);
  d->db = NULL;
  return 0;
}

static int database_gc(lua_State *L) {
  rl_lua_database *d = lua_touserdata(L, 1);
  l_close(L);
  rl_buf_free(&d->left);
  rl_forget_shapes(L, d);
  return 0;
}

static int database_tostring(lua_State *L) {
  rl_lua_database *d = luaL_checkudata(L, 1, "rille.database");
  lua_pushfstring(L, "database (%s)", d->open ? d->ops->label(d->db) : "closed");
  return 1;
}

static const luaL_Reg shared_methods[] = {{"query", l_query}, {"one", l_one},           {"value", l_value},
                                          {"json", l_json},   {"json_one", l_json_one}, {"read_rows", l_read_rows},
                                          {"exec", l_exec},   {"batch", l_batch},       {NULL, NULL}};
static const luaL_Reg database_methods[] = {
    {"apply_migrations", l_apply_migrations}, {"stats", l_stats}, {"close", l_close}, {NULL, NULL}};

/* Makes a metatable with its methods; they are also left in the table on top under `name`. */
static void make_class(lua_State *L, const char *class, int which, const char *name, const luaL_Reg *const *sets) {
  rl_new_metatable(L, class);
  lua_pushvalue(L, -1);
  rl_vm_keep_meta(L, which);
  lua_newtable(L);
  for (; *sets; sets++) luaL_setfuncs(L, *sets, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, name);
  lua_setfield(L, -2, "__index");
}

static void set_method(lua_State *L, const char *name, lua_CFunction method) {
  lua_pushcfunction(L, method);
  lua_setfield(L, -2, name);
}

void rl_bind_database(lua_State *L, const luaL_Reg *own) {
  const luaL_Reg *const of_database[] = {shared_methods, database_methods, own, rl_transaction_database_methods, NULL};
  const luaL_Reg *const of_transaction[] = {shared_methods, rl_transaction_methods, NULL};
  rl_bind_pending(L);
  rl_bind_list(L);
  rl_bind_row_stream(L);
  make_class(L, "rille.database", RL_REF_DATABASE_META, "database_methods", of_database);
  set_method(L, "__gc", database_gc);
  set_method(L, "__close", l_close);
  set_method(L, "__tostring", database_tostring);
  lua_pop(L, 1);
  make_class(L, "rille.transaction", RL_REF_TRANSACTION_META, "transaction_methods", of_transaction);
  set_method(L, "__gc", rl_transaction_gc);
  set_method(L, "__close", rl_transaction_close);
  lua_pop(L, 1);
}
