/*
 * What the files of vm/bind/ share. Each mirrors a noun: static functions of 5 to 10 lines under a one-line Lua signature,
 * one luaL_Reg, its rl_bind_<noun> last, which adds the functions to the table on top of the stack.
 */
#ifndef RL_VM_BIND_BIND_H
#define RL_VM_BIND_BIND_H

#include "bind/core/names.h"
#include "vm/error.h"
#include "vm/task/task.h"

void rl_bind_json(lua_State *L);
void rl_bind_task(lua_State *L);
void rl_bind_text(lua_State *L);
void rl_bind_log(lua_State *L);
void rl_bind_app(lua_State *L);
void rl_bind_chain(lua_State *L);
void rl_bind_out(lua_State *L);
void rl_bind_main(lua_State *L);
void rl_bind_request(lua_State *L);
void rl_bind_response(lua_State *L);
void rl_bind_template(lua_State *L);
void rl_bind_template_lexer(lua_State *L);
void rl_bind_sqlite(lua_State *L);
void rl_bind_files(lua_State *L);
void rl_bind_machine(lua_State *L);
void rl_bind_local(lua_State *L);
void rl_bind_server(lua_State *L);
void rl_bind_offload(lua_State *L);
void rl_bind_static(lua_State *L);
void rl_bind_compress(lua_State *L);
void rl_bind_testing(lua_State *L);
/* Nothing can wake any task: ends the test that runs. False where none does, or this one was told already. */
bool rl_testing_give_up(rl_vm *vm);
void rl_bind_charset(lua_State *L);
void rl_bind_client(lua_State *L);
void rl_bind_crypto(lua_State *L);
void rl_bind_form(lua_State *L);
void rl_bind_image(lua_State *L);
void rl_bind_spill(lua_State *L);
void rl_bind_session(lua_State *L);
void rl_bind_session_database(lua_State *L);
void rl_bind_guard(lua_State *L);
void rl_bind_client_cookie(lua_State *L);
void rl_bind_client_head(lua_State *L);
void rl_bind_client_transfer(lua_State *L);
void rl_bind_client_url(lua_State *L);
void rl_bind_file(lua_State *L);
void rl_bind_desk(lua_State *L);
void rl_bind_prompt(lua_State *L);
void rl_bind_scan(lua_State *L);

/* A string argument as a slice, borrowed as long as the value stays on the stack. */
static inline rl_slice rl_check_slice(lua_State *L, int index) {
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  return rl_slice_of(text, len);
}

static inline void rl_push_slice(lua_State *L, rl_slice s) { lua_pushlstring(L, s.len ? s.data : "", s.len); }

/* As luaL_newmetatable, for a name that nothing else has: two kinds of userdata under one would pass for each other. */
static inline void rl_new_metatable(lua_State *L, const char *name) {
  if (!luaL_newmetatable(L, name)) luaL_error(L, "%s is the name of another kind of value", name);
}

/* As luaL_checkudata, for hot paths: the metatable is known by its reference, and no name is looked up. */
static inline void *rl_check_userdata(lua_State *L, int index, int which, const char *name) {
  void *object = lua_touserdata(L, index);
  if (!object || !lua_getmetatable(L, index)) return luaL_checkudata(L, index, name);
  rl_vm_push_ref(L, which);
  bool is_one = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return is_one ? object : luaL_checkudata(L, index, name);
}

/* A string in lower case (ASCII). */
void rl_push_lower(lua_State *L, rl_slice s);
/* Headers gathered by name in the table at index `table` (positive): all are added, then it is finished. See joined.c. */
void rl_joined_add(lua_State *L, int table, rl_slice name, rl_slice value);
void rl_joined_finish(lua_State *L, int table);

/* A duration in seconds, not negative; raises at the caller's line. */
double rl_check_seconds(lua_State *L, int index);
/* A size in bytes: an integer, or a float with an integral value. */
lua_Integer rl_check_size(lua_State *L, int index);

/* rille.null: JSON and SQL null where nil cannot stand. */
static inline void rl_push_null(lua_State *L) { lua_pushlightuserdata(L, NULL); }
static inline bool rl_is_null(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TLIGHTUSERDATA && !lua_touserdata(L, index);
}

/* A key ring (crypto/keyring.h) made by native.keyring, alive as long as the value. */
struct rl_keyring *rl_check_keyring(lua_State *L, int index);

/* Encodes the value at `index` as JSON into `out`; raises on what JSON cannot hold. */
void rl_json_encode_value(lua_State *L, int index, rl_buf *out);
/* Decodes and pushes; raises an error value with code "json" and status 400. */
void rl_json_decode_text(lua_State *L, rl_slice text);
/* C functions of ours that let waits through, for the message about those that do not. */
void rl_lets_waits_through(lua_State *L, lua_CFunction function);
/* Marks the table on top of the stack as a list (rille.array). */
void rl_mark_array(lua_State *L);

/* A shape is a metatable that remembers in which order the keys of its tables came: [0] the mark, [1 …] the keys. It does
 * nothing else: a row of a query is a plain table whose columns are written as JSON in the order of the query. */
extern const char rl_shape_mark;
/* Pushes the shape of the table at `index`; false where it has none, and nothing is pushed. */
static inline bool rl_push_shape(lua_State *L, int index) {
  if (!lua_getmetatable(L, index)) return false;
  bool is_shape = lua_rawgeti(L, -1, 0) == LUA_TLIGHTUSERDATA && lua_touserdata(L, -1) == &rl_shape_mark;
  lua_pop(L, is_shape ? 1 : 2);
  return is_shape;
}

#endif
