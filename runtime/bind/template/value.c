/*
 * The operations that templates use most often, in C for speed: looking up attributes and items, listing items, the kind of a
 * value, its truth. See kinds.h. Each handles plain values, and calls the Lua function of the same name for the others.
 */
#include "bind/template/kinds.h"

#include "bind/template/page.h"
#include "bind/template/plan.h"
#include "bind/template/template.h"
#include "bind/template/walk.h"

/* ---- looking up ------------------------------------------------------------------------------------------------------------------- */

static int results_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return lua_gettop(L);
}

/* Calls the Lua function in upvalue 2 with the first `count` arguments, and returns its results. */
static int by_lua(lua_State *L, int count, int results) {
  lua_settop(L, count);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_insert(L, 1);
  lua_callk(L, count, results, 0, results_k);
  return lua_gettop(L);
}

/* attr(object, name) -> value: fields of the table itself; Lua looks up all others */
static int l_attr(lua_State *L) { return rl__push_attribute(L, 1) ? 1 : by_lua(L, 2, 1); }

/* peek(object, name) -> value or nil: the same */
static int l_peek(lua_State *L) {
  if (rl__push_attribute(L, 1)) return 1;
  if (!rl__lacks_attribute(L, 1, lua_upvalueindex(4))) return by_lua(L, 2, 1);
  lua_pushnil(L);
  return 1;
}

/* Pushes an item of a list by its number from 0, or a field by its name. Returns false if Lua must look it up. A table with a metatable
 * may be a value of ours, with internals at numbers. */
static bool push_item(lua_State *L) {
  if (lua_type(L, 1) != LUA_TTABLE) return false;
  if (lua_type(L, 2) == LUA_TSTRING) return rl__push_attribute(L, 1);
  if (!lua_isinteger(L, 2) || lua_tointeger(L, 2) < 0 || rl__meta_of(L, 1)) return false;
  if (lua_rawgeti(L, 1, 1) == LUA_TNIL) return false;
  return lua_rawgeti(L, 1, lua_tointeger(L, 2) + 1) != LUA_TNIL;
}

/* item(object, key) -> value */
static int l_item(lua_State *L) { return push_item(L) ? 1 : by_lua(L, 2, 1); }

/* Returns the address of a table that is a field of the table at `index`. */
static const void *field_address(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  luaL_checktype(L, -1, LUA_TTABLE);
  const void *address = lua_topointer(L, -1);
  lua_pop(L, 1);
  return address;
}

/* Pushes the kinds from the metatables in the table at `index`. That table is its user value, which keeps them alive. */
static void new_kinds(lua_State *L, int index) {
  rl__kinds *k = lua_newuserdatauv(L, sizeof *k, 1);
  *k =
      (rl__kinds){field_address(L, index, "array"), field_address(L, index, "tuple"), field_address(L, index, "markup"),
                  field_address(L, index, "undefined"), field_address(L, index, "strict")};
  lua_pushvalue(L, index);
  lua_setiuservalue(L, -2, 1);
}

/* ---- items ------------------------------------------------------------------------------------------------------------------------------- */

/* items(c, value) -> list, length, function of more; all_items(c, value) -> list, length; see template/items.lua */
static int l_items(lua_State *L) {
  lua_settop(L, 2);
  lua_Integer len = rl__plain_length(L, 2);
  if (len < 0) return by_lua(L, 2, LUA_MULTRET);
  lua_pushinteger(L, len);
  return 2;
}

/* unpack(value, n) -> its n items */
static int l_unpack(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 2);
  lua_settop(L, 2);
  if (rl__plain_length(L, 1) != n) return by_lua(L, 2, LUA_MULTRET);
  luaL_checkstack(L, (int)n, "too many items to unpack");
  for (lua_Integer i = 1; i <= n; i++) lua_rawgeti(L, 1, i);
  return (int)n;
}

/* ---- what a value is ------------------------------------------------------------------------------------------------------------------ */

/* Upvalues of kind: 1 the kinds, 2 the key of ordered mappings, then these words. */
enum {
  WORD_UNDEFINED = 3,
  WORD_NONE,
  WORD_BOOLEAN,
  WORD_NUMBER,
  WORD_STRING,
  WORD_MARKUP,
  WORD_LIST,
  WORD_TUPLE,
  WORD_MAPPING,
  WORD_FUNCTION,
  WORD_OBJECT,
  WORD_THREAD
};
static const char *const words[] = {"undefined", "none",  "boolean", "number",   "string", "markup",
                                    "list",      "tuple", "mapping", "function", "object", "thread"};

/* Returns true if the metatable of the table at index 1 has the key of upvalue 2. */
static bool is_ordered_mapping(lua_State *L) {
  lua_getmetatable(L, 1);
  lua_pushvalue(L, lua_upvalueindex(2));
  return lua_rawget(L, -2) != LUA_TNIL;
}

static int kind_of_table(lua_State *L) {
  const rl__kinds *known = rl__kinds_of(L);
  const void *meta = rl__meta_of(L, 1);
  if (!meta) return lua_rawgeti(L, 1, 1) != LUA_TNIL ? WORD_LIST : WORD_MAPPING;
  if (meta == known->array) return WORD_LIST;
  if (meta == known->markup) return WORD_MARKUP;
  if (meta == known->undefined || meta == known->strict) return WORD_UNDEFINED;
  if (meta == known->tuple) return WORD_TUPLE;
  return is_ordered_mapping(L) ? WORD_MAPPING : WORD_OBJECT;
}

static int kind_of(lua_State *L) {
  switch (lua_type(L, 1)) {
    case LUA_TNONE:
    case LUA_TNIL: return WORD_UNDEFINED;
    case LUA_TBOOLEAN: return WORD_BOOLEAN;
    case LUA_TNUMBER: return WORD_NUMBER;
    case LUA_TSTRING: return WORD_STRING;
    case LUA_TTABLE: return kind_of_table(L);
    case LUA_TFUNCTION: return WORD_FUNCTION;
    case LUA_TTHREAD: return WORD_THREAD;
    default: return rl_is_null(L, 1) ? WORD_NONE : WORD_OBJECT;
  }
}

/* kind(value) -> one of these words */
static int l_kind(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(kind_of(L)));
  return 1;
}

/* kind_function({array=, tuple=, markup=, undefined=, strict=}, keys) -> kind */
static int l_kind_function(lua_State *L) {
  lua_settop(L, 2);
  new_kinds(L, 1);
  lua_replace(L, 1);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) lua_pushstring(L, words[i]);
  lua_pushcclosure(L, l_kind, 2 + (int)(sizeof words / sizeof *words));
  return 1;
}

/* ---- truth ------------------------------------------------------------------------------------------------------------------------------- */

/* truth(value) -> boolean: false for false, none, undefined, 0, and empty values */
static int l_truth(lua_State *L) {
  rl__truth truth = rl__truth_of(L, 1);
  if (truth == RL__TRUTH_ASK) return by_lua(L, 1, 1);
  lua_pushboolean(L, truth);
  return 1;
}

/* truth_of_attribute(object, name) -> truth(attr(object, name)) in one step */
static int l_truth_of_attribute(lua_State *L) {
  if (!rl__push_attribute(L, 1)) {
    if (!rl__lacks_attribute(L, 1, lua_upvalueindex(4))) return by_lua(L, 2, 1);
    lua_pushboolean(L, false);
    return 1;
  }
  lua_replace(L, 1);
  lua_settop(L, 1);
  rl__truth truth = rl__truth_of(L, 1);
  if (truth == RL__TRUTH_ASK) {
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_insert(L, 1);
    lua_callk(L, 1, 1, 0, results_k);
  } else {
    lua_pushboolean(L, truth);
  }
  return 1;
}

/* defined(value) -> boolean */
static int l_defined(lua_State *L) {
  bool defined = !lua_isnoneornil(L, 1);
  if (lua_type(L, 1) == LUA_TTABLE) {
    const void *meta = rl__meta_of(L, 1);
    defined = !meta || (meta != rl__kinds_of(L)->undefined && meta != rl__kinds_of(L)->strict);
  }
  lua_pushboolean(L, defined);
  return 1;
}

/* ---- putting it together -------------------------------------------------------------------------------------------------------------- */

/* Sets a function in the table at index 3. Its upvalues: 1 the kinds, then the fields `lua`, `more` and `methods` of the argument. */
static void add_function(lua_State *L, const char *name, lua_CFunction function, const char *lua, const char *more) {
  lua_pushvalue(L, 2);
  lua_getfield(L, 1, lua);
  lua_getfield(L, 1, more);
  lua_getfield(L, 1, "methods");
  lua_pushcclosure(L, function, 4);
  lua_setfield(L, 3, name);
}

/* plan(spec, leaves) -> run */
static int l_plan(lua_State *L) { return rl__plan_new(L, rl__walk_run); }

/* page_functions{array=, tuple=, markup=, undefined=, strict=, text=, attribute_text=, attr=, peek=, item=, truth=,
 * truth_of_attribute=, items=, all_items=, unpack=, methods=} -> table of functions. The first five are metatables, `methods` is the
 * set of names that lists and mappings have, or nil if the template is strict; the others are the Lua functions for values that are
 * not plain. */
static int l_page_functions(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  new_kinds(L, 1);
  lua_newtable(L);
  luaL_setfuncs(L, rl__page_methods, 0);
  add_function(L, "put", rl__page_put, "text", "attribute_text");
  add_function(L, "attr", l_attr, "attr", "none");
  add_function(L, "peek", l_peek, "peek", "none");
  add_function(L, "item", l_item, "item", "none");
  add_function(L, "truth", l_truth, "truth", "none");
  add_function(L, "truth_of_attribute", l_truth_of_attribute, "truth_of_attribute", "truth");
  add_function(L, "items", l_items, "items", "none");
  add_function(L, "all_items", l_items, "all_items", "none");
  add_function(L, "unpack", l_unpack, "unpack", "none");
  add_function(L, "defined", l_defined, "none", "none");
  add_function(L, "plan", l_plan, "none", "none");
  return 1;
}

static const luaL_Reg functions[] = {
    {"page_functions", l_page_functions}, {"kind_function", l_kind_function}, {NULL, NULL}};

void rl_bind_value(lua_State *L) {
  static const lua_CFunction transparent[] = {l_attr, l_peek, l_item, l_truth, l_truth_of_attribute, l_items, l_unpack};
  for (size_t i = 0; i < sizeof transparent / sizeof *transparent; i++) rl_lets_waits_through(L, transparent[i]);
  rl__walk_open(L);
  luaL_setfuncs(L, functions, 0);
}
