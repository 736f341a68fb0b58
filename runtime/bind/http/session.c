/*
 * Session stores for Lua: load, save and revoke on records {id, created, saved, version, refresh, data}; times in seconds
 * since 1970. The store of a database has the same methods in Lua (lua/rille/session/sqlite.lua).
 */
#include "session/store.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "bind/http/http.h"
#include "session/csrf.h"
#include "session/memory.h"
#include "session/sealed.h"
#include "vm/owner.h"

/* User value 1: the key ring, which the store borrows. */
typedef struct store_box {
  rl_session_store *store;
  char *name;
  int64_t max_age_ms, lifetime_ms;
} store_box;

static store_box *check_store(lua_State *L) { return luaL_checkudata(L, 1, "rille.session_store"); }

static rl_session_rules rules_of(lua_State *L, const store_box *box) {
  return (rl_session_rules){.name = rl_slice_str(box->name),
                            .now_ms = rl_loop_time(rl_vm_of(L)->loop),
                            .max_age_ms = box->max_age_ms,
                            .lifetime_ms = box->lifetime_ms};
}

static int store_gc(lua_State *L) {
  store_box *box = lua_touserdata(L, 1);
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

/* session_store(name, max_age, lifetime, ring?) -> store: sealed by the ring, or in memory without one */
static int l_session_store(lua_State *L) {
  rl_slice name = rl_check_slice(L, 1);
  int64_t max_age_ms = check_ms(L, 2), lifetime_ms = check_ms(L, 3);
  rl_keyring *ring = lua_isnoneornil(L, 4) ? NULL : rl_check_keyring(L, 4);
  store_box *box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = (store_box){.max_age_ms = max_age_ms, .lifetime_ms = lifetime_ms};
  luaL_setmetatable(L, "rille.session_store");
  box->name = rl_strndup(name.data, name.len);
  rl_session_memory *memory = ring ? rl_session_revoked_shared() : rl_session_memory_shared();
  if (memory) box->store = ring ? rl_session_sealed_new(ring, memory) : rl_session_memory_store(memory);
  if (!box->name || !box->store) return rl_error_raise(L, RL_ENOMEM, NULL);
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

/* The record at `index`, without its data. */
static void read_record(lua_State *L, int index, rl_session *session) {
  luaL_checktype(L, index, LUA_TTABLE);
  rl_session_init(session);
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

/* A session whose data is C's while Lua makes a record of it. */
typedef struct held_session {
  rl_owner owner; /* first */
  rl_session session;
} held_session;

static void free_session(void *object) { rl_session_free(object); }

static held_session *push_session(lua_State *L) {
  held_session *held = (held_session *)rl_owner_push_sized(L, sizeof *held, free_session);
  rl_session_init(&held->session);
  held->owner.object = &held->session;
  return held;
}

/* ---- the store ---------------------------------------------------------------------------------------------------------------- */

/* store:load(token) -> record, or nil */
static int l_load(lua_State *L) {
  store_box *box = check_store(L);
  rl_slice token = rl_check_slice(L, 2);
  rl_session_rules rules = rules_of(L, box);
  held_session *held = push_session(L);
  int code = box->store->load(box->store, &rules, token, &held->session);
  if (code == RL_ENOMEM) return rl_error_raise(L, code, NULL);
  if (code) lua_pushnil(L);
  else push_record(L, &held->session);
  rl_owner_release(&held->owner);
  return 1;
}

static int push_failure(lua_State *L, int code) {
  if (code == RL_ENOMEM) return rl_error_raise(L, code, NULL);
  lua_pushnil(L);
  lua_pushstring(L, code == RL_EAGAIN ? "conflict" : code == RL_ETOOBIG ? "large" : "gone");
  return 2;
}

/* store:save(record) -> token | nil, "conflict" (saved by another since), "gone" (revoked since) or "large" */
static int l_save(lua_State *L) {
  store_box *box = check_store(L);
  rl_session_rules rules = rules_of(L, box);
  rl_session session;
  read_record(L, 2, &session);
  lua_getfield(L, 2, "data");
  rl_slice data = rl_check_slice(L, -1);
  rl_buf *token = rl_scratch_push(L); /* from here to its end no call of Lua's can raise */
  int code = rl_buf_add_slice(&session.data, data);
  if (!code) code = box->store->save(box->store, &rules, &session, token);
  rl_session_free(&session);
  if (code) rl_scratch_give(token);
  if (code) return push_failure(L, code);
  lua_pushinteger(L, (lua_Integer)session.version);
  lua_setfield(L, 2, "version");
  return rl_scratch_result(L, token, RL_OK);
}

/* store:revoke(record): no copy of it is accepted any more */
static int l_revoke(lua_State *L) {
  store_box *box = check_store(L);
  rl_session_rules rules = rules_of(L, box);
  rl_session session;
  read_record(L, 2, &session);
  if (box->store->revoke(box->store, &rules, &session)) return rl_error_raise(L, RL_ENOMEM, NULL);
  return 0;
}

/* ---- for stores in Lua ---------------------------------------------------------------------------------------------------------- */

/* session_key(name, token) -> key of 32 bytes under which a store keeps it, and the id; or nil. Raises where memory is short: that
 * is no token of a stranger. */
static int l_session_key(lua_State *L) {
  uint8_t id[RL_SESSION_ID], key[32];
  int code = rl_session_read_token(rl_check_slice(L, 2), id);
  if (code == RL_ENOMEM) rl_error_raise(L, code, NULL);
  if (code) {
    lua_pushnil(L);
    return 1;
  }
  rl_session_key(rl_check_slice(L, 1), id, key);
  lua_pushlstring(L, (const char *)key, sizeof key);
  lua_pushlstring(L, (const char *)id, sizeof id);
  return 2;
}

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
                                     {"session_key", l_session_key},     {"csrf_token", l_csrf_token},
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
