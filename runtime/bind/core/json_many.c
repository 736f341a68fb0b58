/* Objects of many members; see json_many.h. */
#include "bind/core/json_many.h"

#include <stdlib.h>

#include "bind/bind.h"
#include "bind/core/core.h"
#include "bind/core/json_object.h"

typedef struct sorted_key {
  rl_slice text;
  lua_Integer rank;
  lua_Integer place; /* in the list of keys */
} sorted_key;

static int compare_keys(const void *a, const void *b) {
  const sorted_key *x = a, *y = b;
  if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
  return rl__json_compare(&x->text, &y->text);
}

/* Pushes a list of the keys, which keeps them alive even if the table changes. Returns how many there are. */
static size_t push_keys(rl_json_encoder *e, int index) {
  lua_State *L = e->L;
  size_t count = 0;
  lua_newtable(L);
  int list = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    rl__json_check_key(e);
    lua_pushvalue(L, -2);
    lua_rawseti(L, list, (lua_Integer)++count);
  }
  return count;
}

/* Pushes a table: key -> its place in the shape of the table at `index`. It is empty if that has no shape. */
static void push_ranks(rl_json_encoder *e, int index) {
  lua_State *L = e->L;
  lua_newtable(L);
  int ranks = lua_gettop(L);
  if (e->canonical || !rl_push_shape(L, index)) return;
  for (lua_Integer i = 1; lua_rawgeti(L, ranks + 1, i) == LUA_TSTRING; i++) {
    lua_pushvalue(L, -1);
    if (lua_rawget(L, ranks) == LUA_TNIL) lua_pushvalue(L, -2), lua_pushinteger(L, i), lua_rawset(L, ranks);
    lua_pop(L, 2);
  }
  lua_settop(L, ranks);
}

/* Returns the key on top of the stack, with its rank. */
static sorted_key key_of(rl_json_encoder *e, int ranks, lua_Integer place) {
  sorted_key key = {.place = place, .rank = LUA_MAXINTEGER};
  key.text.data = lua_tolstring(e->L, -1, &key.text.len);
  lua_pushvalue(e->L, -1);
  if (lua_rawget(e->L, ranks) == LUA_TNUMBER) key.rank = lua_tointeger(e->L, -1);
  lua_pop(e->L, 1);
  return key;
}

void rl__json_encode_many(rl_json_encoder *e, int index) {
  lua_State *L = e->L;
  push_ranks(e, index);
  int ranks = lua_gettop(L);
  size_t count = push_keys(e, index);
  int list = lua_gettop(L);
  sorted_key *keys = lua_newuserdatauv(L, (count + 1) * sizeof *keys, 0);
  rl__json_forget(e);
  for (size_t i = 0; i < count; i++, lua_pop(L, 1)) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    keys[i] = key_of(e, ranks, (lua_Integer)i + 1);
  }
  qsort(keys, count, sizeof *keys, compare_keys);
  rl__json_put(e, '{');
  for (size_t i = 0; i < count; i++, lua_pop(L, 1)) {
    if (i) rl__json_put(e, ',');
    lua_rawgeti(L, list, keys[i].place);
    lua_rawget(L, index);
    rl__json_write_key(e, keys[i].text);
    rl__json_encode(e, lua_gettop(L));
  }
  rl__json_put(e, '}');
  lua_pop(L, 3);
}
