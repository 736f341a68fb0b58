/* Values and lists; see json_value.h. */
#include "bind/core/json_value.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "bind/core/json_object.h"

static bool is_marked_array(lua_State *L, int index) { return rl_vm_has_meta(L, index, RL_REF_ARRAY_META); }

static void encode(rl_json_encoder *e, int index);

/* Writes the items of a list from `from` on by index. It is for a list whose items do not come in order, and counts them first,
 * to find a hole. Items before `from` have been written. */
static void encode_by_index(rl_json_encoder *e, int index, lua_Integer from) {
  lua_State *L = e->L;
  lua_Integer count = 0, most = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1)
      luaL_error(L, "cannot encode a table as JSON: it has both list items and the key %s",
                 luaL_tolstring(L, -2, NULL));
    count++;
    if (lua_tointeger(L, -2) > most) most = lua_tointeger(L, -2);
  }
  if (count != most)
    luaL_error(L, "cannot encode a list with a hole as JSON: %I items, the last at %I (rille.null stands for null)",
               count, most);
  for (lua_Integer i = from; i <= count; i++) {
    rl__json_put(e, i == 1 ? '[' : ',');
    lua_rawgeti(L, index, i);
    encode(e, lua_gettop(L));
    lua_pop(L, 1);
  }
  rl__json_put(e, ']');
}

/* Writes a list whose first pair, with key 1, is on the stack. */
static void encode_list(rl_json_encoder *e, int index) {
  lua_State *L = e->L;
  int value = lua_gettop(L);
  rl__json_put(e, '[');
  for (lua_Integer expected = 1;; expected++) {
    if (!lua_isinteger(L, value - 1) || lua_tointeger(L, value - 1) != expected) {
      lua_pop(L, 2);
      encode_by_index(e, index, expected);
      break;
    }
    if (expected > 1) rl__json_put(e, ',');
    encode(e, value);
    lua_pop(L, 1);
    if (lua_next(L, index)) continue;
    rl__json_put(e, ']');
    break;
  }
}

/* Makes room on Lua's stack for what a table needs at once, unless it is known to be there. */
static void check_stack(rl_json_encoder *e) {
  enum { NEEDED = 2 * RL_JSON_FEW + 12 };
  int top = lua_gettop(e->L);
  if (top + NEEDED <= e->sure) return;
  luaL_checkstack(e->L, NEEDED, "JSON");
  e->sure = top + NEEDED;
}

static void encode_table(rl_json_encoder *e, int index) {
  lua_State *L = e->L;
  if (++e->depth > (int)RL_LIMIT_JSON_DEPTH)
    luaL_error(L, "cannot encode as JSON: nested deeper than %d (a table that contains itself?)", RL_LIMIT_JSON_DEPTH);
  check_stack(e);
  lua_pushnil(L);
  if (!lua_next(L, index)) rl__json_check(e, rl_buf_add(e->out, is_marked_array(L, index) ? "[]" : "{}", 2));
  else if (lua_type(L, -2) == LUA_TSTRING) rl__json_encode_object(e, index);
  else if (!lua_isinteger(L, -2)) rl__json_check_key(e);
  else if (lua_tointeger(L, -2) == 1) encode_list(e, index);
  else lua_pop(L, 2), encode_by_index(e, index, 1);
  e->depth--;
}

static inline void add_word(rl_json_encoder *e, const char *word, size_t len) {
  memcpy(rl__json_room(e, len), word, len);
  e->out->len += len;
}

/* Copies JSON text as it is. It has its own order, and does not come back as it was: where equal values must give equal texts, it is
 * refused. */
static void add_text(rl_json_encoder *e, int index) {
  size_t len;
  if (e->canonical || !rl_push_json_string(e->L, index))
    luaL_error(e->L, "cannot encode a %s as JSON", luaL_typename(e->L, index));
  const char *text = lua_tolstring(e->L, -1, &len);
  add_word(e, text, len);
  lua_pop(e->L, 1);
}

static void encode(rl_json_encoder *e, int index) {
  lua_State *L = e->L;
  size_t len;
  const char *text;
  switch (lua_type(L, index)) {
    case LUA_TSTRING:
      text = lua_tolstring(L, index, &len);
      rl__json_check(e, rl_json_write_string(e->out, rl_slice_of(text, len)));
      break;
    case LUA_TNUMBER:
      if (lua_isinteger(L, index)) rl__json_check(e, rl_json_write_integer(e->out, lua_tointeger(L, index)));
      else rl__json_check(e, rl_json_write_number(e->out, lua_tonumber(L, index)));
      break;
    case LUA_TBOOLEAN:
      if (lua_toboolean(L, index)) add_word(e, "true", 4);
      else add_word(e, "false", 5);
      break;
    case LUA_TTABLE: encode_table(e, index); break;
    case LUA_TNIL: add_word(e, "null", 4); break;
    case LUA_TUSERDATA: add_text(e, index); break;
    default:
      if (!rl_is_null(L, index)) luaL_error(L, "cannot encode a %s as JSON", luaL_typename(L, index));
      add_word(e, "null", 4);
  }
}

void rl__json_encode_from(lua_State *L, int index, rl_buf *out, bool canonical) {
  rl_json_encoder e;
  e.L = L, e.encode = encode, e.out = out, e.depth = 0, e.sure = 0, e.canonical = canonical, e.shape = NULL,
  e.name_count = 0;
  rl__json_forget(&e);
  index = lua_absindex(L, index);
  lua_pushnil(L);
  e.slot = lua_gettop(L);
  encode(&e, index);
  lua_settop(L, e.slot - 1);
}
