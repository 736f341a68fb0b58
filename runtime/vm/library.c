/*
 * string.rep and table.move: loops of as many steps as a program says, which may be a number from outside. As the reference
 * manual has them (sections 6.4 and 6.6); what takes long attends to the stall guard (vm/task/heartbeat.h).
 */
#include "vm/library.h"

#include <limits.h>
#include <string.h>

#include "vm/task/heartbeat.h"

enum { PIECE = 1 << 24, MOVES = 1 << 14 }; /* bytes, elements between two looks at the guard */

/* ---- string.rep ---------------------------------------------------------------------------------------------------------- */

/* Fills `out` up to `size` with what stands in its first `unit` bytes, twice as much each time. */
static void fill(lua_State *L, char *out, size_t unit, size_t size) {
  const size_t piece = unit < PIECE ? PIECE - PIECE % unit : unit; /* whole units, so that each begins where one does */
  for (size_t done = unit; done < size;) {
    size_t step = done < piece ? done : piece;
    if (step > size - done) step = size - done;
    memcpy(out + done, out, step);
    done += step;
    if (step >= PIECE / 2) rl_heartbeat_attend(L);
  }
}

/* string.rep(s, n, separator?) -> string */
static int l_rep(lua_State *L) {
  rl_slice text = rl_library_text(L, 1);
  lua_Integer count = luaL_checkinteger(L, 2);
  size_t separator_len;
  const char *separator = luaL_optlstring(L, 3, "", &separator_len);
  size_t unit = text.len + separator_len;
  if (count <= 0 || unit == 0) return lua_pushliteral(L, ""), 1;
  if (unit < text.len || unit > (size_t)(INT_MAX / count)) return luaL_error(L, "resulting string too large");
  size_t size = unit * (size_t)count - separator_len;
  luaL_Buffer b;
  char *out = luaL_buffinitsize(L, &b, size);
  memcpy(out, text.data, text.len);
  if (count > 1) memcpy(out + text.len, separator, separator_len);
  if (count > 1) fill(L, out, unit, size);
  luaL_pushresultsize(&b, size);
  return 1;
}

/* ---- table.move ------------------------------------------------------------------------------------------------------------ */

static void check_table(lua_State *L, int index, const char *method) {
  if (lua_type(L, index) == LUA_TTABLE) return;
  if (luaL_getmetafield(L, index, method) == LUA_TNIL) luaL_checktype(L, index, LUA_TTABLE);
  lua_pop(L, 1);
}

/* Copies `count` elements from `first` of the table at 1 to `to` of that at `target`, from the last where `backward`. */
static void move(lua_State *L, lua_Integer first, lua_Integer count, int target, lua_Integer to, bool backward) {
  for (lua_Integer n = 0; n < count; n++) {
    lua_Integer i = backward ? count - 1 - n : n;
    lua_geti(L, 1, first + i);
    lua_seti(L, target, to + i);
    if (n % MOVES == MOVES - 1) rl_heartbeat_attend(L);
  }
}

/* table.move(from, first, last, to, target?) -> target */
static int l_move(lua_State *L) {
  lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3), to = luaL_checkinteger(L, 4);
  int target = lua_isnoneornil(L, 5) ? 1 : 5;
  check_table(L, 1, "__index");
  check_table(L, target, "__newindex");
  if (last >= first) {
    luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3, "too many elements to move");
    luaL_argcheck(L, to <= LUA_MAXINTEGER - (last - first + 1) + 1, 4, "destination wrap around");
    bool apart = to > last || to <= first || (target != 1 && !lua_compare(L, 1, target, LUA_OPEQ));
    move(L, first, last - first + 1, target, to, !apart);
  }
  lua_pushvalue(L, target);
  return 1;
}

static void replace(lua_State *L, const char *library, const char *name, lua_CFunction function) {
  lua_getglobal(L, library);
  lua_pushcfunction(L, function);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

void rl_library_open(lua_State *L) {
  replace(L, LUA_STRLIBNAME, "rep", l_rep);
  replace(L, LUA_TABLIBNAME, "move", l_move);
}
