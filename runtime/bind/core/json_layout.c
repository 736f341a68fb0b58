/* The layouts of objects; see json_layout.h. */
#include "bind/core/json_layout.h"

#include "bind/bind.h"

enum { SLOTS = RL_JSON_FEW + 1 }; /* of one layout in the table that keeps its keys and, last, its shape alive */

rl_json_layout *rl__json_layout_find(lua_State *L) {
  uintptr_t address = (uintptr_t)lua_topointer(L, -2);
  rl_json_layout *layouts = rl_vm_of(L)->json_layouts;
  return &layouts[(address >> 4 ^ address >> 8) % RL_JSON_LAYOUTS];
}

bool rl__json_layout_is_due(lua_State *L, rl_json_layout *layout, int first, int count, const void *shape) {
  uintptr_t mixed = (uintptr_t)shape ^ (uintptr_t)count;
  for (int i = 0; i < count; i++) mixed = mixed * 31 + (uintptr_t)lua_topointer(L, first + 2 * i);
  bool due = layout->candidate == mixed;
  layout->candidate = mixed;
  return due;
}

void rl__json_layout_keep(rl_json_encoder *e, rl_json_layout *layout, const rl_json_plan *plan, int first, int count,
                          const void *shape) {
  lua_State *L = e->L;
  rl_json_layout *layouts = rl_vm_of(L)->json_layouts;
  lua_Integer slot = (layout - layouts) * SLOTS;
  layout->count = 0; /* nothing is compared with keys that are about to be let go */
  rl_vm_push_ref(L, RL_REF_JSON_LAYOUTS);
  lua_getiuservalue(L, -1, 1);
  for (int i = 0; i < count; i++) {
    lua_pushvalue(L, first + 2 * i);
    lua_rawseti(L, -2, slot + i + 1);
    layout->keys[i] = lua_topointer(L, first + 2 * i);
  }
  lua_pushvalue(L, e->slot);
  lua_rawseti(L, -2, slot + SLOTS);
  lua_pop(L, 2);
  rl__json_plan_copy(&layout->plan, plan, count);
  layout->shape = shape;
  layout->count = count;
}

void rl__json_layout_open(lua_State *L) {
  rl_vm *vm = rl_vm_of(L);
  rl_json_layout *layouts = lua_newuserdatauv(L, RL_JSON_LAYOUTS * sizeof *layouts, 1);
  for (int i = 0; i < RL_JSON_LAYOUTS; i++) layouts[i].count = 0, layouts[i].candidate = 0;
  lua_createtable(L, RL_JSON_LAYOUTS * SLOTS, 0);
  lua_setiuservalue(L, -2, 1);
  vm->refs[RL_REF_JSON_LAYOUTS] = luaL_ref(L, LUA_REGISTRYINDEX);
  vm->json_layouts = layouts;
}
