/* JSON for Lua: the encoder (json_value.h) and the mark of lists. json_decode.c reads it. */
#include "base/error.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "bind/core/json_layout.h"
#include "bind/core/json_value.h"
#include "vm/owner.h"

void rl_json_encode_value(lua_State *L, int index, rl_buf *out) { rl__json_encode_from(L, index, out, false); }

/* json_encode(value) -> string; raises if JSON cannot express it */
static int json_encode(lua_State *L) {
  luaL_checkany(L, 1);
  rl_buf *scratch = rl_scratch_push(L);
  rl__json_encode_from(L, 1, scratch, false);
  return rl_scratch_result(L, scratch, RL_OK);
}

/* json_canonical(value) -> string: ignores shapes, so that equal values give equal texts; raises as json_encode */
static int json_canonical(lua_State *L) {
  luaL_checkany(L, 1);
  rl_buf *scratch = rl_scratch_push(L);
  rl__json_encode_from(L, 1, scratch, true);
  return rl_scratch_result(L, scratch, RL_OK);
}

/* ---- lists ------------------------------------------------------------------------------------------------------------------ */

void rl_mark_array(lua_State *L) {
  rl_vm_push_ref(L, RL_REF_ARRAY_META);
  lua_setmetatable(L, -2);
}

/* array(table?) -> the same table, marked as a list */
static int array(lua_State *L) {
  if (lua_isnoneornil(L, 1)) lua_settop(L, 0), lua_newtable(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  rl_mark_array(L);
  return 1;
}

static const luaL_Reg functions[] = {
    {"json_encode", json_encode}, {"json_canonical", json_canonical}, {"array", array}, {NULL, NULL}};

void rl_bind_json(lua_State *L) {
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "rille.array");
  lua_setfield(L, -2, "__name");
  rl_vm_keep_meta(L, RL_REF_ARRAY_META);
  lua_pushlightuserdata(L, (void *)(uintptr_t)&rl_shape_mark);
  lua_setfield(L, -2, "shape_mark");
  rl__json_layout_open(L);
  luaL_setfuncs(L, functions, 0);
  rl_bind_json_text(L);
}
