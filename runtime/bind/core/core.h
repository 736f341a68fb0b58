/*
 * The bindings of rille.native.core: text and JSON, tasks, files, secrets, the log, and the commands. Nothing here knows HTTP, the
 * client, databases or templates.
 */
#ifndef RL_BIND_CORE_CORE_H
#define RL_BIND_CORE_CORE_H

#include "bind/bind.h"

/* Each adds the functions of its file to the table on top of the stack. */
void rl_bind_acme(lua_State *L);
void rl_bind_certificate(lua_State *L);
void rl_bind_charset(lua_State *L);
void rl_bind_crypto(lua_State *L);
void rl_bind_dashboard(lua_State *L);
void rl_bind_durable(lua_State *L);
void rl_bind_file(lua_State *L);
void rl_bind_directory(lua_State *L);
void rl_bind_image(lua_State *L);
void rl_bind_json(lua_State *L);
void rl_bind_json_decode(lua_State *L);
void rl_bind_json_text(lua_State *L);
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

/* Returns the key ring (crypto/keyring.h) at `index`, made by native.keyring. It lives as long as the value. Raises if it is none. */
struct rl_keyring *rl_check_keyring(lua_State *L, int index);

/* Appends the value at `index` as JSON to `out`, which has no limit (rl_scratch_push). Raises if JSON cannot express it. */
void rl_json_encode_value(lua_State *L, int index, rl_buf *out);

/* Replaces the string on top of the stack by JSON text, which an encoder copies as it is. The string is valid JSON. */
void rl_push_json_text(lua_State *L);
/* Pushes the string of the JSON text at `index`. Returns false and pushes nothing if it is none. */
bool rl_push_json_string(lua_State *L, int index);

/* Marks the table on top of the stack as a list (rille.array). */
void rl_mark_array(lua_State *L);

/* A shape is a metatable that records the order of the keys of its tables: [0] is the mark, [1 …] are the keys. It has no
 * other effect. A row of a query has one, so that its columns are written as JSON in the order of the query. A program can change it,
 * so nothing else may rest on what it says. */
extern const char rl_shape_mark;
/* Pushes the shape of the table at `index`. Returns false and pushes nothing if it has none. */
static inline bool rl_push_shape(lua_State *L, int index) {
  if (!lua_getmetatable(L, index)) return false;
  bool is_shape = lua_rawgeti(L, -1, 0) == LUA_TLIGHTUSERDATA && lua_touserdata(L, -1) == &rl_shape_mark;
  lua_pop(L, is_shape ? 1 : 2);
  return is_shape;
}

/* Returns the running task. Raises "WHAT outside a task" if there is none. */
rl_task *rl__task_running(lua_State *L, const char *what);
/* Spawns the function at `first` with the arguments above it, as a child of `parent` (NULL: a root) in `group` (or NULL). Replaces
 * them by the handle, and returns 1. Raises if out of memory. */
int rl__task_spawn(lua_State *L, int first, rl_task *parent, rl_scope *group);

#endif
