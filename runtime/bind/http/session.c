/*
 * Session stores for Lua: load, save and revoke on records {id, created, saved, version, refresh, data}; times in seconds
 * since 1970. A store that answers later makes its task wait.
 */
#include "bind/http/session.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "bind/core/core.h"
#include "bind/http/http.h"
#include "bind/http/request.h"
#include "session/csrf.h"
#include "session/memory.h"
#include "session/sealed.h"
#include "vm/owner.h"

/* User value 1: what the store borrows, a key ring or a database. */
struct rl_session_box {
  rl_session_store *store;
  const rl_session_guard *guard; /* NULL: nothing about it fails or waits */
  void *ud;                      /* the guard's */
  char *name;
  int64_t max_age_ms, lifetime_ms;
};

static rl_session_box *check_store(lua_State *L) {
  rl_session_box *box = luaL_checkudata(L, 1, "rille.session_store");
  if (box->guard) box->guard->check(L, box->ud);
  return box;
}

static rl_session_rules rules_of(lua_State *L, const rl_session_box *box) {
  return (rl_session_rules){.name = rl_slice_str(box->name),
                            .now_ms = rl_loop_time(rl_vm_of(L)->loop),
                            .max_age_ms = box->max_age_ms,
                            .lifetime_ms = box->lifetime_ms};
}

static int store_gc(lua_State *L) {
  rl_session_box *box = lua_touserdata(L, 1);
  if (box->store) box->store->del(box->store);
  rl_free(box->name);
  box->store = NULL;
  box->name = NULL;
  return 0;
}

static int64_t check_ms(lua_State *L, int index) {
  double seconds = rl_check_seconds(L, index);
  return seconds < 1e11 ? (int64_t)(seconds * 1000) : (int64_t)1e14;
}

rl_session_box *rl_session_box_push(lua_State *L, int index) {
  rl_slice name = rl_check_slice(L, index);
  int64_t max_age_ms = check_ms(L, index + 1), lifetime_ms = check_ms(L, index + 2);
  rl_session_box *box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = (rl_session_box){.max_age_ms = max_age_ms, .lifetime_ms = lifetime_ms};
  luaL_setmetatable(L, "rille.session_store");
  box->name = rl_strndup(name.data, name.len);
  if (!box->name) rl_error_raise(L, RL_ENOMEM, NULL);
  return box;
}

void rl_session_box_set(lua_State *L, rl_session_box *box, rl_session_store *store, const rl_session_guard *guard,
                        void *ud) {
  if (!store) rl_error_raise(L, RL_ENOMEM, NULL);
  box->store = store;
  box->guard = guard;
  box->ud = ud;
}

/* session_store(name, max_age, lifetime, ring?) -> store: sealed by the ring, or in memory without one */
static int l_session_store(lua_State *L) {
  rl_keyring *ring = lua_isnoneornil(L, 4) ? NULL : rl_check_keyring(L, 4);
  rl_session_box *box = rl_session_box_push(L, 1);
  rl_session_memory *memory = ring ? rl_session_revoked_shared() : rl_session_memory_shared();
  rl_session_store *store = NULL;
  if (memory) store = ring ? rl_session_sealed_new(ring, memory) : rl_session_memory_store(memory);
  rl_session_box_set(L, box, store, NULL, NULL);
  if (ring) lua_pushvalue(L, 4), lua_setiuservalue(L, -2, 1);
  return 1;
}

/* ---- records ---------------------------------------------------------------------------------------------------------------- */

static void set_seconds(lua_State *L, const char *key, int64_t ms) {
  lua_pushnumber(L, (lua_Number)ms / 1000);
  lua_setfield(L, -2, key);
}

static void push_record(lua_State *L, const rl_session *session) {
  lua_createtable(L, 0, 6);
  lua_pushlstring(L, (const char *)session->id, sizeof session->id);
  lua_setfield(L, -2, "id");
  set_seconds(L, "created", session->created_ms);
  set_seconds(L, "saved", session->saved_ms);
  lua_pushinteger(L, (lua_Integer)session->version);
  lua_setfield(L, -2, "version");
  lua_pushboolean(L, session->refresh);
  lua_setfield(L, -2, "refresh");
  rl_push_slice(L, rl_buf_slice(&session->data));
  lua_setfield(L, -2, "data");
}

static lua_Number number_field(lua_State *L, int index, const char *key) {
  lua_getfield(L, index, key);
  lua_Number number = luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return number;
}

/* Reads the record at `index`, without its data, into a fresh session. */
static void read_record(lua_State *L, int index, rl_session *session) {
  luaL_checktype(L, index, LUA_TTABLE);
  lua_getfield(L, index, "id");
  rl_slice id = rl_check_slice(L, -1);
  luaL_argcheck(L, id.len == RL_SESSION_ID, index, "a session's id has 32 bytes");
  memcpy(session->id, id.data, RL_SESSION_ID);
  lua_pop(L, 1);
  session->created_ms = (int64_t)(number_field(L, index, "created") * 1000 + 0.5);
  session->version = (uint64_t)number_field(L, index, "version");
}

/* session_new() -> record with a new identity and no data */
static int l_session_new(lua_State *L) {
  rl_session session;
  rl_session_init(&session);
  rl_session_renew(&session, rl_loop_time(rl_vm_of(L)->loop));
  push_record(L, &session);
  return 1;
}

/* ---- calls -------------------------------------------------------------------------------------------------------------------- */

/* A call and, if it has to, the task that waits for it. What is in it is C's while Lua makes a record of it. */
typedef struct waiting {
  rl_owner owner; /* first */
  rl_session_call call;
  rl_session_box *box;
  rl_waker waker;
  bool writes;
} waiting;

static void free_call(void *object) {
  waiting *w = object;
  if (w->call.work) w->box->store->cancel(w->box->store, &w->call, true);
  rl_session_call_free(&w->call);
}

static waiting *push_call(lua_State *L, rl_session_box *box) {
  rl_session_rules rules = rules_of(L, box);
  waiting *w = (waiting *)rl_owner_push_sized(L, sizeof *w, free_call);
  rl_session_call_init(&w->call, &rules);
  w->box = box;
  w->writes = false;
  w->owner.object = w;
  return w;
}

static void on_done(rl_session_call *call) { rl_task_wake(&((waiting *)call->owner)->waker); }

static bool undo(rl_task *task, void *ud) {
  waiting *w = ud;
  bool must = !w->writes || task->vm->closing;
  if (!w->box->store->cancel(w->box->store, &w->call, must)) return false;
  if (w->box->guard && !task->vm->closing) w->box->guard->note_wait(task, w->box->ud, w->writes);
  w->waker = (rl_waker){0};
  return true;
}

/* The store has answered with `code`, or answers later; `k` ends it, with the call on top of the stack. */
static int answer(lua_State *L, waiting *w, int code, lua_KFunction k) {
  w->call.code = code;
  if (code != RL_SESSION_LATER) return k(L, LUA_OK, 0);
  const char *name = w->writes ? "db:exec" : "db:one";
  rl_task *task = rl_task_may_wait(L, name);
  if (w->box->guard) w->box->guard->check_wait(L, task, w->box->ud, w->writes);
  w->waker = rl_task_waker(task);
  w->call.owner = w;
  w->call.done = on_done;
  w->box->store->start(w->box->store, &w->call); /* nothing raises from here on */
  return rl_task_wait(L, name, undo, w, k, 0);
}

/* Raises what is no answer to the question: the store itself has failed. */
static void check_call(lua_State *L, waiting *w) {
  if (w->call.code == RL_ECANCELLED) rl_task_may_wait(L, "the database");
  if (w->call.fault) w->box->guard->raise(L, &w->call, w->box->ud);
  if (w->call.code == RL_ENOMEM || w->call.code == RL_ECANCELLED) rl_error_raise(L, w->call.code, NULL);
}

/* ---- the store ---------------------------------------------------------------------------------------------------------------- */

static int load_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  waiting *w = lua_touserdata(L, -1);
  check_call(L, w);
  if (w->call.code) lua_pushnil(L);
  else push_record(L, &w->call.session);
  rl_owner_release(&w->owner);
  return 1;
}

/* store:load(token) -> record, or nil */
static int l_load(lua_State *L) {
  rl_session_box *box = check_store(L);
  rl_slice token = rl_check_slice(L, 2);
  waiting *w = push_call(L, box);
  return answer(L, w, box->store->load(box->store, &w->call, token), load_k);
}

static int save_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  waiting *w = lua_touserdata(L, -1);
  int code = w->call.code;
  check_call(L, w);
  if (code) {
    lua_pushnil(L);
    lua_pushstring(L, code == RL_EAGAIN ? "conflict" : code == RL_ETOOBIG ? "large" : "gone");
  } else {
    lua_pushinteger(L, (lua_Integer)w->call.session.version);
    lua_setfield(L, 2, "version");
    rl_push_slice(L, rl_buf_slice(&w->call.token));
  }
  rl_owner_release(&w->owner);
  return code ? 2 : 1;
}

/* store:save(record) -> token | nil, "conflict" (saved by another since), "gone" (revoked since) or "large" */
static int l_save(lua_State *L) {
  rl_session_box *box = check_store(L);
  lua_settop(L, 2);
  waiting *w = push_call(L, box);
  read_record(L, 2, &w->call.session);
  lua_getfield(L, 2, "data");
  int code = rl_buf_add_slice(&w->call.session.data, rl_check_slice(L, -1));
  lua_pop(L, 1);
  w->writes = true;
  return answer(L, w, code ? code : box->store->save(box->store, &w->call), save_k);
}

static int revoke_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  waiting *w = lua_touserdata(L, -1);
  check_call(L, w);
  rl_owner_release(&w->owner);
  return 0;
}

/* store:revoke(record): no copy of it is accepted any more */
static int l_revoke(lua_State *L) {
  rl_session_box *box = check_store(L);
  lua_settop(L, 2);
  waiting *w = push_call(L, box);
  read_record(L, 2, &w->call.session);
  w->writes = true;
  return answer(L, w, box->store->revoke(box->store, &w->call), revoke_k);
}

/* ---- what a request knows of its session -------------------------------------------------------------------------------------- */

/* Keys in a request's cache: no name of a program's leads there. */
static const char holder_key = 0, config_key = 0;

/* session_state(req) -> what the library knows of the session, once it was asked for | nil, configuration | nil */
static int l_session_state(lua_State *L) {
  rl_check_serving(L, 1);
  if (lua_getiuservalue(L, 1, 1) != LUA_TTABLE) return 0;
  lua_rawgetp(L, -1, &holder_key);
  lua_rawgetp(L, -2, &config_key);
  return 2;
}

static int keep(lua_State *L, const void *key) {
  rl_check_serving(L, 1);
  lua_settop(L, 2);
  rl_request_push_cached(L);
  lua_insert(L, 2);
  lua_rawsetp(L, 2, key);
  return 0;
}

/* session_hold(req, table): what session_state returns first */
static int l_session_hold(lua_State *L) { return keep(L, &holder_key); }
/* session_use(req, configuration): what it returns second */
static int l_session_use(lua_State *L) { return keep(L, &config_key); }

/* ---- form tokens ------------------------------------------------------------------------------------------------------------------ */

static const uint8_t *check_id(lua_State *L, int index) {
  rl_slice id = rl_check_slice(L, index);
  luaL_argcheck(L, id.len == RL_SESSION_ID, index, "a session's id has 32 bytes");
  return (const uint8_t *)id.data;
}

/* csrf_token(ring, id) -> token for the forms of that session */
static int l_csrf_token(lua_State *L) {
  const rl_keyring *ring = rl_check_keyring(L, 1);
  const uint8_t *id = check_id(L, 2);
  rl_buf *scratch = rl_scratch_push(L);
  return rl_scratch_result(L, scratch, rl_csrf_token(ring, id, scratch));
}

/* csrf_check(ring, id, token) -> boolean */
static int l_csrf_check(lua_State *L) {
  lua_pushboolean(L, rl_csrf_check(rl_check_keyring(L, 1), check_id(L, 2), rl_check_slice(L, 3)));
  return 1;
}

static const luaL_Reg functions[] = {{"session_store", l_session_store}, {"session_new", l_session_new},
                                     {"session_state", l_session_state}, {"session_hold", l_session_hold},
                                     {"session_use", l_session_use},     {"csrf_token", l_csrf_token},
                                     {"csrf_check", l_csrf_check},       {NULL, NULL}};

static const luaL_Reg methods[] = {{"load", l_load}, {"save", l_save}, {"revoke", l_revoke}, {NULL, NULL}};

void rl_bind_session(lua_State *L) {
  rl_new_metatable(L, "rille.session_store");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, store_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  lua_pushinteger(L, RL_LIMIT_SESSION);
  lua_setfield(L, -2, "limit_session");
  luaL_setfuncs(L, functions, 0);
}
