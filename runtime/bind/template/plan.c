/* Makes plans; see plan.h. The spec is checked: whatever it says, a walk stays within the plan and its slots. */
#include "bind/template/plan.h"

#include <string.h>

/* In the order of the enums. */
static const char *const op_names[] = {"text", "get",   "field",  "sub",  "count", "filter", "put",
                                       "show", "equal", "test",   "go",   "items", "next",   "again",
                                       "ran",  "load",  "unpack", "leaf", NULL};
static const char *const cell_names[] = {"print", "test", "items", "value", "item", NULL};

enum { STEP_FIELDS = 5, CELL_FIELDS = 7 };
enum { SPEC = 1, SPEC_LEAVES, SPEC_STEPS, SPEC_CELLS, SPEC_KEYS, SPEC_TEXT, MADE };

static lua_Integer item_at(lua_State *L, int index, size_t i, lua_Integer least, lua_Integer most) {
  lua_rawgeti(L, index, (lua_Integer)i + 1);
  lua_Integer n = luaL_checkinteger(L, -1);
  if (n < least || n > most) luaL_error(L, "a plan does not hang together");
  lua_pop(L, 1);
  return n;
}

static uint8_t word_at(lua_State *L, int index, size_t i, const char *const words[]) {
  lua_rawgeti(L, index, (lua_Integer)i + 1);
  int word = luaL_checkoption(L, -1, NULL, words);
  lua_pop(L, 1);
  return (uint8_t)word;
}

static uint32_t count_at(lua_State *L, const char *name) {
  lua_getfield(L, SPEC, name);
  lua_Integer n = luaL_checkinteger(L, -1);
  luaL_argcheck(L, n >= 0 && n < INT32_MAX / 64, SPEC, name);
  lua_pop(L, 1);
  return (uint32_t)n;
}

/* Returns how many slots the cells name. */
static uint32_t count_slots(lua_State *L, uint32_t cells) {
  size_t at = 0;
  lua_Integer slots = 0;
  for (uint32_t i = 0; i < cells; i++) {
    lua_Integer here =
        item_at(L, SPEC_CELLS, at + 5, 0, PLAN_MOST_PARAMS) + item_at(L, SPEC_CELLS, at + 6, 0, PLAN_MOST_PARAMS);
    slots += here;
    at += CELL_FIELDS + (size_t)here;
  }
  return (uint32_t)slots;
}

/* Pushes a new plan with room for what the spec counts. */
static rl__plan *push_plan(lua_State *L) {
  uint32_t steps = count_at(L, "count"), cells = count_at(L, "cell_count"), slots = count_slots(L, cells);
  size_t size =
      sizeof(rl__plan) + steps * sizeof(rl__plan_step) + cells * sizeof(rl__plan_cell) + slots * sizeof(uint16_t);
  rl__plan *p = lua_newuserdatauv(L, size, 1);
  memset(p, 0, size);
  p->step_count = steps, p->cell_count = cells, p->slot_count = slots;
  p->variables = (int)count_at(L, "slots");
  p->steps = (rl__plan_step *)(void *)(p + 1);
  p->cells = (rl__plan_cell *)(void *)(p->steps + steps);
  p->slots = (uint16_t *)(void *)(p->cells + cells);
  p->text = lua_tostring(L, SPEC_TEXT);
  lua_pushvalue(L, SPEC_TEXT);
  lua_setiuservalue(L, -2, 1);
  luaL_argcheck(L, p->variables <= PLAN_MOST_SLOTS, SPEC, "too many variables");
  return p;
}

static void read_cells(lua_State *L, rl__plan *p) {
  size_t at = 0, slot = 0;
  lua_Integer leaves = (lua_Integer)lua_rawlen(L, SPEC_LEAVES);
  for (uint32_t i = 0; i < p->cell_count; i++) {
    rl__plan_cell *c = &p->cells[i];
    c->kind = word_at(L, SPEC_CELLS, at, cell_names);
    c->leaf = (uint32_t)item_at(L, SPEC_CELLS, at + 1, 1, leaves);
    c->done = (uint32_t)item_at(L, SPEC_CELLS, at + 2, 0, p->step_count);
    c->to = (uint32_t)item_at(L, SPEC_CELLS, at + 3, 0, p->step_count);
    c->want = (uint8_t)item_at(L, SPEC_CELLS, at + 4, 0, 1);
    c->params = (uint8_t)item_at(L, SPEC_CELLS, at + 5, 0, PLAN_MOST_PARAMS);
    c->results = (uint8_t)item_at(L, SPEC_CELLS, at + 6, 0, PLAN_MOST_PARAMS);
    c->slots = (uint32_t)slot;
    at += CELL_FIELDS;
    if ((c->kind == CELL_ITEMS && c->results != 3) || (c->kind == CELL_ITEM && c->results != 2))
      luaL_error(L, "cell %d of a plan does not hang together", (int)i);
    for (int n = c->params + c->results; n > 0; n--)
      p->slots[slot++] = (uint16_t)item_at(L, SPEC_CELLS, at++, 0, p->variables - 1);
    if (c->kind == CELL_ITEMS && p->slots[slot - 3] + I_SLOT >= p->variables)
      luaL_error(L, "the loop of cell %d has no room", (int)i);
  }
}

/* Returns true if Lua must answer for a key that a plain table does not have. */
static bool is_method(lua_State *L, uint32_t key) {
  if (lua_isnil(L, lua_upvalueindex(PLAN_METHODS))) return true;
  lua_rawgeti(L, SPEC_KEYS, (lua_Integer)key + 1);
  bool found = lua_rawget(L, lua_upvalueindex(PLAN_METHODS)) != LUA_TNIL;
  lua_pop(L, 1);
  return found;
}

/* Checks that what a step names is there. */
static bool holds(const rl__plan *p, const rl__plan_step *s, lua_Integer keys, size_t text) {
  bool jumps = s->op == OP_TEST || s->op == OP_GO || s->op == OP_NEXT || s->op == OP_AGAIN || s->op == OP_RAN;
  bool names = s->op == OP_FIELD || s->op == OP_SHOW || s->op == OP_SUB || s->op == OP_EQUAL || s->op == OP_LOAD;
  bool loops = s->op == OP_ITEMS || s->op == OP_NEXT;
  if (s->op == OP_TEXT) return s->a <= text && s->b <= text - s->a;
  if (jumps && s->b > p->step_count) return false;
  if (names && s->a >= keys) return false;
  if (s->op == OP_COUNT && s->b >= (uint32_t)p->variables) return false;
  if (s->op == OP_NEXT && s->a >= (uint32_t)p->variables) return false;
  bool has_cell = s->op != OP_GO && s->op != OP_RAN;
  if (has_cell && s->cell + (s->op == OP_NEXT) >= p->cell_count) return false;
  return s->slot + (loops ? I_SLOT : 0) < p->variables || (s->slot == 0 && !loops);
}

static void read_steps(lua_State *L, rl__plan *p) {
  lua_Integer keys = (lua_Integer)lua_rawlen(L, SPEC_KEYS);
  for (uint32_t i = 0; i < p->step_count; i++) {
    size_t at = (size_t)i * STEP_FIELDS;
    rl__plan_step *s = &p->steps[i];
    s->op = word_at(L, SPEC_STEPS, at, op_names);
    s->slot = (uint16_t)item_at(L, SPEC_STEPS, at + 1, 0, PLAN_MOST_SLOTS);
    s->a = (uint32_t)item_at(L, SPEC_STEPS, at + 2, 0, INT32_MAX);
    s->b = (uint32_t)item_at(L, SPEC_STEPS, at + 3, 0, INT32_MAX);
    s->cell = (uint32_t)item_at(L, SPEC_STEPS, at + 4, 0, INT32_MAX);
    if (!holds(p, s, keys, lua_rawlen(L, SPEC_TEXT))) luaL_error(L, "step %d of a plan does not hang together", (int)i);
    s->is_method = (s->op == OP_FIELD || s->op == OP_SUB || s->op == OP_SHOW) && is_method(L, s->a);
  }
}

static void push_spec(lua_State *L, const char *name, int type) {
  lua_getfield(L, SPEC, name);
  luaL_argcheck(L, lua_type(L, -1) == type, SPEC, name);
}

int rl__plan_new(lua_State *L, lua_CFunction run) {
  luaL_checktype(L, SPEC, LUA_TTABLE);
  luaL_checktype(L, SPEC_LEAVES, LUA_TTABLE);
  lua_settop(L, SPEC_LEAVES);
  push_spec(L, "steps", LUA_TTABLE);
  push_spec(L, "cells", LUA_TTABLE);
  push_spec(L, "keys", LUA_TTABLE);
  push_spec(L, "text", LUA_TSTRING);
  rl__plan *p = push_plan(L);
  read_cells(L, p);
  read_steps(L, p);
  int keys = (int)lua_rawlen(L, SPEC_KEYS);
  luaL_argcheck(L, keys <= PLAN_MOST_KEYS, SPEC, "too many keys");
  luaL_checkstack(L, keys + PLAN_FIRST_KEY, "a plan");
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, MADE);
  lua_pushvalue(L, SPEC_LEAVES);
  lua_pushvalue(L, lua_upvalueindex(PLAN_METHODS));
  lua_pushliteral(L, "vars");
  lua_pushliteral(L, "stream");
  for (int i = 1; i <= keys; i++) lua_rawgeti(L, SPEC_KEYS, i);
  lua_pushcclosure(L, run, PLAN_FIRST_KEY - 1 + keys);
  return 1;
}
