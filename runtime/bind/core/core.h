/*
 * What has no noun of its own: values and their text, tasks, files, secrets, the log, and the commands.
 */
#ifndef RL_BIND_CORE_CORE_H
#define RL_BIND_CORE_CORE_H

#include "bind/bind.h"

/* Each adds the functions of its file to the table on top of the stack. */
void rl_bind_charset(lua_State *L);
void rl_bind_crypto(lua_State *L);
void rl_bind_dashboard(lua_State *L);
void rl_bind_file(lua_State *L);
void rl_bind_directory(lua_State *L);
void rl_bind_image(lua_State *L);
void rl_bind_json(lua_State *L);
void rl_bind_json_decode(lua_State *L);
void rl_bind_log(lua_State *L);
void rl_bind_machine(lua_State *L);
void rl_bind_main(lua_State *L);
void rl_bind_offload(lua_State *L);
void rl_bind_prompt(lua_State *L);
void rl_bind_queue(lua_State *L);
void rl_bind_scope(lua_State *L);
void rl_bind_scan(lua_State *L);
void rl_bind_task(lua_State *L);
void rl_bind_testing(lua_State *L);
void rl_bind_text(lua_State *L);

/* A key ring (crypto/keyring.h) made by native.keyring, alive as long as the value. */
struct rl_keyring *rl_check_keyring(lua_State *L, int index);

/* Encodes the value at `index` as JSON into `out`; raises on what JSON cannot hold. */
void rl_json_encode_value(lua_State *L, int index, rl_buf *out);
/* Decodes and pushes; raises an error value with code "json" and status 400. */
void rl_json_decode_text(lua_State *L, rl_slice text);

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

/* Returns the running task. Raises "WHAT outside a task" if there is none. */
rl_task *rl__task_running(lua_State *L, const char *what);
/* Spawns the function at `first` with the arguments above it, as a child of `parent` (or of nobody) in `group` (or NULL). Leaves the
 * handle. */
int rl__task_spawn(lua_State *L, int first, rl_task *parent, rl_scope *group);

#endif
