/* Lua values as parameters; see params.h. */
#include "bind/data/params.h"

#include <stdio.h>

#include "bind/data/error.h"

static const char blob_key = 0; /* registry: metatable of rille.blob(s) */

/* blob(s) -> a parameter that is bound as a BLOB */
int rl_make_blob(lua_State *L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  lua_createtable(L, 1, 0);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &blob_key) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushliteral(L, "rille.blob");
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &blob_key);
  }
  lua_setmetatable(L, -2);
  return 1;
}

static bool is_blob(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index)) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &blob_key);
  bool same = lua_rawequal(L, -1, -2) && !lua_isnil(L, -1);
  lua_pop(L, 2);
  return same;
}

static rl_value bytes_at(lua_State *L, int index, rl_value_type type) {
  rl_value v = {.type = type};
  v.bytes.data = lua_tolstring(L, index, &v.bytes.len);
  return v;
}

static int refuse(lua_State *L, const rl_param_origin *o, const char *why) {
  if (o->item) return rl_sql_mistake(L, "%s%s", o->item, why);
  if (o->name) return rl_sql_mistake(L, "%sparameter %s is %s", o->where, o->name, why);
  return rl_sql_mistake(L, "%sparameter %d is %s", o->where, o->number, why);
}

static int refuse_type(lua_State *L, int index, const rl_param_origin *o) {
  char why[160];
  if (lua_istable(L, index) && lua_rawlen(L, index))
    return refuse(L, o, "a list, and a ? holds one value: write a ? for each, or IN (?) with rille.list(values)");
  snprintf(why, sizeof why, "a %s: SQL holds strings, numbers, booleans, rille.null and rille.blob(s)",
           luaL_typename(L, index));
  return refuse(L, o, why);
}

static rl_value number_at(lua_State *L, int index, const rl_param_origin *o) {
  if (lua_isinteger(L, index)) return (rl_value){.type = RL_VALUE_INTEGER, .integer = lua_tointeger(L, index)};
  lua_Number number = lua_tonumber(L, index);
  if (number != number) refuse(L, o, "not a number (NaN): SQLite would store NULL");
  return (rl_value){.type = RL_VALUE_REAL, .real = number};
}

/* The string in a blob is pushed: whoever has the table may change it. */
static rl_value blob_at(lua_State *L, int index, const rl_param_origin *o) {
  if (!is_blob(L, index)) refuse_type(L, index, o);
  lua_rawgeti(L, index, 1);
  if (lua_type(L, -1) != LUA_TSTRING) refuse(L, o, "a blob without its string");
  return bytes_at(L, -1, RL_VALUE_BLOB);
}

/* Of a list, which is expanded later, NULL. */
static rl_value list_at(lua_State *L, int index, const rl_param_origin *o) {
  if (!luaL_testudata(L, index, "rille.list")) refuse_type(L, index, o);
  if (!o->lists) refuse(L, o, "a rille.list, which stands for the values of IN (?) and nowhere else");
  ++*o->lists;
  return (rl_value){.type = RL_VALUE_NULL};
}

rl_value rl_check_param(lua_State *L, int index, const rl_param_origin *o) {
  switch (lua_type(L, index)) {
    case LUA_TSTRING: return bytes_at(L, index, RL_VALUE_TEXT);
    case LUA_TBOOLEAN: return (rl_value){.type = RL_VALUE_INTEGER, .integer = lua_toboolean(L, index)};
    case LUA_TNUMBER: return number_at(L, index, o);
    case LUA_TNIL: refuse(L, o, "nil: rille.null stands for NULL"); break;
    case LUA_TUSERDATA: return list_at(L, index, o);
    default: break;
  }
  return rl_is_null(L, index) ? (rl_value){.type = RL_VALUE_NULL} : blob_at(L, index, o);
}

/* Room for `count` values, and names: the arrays inside, or a userdata that is pushed. */
static rl_value *make_room(lua_State *L, int count, rl_lua_params *out, rl_slice **names) {
  if (count <= (int)(sizeof out->values / sizeof *out->values)) {
    *names = out->names;
    return out->values;
  }
  size_t values_size = (size_t)count * sizeof(rl_value);
  char *block = lua_newuserdatauv(L, values_size + (size_t)count * sizeof(rl_slice), 0);
  *names = (rl_slice *)(void *)(block + values_size);
  return (rl_value *)(void *)block;
}

static void read_list(lua_State *L, int table, int count, const char *where, rl_value *values, int *lists) {
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, table, i + 1);
    values[i] = rl_check_param(L, lua_gettop(L), &(rl_param_origin){.where = where, .number = i + 1, .lists = lists});
  }
}

static int refuse_key(lua_State *L, const char *where) {
  return rl_sql_mistake(L, "%sthe keys of a table of parameters are names, or 1, 2, 3 …", where);
}

static int count_names(lua_State *L, int table, const char *where) {
  int count = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) refuse_key(L, where);
    count++;
  }
  return count;
}

/* Leaves every name and value on the stack. Reads `count` of them at most: a finalizer may have added one. */
static int read_names(lua_State *L, int table, int count, const char *where, rl_value *values, rl_slice *names,
                      int *lists) {
  int i = 0;
  for (lua_pushnil(L); i < count && lua_next(L, table); i++) {
    int value = lua_gettop(L);
    if (lua_type(L, value - 1) != LUA_TSTRING) refuse_key(L, where);
    names[i].data = lua_tolstring(L, value - 1, &names[i].len);
    values[i] = rl_check_param(L, value, &(rl_param_origin){.where = where, .name = names[i].data, .lists = lists});
    lua_pushvalue(L, value - 1);
  }
  return i;
}

static void read_table(lua_State *L, int table, const char *where, rl_lua_params *out) {
  int count = (int)lua_rawlen(L, table);
  bool named = count == 0;
  rl_slice *names;
  if (named) count = count_names(L, table, where);
  rl_value *values = make_room(L, count, out, &names);
  luaL_checkstack(L, 3 * count + 8, "too many parameters");
  if (named) count = read_names(L, table, count, where, values, names, &out->lists);
  else read_list(L, table, count, where, values, &out->lists);
  out->params =
      (rl_sql_params){.values = values, .names = named && count ? names : NULL, .count = count, .is_list = !named};
}

static void read_values(lua_State *L, int first, const char *where, rl_lua_params *out) {
  int count = lua_gettop(L) - first + 1;
  rl_slice *names;
  rl_value *values = make_room(L, count, out, &names);
  luaL_checkstack(L, count + 8, "too many parameters");
  for (int i = 0; i < count; i++)
    values[i] = rl_check_param(L, first + i, &(rl_param_origin){.where = where, .number = i + 1, .lists = &out->lists});
  out->params = (rl_sql_params){.values = values, .count = count};
}

void rl_measure_params(rl_lua_params *params) {
  params->size = 0;
  for (int i = 0; i < params->params.count; i++)
    if (rl_value_has_bytes(&params->params.values[i])) params->size += params->params.values[i].bytes.len;
}

void rl_check_params(lua_State *L, int first, const char *where, rl_lua_params *out) {
  luaL_checkstack(L, 8, "parameters");
  out->lists = 0;
  if (lua_gettop(L) == first && lua_istable(L, first) && !is_blob(L, first)) read_table(L, first, where, out);
  else read_values(L, first, where, out);
  rl_measure_params(out);
}
