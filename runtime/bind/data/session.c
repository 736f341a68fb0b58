/* Session stores in a database, for Lua: the store (session_store.h) in the box that all stores have. */
#include "bind/http/session.h"
#include "base/error.h"
#include "bind/data/data.h"
#include "bind/data/error.h"
#include "bind/data/pending.h"
#include "bind/data/session_store.h"

static void check(lua_State *L, void *ud) { rl_sql_check_usable(L, ud); }

/* A finalizer may have closed it since. */
static void check_wait(lua_State *L, const rl_task *task, void *ud, bool writes) {
  const rl_lua_database *d = ud;
  if (!d->open) rl_sql_mistake(L, "the database was closed");
  if (writes) rl_pending_check_own(L, task, d);
}

static void note_wait(rl_task *task, void *ud, bool writes) {
  if (writes) rl_pending_note_holder(task, ud);
}

static int raise_fault(lua_State *L, const rl_session_call *call, void *ud) {
  const rl_session_fault *fault = call->fault;
  return rl_raise_sql(L, ((const rl_lua_database *)ud)->ops, &fault->error, "", fault->sql);
}

static const rl_session_guard guard = {check, check_wait, note_wait, raise_fault};

/* session_database(database, name, max_age, lifetime) -> store, in a table that is there */
static int l_session_database(lua_State *L) {
  rl_lua_database *d = rl_sql_check_database(L);
  rl_session_box *box = rl_session_box_push(L, 2);
  rl_session_box_set(L, box, rl_session_database_new(&d->db), &guard, d);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

static const luaL_Reg functions[] = {{"session_database", l_session_database}, {NULL, NULL}};

void rl_bind_session_database(lua_State *L) { luaL_setfuncs(L, functions, 0); }
