/*
 * Kinds of values in a template. A string, number or boolean is itself, nil is undefined, native.null is none. The metatable of a
 * table says what it is: markup (item 1 is text that is HTML already), undefined (prints nothing), strict (undefined that
 * raises), array, tuple. C handles the plain cases, and calls a function of lua/rille/template/, which may wait, for the rest.
 */
#ifndef RL_BIND_TEMPLATE_KINDS_H
#define RL_BIND_TEMPLATE_KINDS_H

#include "bind/bind.h"
#include "bind/core/core.h"

/* Addresses of metatables. The functions that compare them keep the metatables alive in their upvalues. */
typedef struct rl__kinds {
  const void *array, *tuple, *markup, *undefined, *strict;
} rl__kinds;

static inline const rl__kinds *rl__kinds_of(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }

/* Returns the address of the metatable of the table or userdata at `index`, or NULL. A shape (bind/core/core.h) does not count: a
 * row of a query is a plain mapping. */
static inline const void *rl__meta_of(lua_State *L, int index) {
  if (!lua_getmetatable(L, index)) return NULL;
  if (lua_rawgeti(L, -1, 0) == LUA_TLIGHTUSERDATA && lua_touserdata(L, -1) == &rl_shape_mark)
    return lua_pop(L, 2), NULL;
  lua_pop(L, 1);
  const void *meta = lua_topointer(L, -1);
  lua_pop(L, 1);
  return meta;
}

/* Returns true if the key begins with an underscore and the table has a metatable: then Lua decides whether it may be seen. */
static inline bool rl__may_be_private(lua_State *L, int index) {
  const char *name = lua_type(L, index + 1) == LUA_TSTRING ? lua_tostring(L, index + 1) : "";
  return name[0] == '_' && rl__meta_of(L, index);
}

/* Pushes the attribute of the table at `index` whose key is at `index` + 1. Returns false and pushes nothing if Lua must look it up. */
static inline bool rl__push_attribute(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE || rl__may_be_private(L, index)) return false;
  lua_pushvalue(L, index + 1);
  if (lua_rawget(L, index) != LUA_TNIL) return true;
  lua_pop(L, 1);
  return false;
}

/* Returns true if that table certainly has no such attribute: it is a plain list or mapping, whose only other attributes are methods.
 * `methods` is the index of the set of their names; nil where Lua must see what is missing, because the template is strict. */
static inline bool rl__lacks_attribute(lua_State *L, int index, int methods) {
  if (lua_type(L, index) != LUA_TTABLE || lua_type(L, index + 1) != LUA_TSTRING) return false;
  if (lua_isnil(L, methods) || rl__meta_of(L, index)) return false;
  lua_pushvalue(L, index + 1);
  bool lacks = lua_rawget(L, methods) == LUA_TNIL;
  lua_pop(L, 1);
  return lacks;
}

static inline bool rl__is_empty(lua_State *L, int index) {
  lua_pushnil(L);
  if (!lua_next(L, index)) return true;
  lua_pop(L, 2);
  return false;
}

/* Returns the length of the value at `index` if it is a plain list or an empty table; else -1, and Lua must list it. */
static inline lua_Integer rl__plain_length(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE) return -1;
  const void *meta = rl__meta_of(L, index);
  if (meta && meta != rl__kinds_of(L)->array && meta != rl__kinds_of(L)->tuple) return -1;
  lua_Integer len = (lua_Integer)lua_rawlen(L, index);
  return len > 0 || meta || rl__is_empty(L, index) ? len : -1;
}

/* RL__TRUTH_ASK: Lua must say. */
typedef enum rl__truth { RL__FALSE, RL__TRUE, RL__TRUTH_ASK } rl__truth;

static inline rl__truth rl__truth_of_table(lua_State *L, int index) {
  const void *meta = rl__meta_of(L, index);
  if (!meta) return rl__is_empty(L, index) ? RL__FALSE : RL__TRUE;
  if (meta == rl__kinds_of(L)->undefined) return RL__FALSE;
  if (meta != rl__kinds_of(L)->markup) return RL__TRUTH_ASK;
  lua_rawgeti(L, index, 1);
  rl__truth truth = lua_rawlen(L, -1) > 0 ? RL__TRUE : RL__FALSE;
  lua_pop(L, 1);
  return truth;
}

/* Returns whether the value at `index` counts as true: none, undefined, 0 and what is empty do not. */
static inline rl__truth rl__truth_of(lua_State *L, int index) {
  switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL: return RL__FALSE;
    case LUA_TBOOLEAN: return lua_toboolean(L, index) ? RL__TRUE : RL__FALSE;
    case LUA_TSTRING: return lua_rawlen(L, index) > 0 ? RL__TRUE : RL__FALSE;
    case LUA_TNUMBER: return lua_tonumber(L, index) != 0 ? RL__TRUE : RL__FALSE;
    case LUA_TLIGHTUSERDATA: return rl_is_null(L, index) ? RL__FALSE : RL__TRUE;
    case LUA_TTABLE: return rl__truth_of_table(L, index);
    default: return RL__TRUE;
  }
}

#endif
