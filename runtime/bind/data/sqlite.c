/*
 * Methods that only SQLite has: opening a file, copies of a database, images of it for tests. The only file of bind/ that sees the
 * engine itself.
 */
#include "data/sqlite/sqlite.h"

#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "bind/data/data.h"
#include "bind/data/database.h"
#include "bind/data/error.h"
#include "bind/data/list.h"
#include "bind/data/params.h"

/* A path that SQLite takes for nothing else. */
static rl_slice check_path(lua_State *L, int index, const char *what) {
  rl_slice path = rl_check_slice(L, index);
  if (!path.len) rl_sql_mistake(L, "%s: the path is empty", what);
  if (memchr(path.data, 0, path.len)) rl_sql_mistake(L, "%s: the path holds a NUL byte", what);
  if (path.len >= 5 && rl_slice_eq_nocase(rl_slice_of(path.data, 5), RL_SLICE("file:")))
    rl_sql_mistake(L, "%s: a path was expected, not a URI: '%s'", what, path.data);
  return path;
}

/* ---- copies ------------------------------------------------------------------------------------------------------------ */

/* The database at 1, which another engine's is not. */
static rl_lua_database *check_sqlite(lua_State *L) {
  rl_lua_database *d = rl_sql_check_database(L);
  if (strcmp(d->ops->name, "sqlite") != 0) rl_sql_mistake(L, "only a database of SQLite can do this");
  return d;
}

/* db:backup(path); by the writer, so that every write that has returned is in it, if there is one. */
static int l_backup(lua_State *L) {
  rl_lua_database *d = check_sqlite(L);
  rl_slice path = check_path(L, 2, "backup");
  rl_task_may_wait(L, "db:backup");
  rl_pending *p = rl_pending_new(L, RL_OP_BACKUP, 1, d, NULL);
  rl_pending_add(L, p, RL_SLICE(""), path, NULL);
  p->read = d->open && d->db->read_only; /* a finalizer may have closed it */
  return rl_pending_wait(L, p, "db:backup", rl_lua_database_changes_k, 0);
}

static int image_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rl_pending *p = lua_touserdata(L, -1);
  rl_pending_check(L, p);
  rl_push_slice(L, rl_buf_slice(&p->op->rows.data));
  rl_pending_free(p);
  return 1;
}

/* db:image() -> string: the whole database, to be given to db:load_image of a ":memory:" one */
static int l_image(lua_State *L) {
  return rl_lua_database_ask(L, check_sqlite(L), RL_OP_COPY_OUT, RL_SLICE_NONE, "db:image", image_k);
}

/* db:load_image(string) */
static int l_load_image(lua_State *L) {
  rl_lua_database *d = check_sqlite(L);
  rl_slice image = rl_check_slice(L, 2);
  luaL_argcheck(L, rl_sqlite_is_memory(d->db), 1, "an image is loaded into a :memory: database");
  return rl_lua_database_ask(L, d, RL_OP_COPY_IN, image, "db:load_image", rl_lua_database_changes_k);
}

/* ---- opening ----------------------------------------------------------------------------------------------------------- */

/* Milliseconds; "for ever" is some weeks. */
static int check_timeout(lua_State *L, int index) {
  double ms = rl_check_seconds(L, index) * 1000;
  return ms < INT_MAX ? (int)ms : INT_MAX;
}

static int check_count(lua_State *L, int index, const char *name, int most) {
  lua_Integer count = luaL_checkinteger(L, index);
  if (count < 1 || count > most)
    rl_sql_mistake(L, "sqlite.open: %s is a number from 1 to %d, got %lld", name, most, (long long)count);
  return (int)count;
}

/* The table at 2; texts stay on the stack. */
static rl_store_options check_options(lua_State *L) {
  rl_store_options options = RL_STORE_OPTIONS_DEFAULT;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_getfield(L, 2, "read_only");
  options.read_only = lua_toboolean(L, -1);
  if (lua_getfield(L, 2, "readers") != LUA_TNIL) options.readers = check_count(L, -1, "readers", RL_STORE_READERS_MAX);
  if (lua_getfield(L, 2, "queue") != LUA_TNIL) options.queue = check_count(L, -1, "queue", INT_MAX);
  if (lua_getfield(L, 2, "idle_timeout") != LUA_TNIL) options.idle_timeout_ms = check_timeout(L, -1);
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
  rl_lua_database *d = rl_lua_database_push(L);
  rl_sql_error error;
  rl_database *db = rl_sqlite_open(rl_vm_of(L)->loop, path, &options, &error);
  if (!db) return raise_open_failed(L, path, &error);
  rl_lua_database_set(d, db);
  return 1;
}

static const luaL_Reg own_methods[] = {
    {"backup", l_backup}, {"image", l_image}, {"load_image", l_load_image}, {NULL, NULL}};
static const luaL_Reg functions[] = {
    {"sqlite_open", l_open}, {"blob", rl_make_blob}, {"list", rl_make_list}, {"is_list", rl_is_list}, {NULL, NULL}};

void rl_bind_sqlite(lua_State *L) {
  rl_bind_database(L, own_methods);
  luaL_setfuncs(L, functions, 0);
}
