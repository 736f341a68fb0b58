/*
 * Writes Lua values as JSON (RFC 8259). json_decode.c reads it.
 *
 * A table is walked once. While its keys come as 1, 2, 3 … it is a list; otherwise all keys must be strings. An empty table
 * is {} unless rille.array has marked it. A value that JSON cannot express (a function, NaN, a list with a hole, mixed keys)
 * raises.
 *
 * Members of an object are written in the order of its shape, else in the order of their keys. So equal values give equal
 * texts, in every process. Up to 24 pairs are sorted on Lua's stack without allocating; larger objects take encode_many.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/json_keys.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "vm/owner.h"

/* ---- encoding ------------------------------------------------------------------------------------------------------------- */

enum {
  FEW = 24,
  INTERNED = 40
}; /* pairs that are sorted on the stack; bytes up to which Lua interns strings, so that equal ones have one address */

typedef struct encoder {
  lua_State *L;
  rl_buf *out;
  int depth;
  bool canonical;    /* orders members by their keys alone */
  int slot;          /* stack index of the shape whose names these are */
  const void *shape; /* its address */
  bool is_wide;      /* it has more names than fit here */
  int name_count;
  rl_slice names[FEW];
  const void *keys[FEW]; /* the addresses of the same strings in Lua */
  rl_slice written[FEW]; /* the same with the comma and the colon, if `is_ready` */
  uint8_t order[FEW];    /* the rank of each member of the last row, as lua_next came to them */
  bool is_ready;
} encoder;

static RL_RAISES void fail(encoder *e, int code) {
  if (code == RL_EUTF8) luaL_error(e->L, "cannot encode a string that is not UTF-8 as JSON");
  if (code == RL_EINVALID) luaL_error(e->L, "cannot encode NaN or an infinity as JSON");
  rl_error_raise(e->L, code, NULL);
}

static inline void check(encoder *e, int code) {
  if (code) fail(e, code);
}

static void encode(encoder *e, int index);
static void encode_typed(encoder *e, int index, int type);

static void put(encoder *e, char c) { check(e, rl_buf_add_char(e->out, c)); }

static bool is_marked_array(lua_State *L, int index) {
  if (!lua_getmetatable(L, index)) return false;
  rl_vm_push_ref(L, RL_REF_ARRAY_META);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

/* ---- objects of few members ------------------------------------------------------------------------------------------------------- */

const char rl_shape_mark = 0;

typedef struct member {
  rl_slice key;
  int rank;  /* its place in the shape; a key that is not in the shape comes after all that are */
  int value; /* stack index */
} member;

static int compare_slices(const rl_slice *x, const rl_slice *y) {
  int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
  return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Returns true if x comes before y. Compares the first bytes first, because most keys differ there; an empty key has its NUL. */
static inline bool is_less(const member *x, const member *y) {
  if (x->rank != y->rank) return x->rank < y->rank;
  unsigned char a = (unsigned char)*x->key.data, b = (unsigned char)*y->key.data;
  return a != b ? a < b : compare_slices(&x->key, &y->key) < 0;
}

static void check_key(encoder *e) {
  if (lua_type(e->L, -2) == LUA_TSTRING) return;
  luaL_error(e->L, "cannot encode a table as JSON: key %s is neither a string nor the next of a list",
             luaL_tolstring(e->L, -2, NULL));
}

static bool is_same(rl_slice a, rl_slice b) {
  return a.data == b.data || (a.len > INTERNED && a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
}

/* Takes the names as they are written from the shape on top of the stack, which keeps them. */
static void read_keys(encoder *e) {
  rl_slice all;
  e->is_ready = lua_rawgeti(e->L, -1, RL_SHAPE_KEYS) == LUA_TSTRING && !e->is_wide;
  all.data = lua_tolstring(e->L, -1, &all.len);
  for (int i = 0; e->is_ready && i < e->name_count; i++) e->written[i] = rl_json_keys_take(&all);
  lua_pop(e->L, 1);
}

/* Keeps the shape on top of the stack in the slot while its names are in use. */
static void read_shape(encoder *e) {
  lua_State *L = e->L;
  e->shape = lua_topointer(L, -1);
  e->name_count = 0;
  e->is_wide = false;
  for (; lua_rawgeti(L, -1, (lua_Integer)e->name_count + 1) == LUA_TSTRING; lua_pop(L, 1)) {
    e->is_wide = e->name_count == FEW;
    if (e->is_wide) break;
    rl_slice *name = &e->names[e->name_count];
    name->data = lua_tolstring(L, -1, &name->len);
    e->keys[e->name_count] = lua_topointer(L, -1);
    e->order[e->name_count] = (uint8_t)e->name_count;
    e->name_count++;
  }
  lua_pop(L, 1);
  read_keys(e);
  lua_pushvalue(L, -1);
  lua_replace(L, e->slot);
}

/* Returns true if the table at `index` has a shape, and reads its names. Rows of one query share a shape, so it is read once. */
static bool take_shape(encoder *e, int index) {
  lua_State *L = e->L;
  if (e->canonical || !lua_getmetatable(L, index)) return false;
  bool shaped = e->shape && lua_topointer(L, -1) == e->shape;
  lua_pop(L, 1);
  if (shaped) return true;
  if (!rl_push_shape(L, index)) return false;
  read_shape(e);
  lua_pop(L, 1);
  return true;
}

static int rank_of(const encoder *e, rl_slice key) {
  int rank = 0;
  while (rank < e->name_count && !is_same(e->names[rank], key)) rank++;
  return rank;
}

/* Inserts the pair on top of the stack at its place among the members before it. */
static void insert_member(encoder *e, member *members, int count, int value, bool shaped) {
  member one = {.value = value};
  check_key(e);
  one.key.data = lua_tolstring(e->L, -2, &one.key.len);
  if (shaped) one.rank = rank_of(e, one.key);
  int at = count;
  for (; at > 0 && is_less(&one, &members[at - 1]); at--) members[at] = members[at - 1];
  members[at] = one;
}

static void write_key(encoder *e, rl_slice key) {
  check(e, rl_json_write_string(e->out, key));
  put(e, ':');
}

static void encode_many(encoder *e, int index);

/* Writes an object whose first pair is on the stack. Nothing is allocated while pairs are gathered, so no finalizer can change the
 * table meanwhile. */
static void encode_object(encoder *e, int index, bool shaped) {
  lua_State *L = e->L;
  member members[FEW];
  int bottom = lua_gettop(L) - 2, count = 0;
  do {
    if (count == FEW) {
      lua_settop(L, bottom);
      encode_many(e, index);
      return;
    }
    insert_member(e, members, count, bottom + 2 * count + 2, shaped);
    count++;
    lua_pushvalue(L, -2);
  } while (lua_next(L, index));
  for (int i = 0; i < count; i++) {
    put(e, i ? ',' : '{');
    write_key(e, members[i].key);
    encode(e, members[i].value);
  }
  put(e, '}');
  lua_settop(L, bottom);
}

/* ---- rows ------------------------------------------------------------------------------------------------------------------- */

/* Returns the rank of the key below the top of the stack, the `visited`th of its row; name_count if it has none. Rows of one query
 * are walked in one order as a rule. */
static inline int rank_visited(encoder *e, int visited) {
  const void *key = lua_topointer(e->L, -2);
  int rank = visited < e->name_count ? e->order[visited] : 0;
  if (e->keys[rank] == key) return rank;
  for (rank = 0; rank < e->name_count && e->keys[rank] != key;) rank++;
  if (visited < e->name_count && rank < e->name_count) e->order[visited] = (uint8_t)rank;
  return rank;
}

/* A value of a row: its place on the stack, 0 if there is none, and its type. */
typedef struct column {
  int value, type;
} column;

static void write_row(encoder *e, const column *columns) {
  size_t start = e->out->len;
  for (int rank = 0; rank < e->name_count; rank++) {
    if (!columns[rank].value) continue;
    check(e, rl_buf_add_slice(e->out, e->written[rank]));
    encode_typed(e, columns[rank].value, columns[rank].type);
  }
  put(e, '}');
  e->out->data[start] = '{'; /* where the comma of the first one stands */
}

/* Writes a row, whose first pair is on the stack, with the keys that were written once for all. Returns false, and has written
 * nothing and popped the pair, if it has a key that is none of its columns, or one that may have another address, or a
 * table, whose shape would take the place of this one. */
static bool encode_row(encoder *e, int index) {
  lua_State *L = e->L;
  column columns[FEW];
  int bottom = lua_gettop(L) - 2, top = bottom + 2, visited = 0;
  for (int i = 0; i < e->name_count; i++) columns[i].value = 0;
  do {
    int rank = rank_visited(e, visited++), type = lua_type(L, top);
    if (rank == e->name_count || type == LUA_TTABLE) {
      lua_settop(L, bottom);
      return false;
    }
    columns[rank] = (column){top, type};
    lua_pushvalue(L, top - 1);
    top += 2;
  } while (lua_next(L, index));
  write_row(e, columns);
  lua_settop(L, bottom);
  return true;
}

static void encode_members(encoder *e, int index, bool shaped) {
  if (shaped && e->is_ready && e->name_count) {
    if (encode_row(e, index)) return;
    lua_pushnil(e->L);
    lua_next(e->L, index);
  }
  encode_object(e, index, shaped);
}

/* ---- objects of many members ------------------------------------------------------------------------------------------------------ */

typedef struct sorted_key {
  rl_slice text;
  lua_Integer rank;
  lua_Integer place; /* in the list of keys */
} sorted_key;

static int compare_keys(const void *a, const void *b) {
  const sorted_key *x = a, *y = b;
  if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
  return compare_slices(&x->text, &y->text);
}

/* Pushes a list of the keys, which keeps them alive even if the table changes. Returns how many there are. */
static size_t push_keys(encoder *e, int index) {
  lua_State *L = e->L;
  size_t count = 0;
  lua_newtable(L);
  int list = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    check_key(e);
    lua_pushvalue(L, -2);
    lua_rawseti(L, list, (lua_Integer)++count);
  }
  return count;
}

/* Pushes a table: key -> its place in the shape of the table at `index`. It is empty if that has no shape. */
static void push_ranks(encoder *e, int index) {
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
static sorted_key key_of(encoder *e, int ranks, lua_Integer place) {
  sorted_key key = {.place = place, .rank = LUA_MAXINTEGER};
  key.text.data = lua_tolstring(e->L, -1, &key.text.len);
  lua_pushvalue(e->L, -1);
  if (lua_rawget(e->L, ranks) == LUA_TNUMBER) key.rank = lua_tointeger(e->L, -1);
  lua_pop(e->L, 1);
  return key;
}

/* Writes an object of many members. Allocating the list of keys may run finalizers, which may change the table. A member that they
 * remove is written as null. */
static void encode_many(encoder *e, int index) {
  lua_State *L = e->L;
  push_ranks(e, index);
  int ranks = lua_gettop(L);
  size_t count = push_keys(e, index);
  int list = lua_gettop(L);
  sorted_key *keys = lua_newuserdatauv(L, (count + 1) * sizeof *keys, 0);
  for (size_t i = 0; i < count; i++, lua_pop(L, 1)) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    keys[i] = key_of(e, ranks, (lua_Integer)i + 1);
  }
  qsort(keys, count, sizeof *keys, compare_keys);
  put(e, '{');
  for (size_t i = 0; i < count; i++, lua_pop(L, 1)) {
    if (i) put(e, ',');
    lua_rawgeti(L, list, keys[i].place);
    lua_rawget(L, index);
    write_key(e, keys[i].text);
    encode(e, lua_gettop(L));
  }
  put(e, '}');
  lua_pop(L, 3);
}

/* Writes the items of a list from `from` on by index. It is for a list whose items do not come in order, and counts them first,
 * to find a hole. Items before `from` have been written. */
static void encode_by_index(encoder *e, int index, lua_Integer from) {
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
    put(e, i == 1 ? '[' : ',');
    lua_rawgeti(L, index, i);
    encode(e, lua_gettop(L));
    lua_pop(L, 1);
  }
  put(e, ']');
}

/* Writes a list whose first pair, with key 1, is on the stack. */
static void encode_list(encoder *e, int index) {
  put(e, '[');
  for (lua_Integer expected = 1;; expected++) {
    if (!lua_isinteger(e->L, -2) || lua_tointeger(e->L, -2) != expected) {
      lua_pop(e->L, 2);
      encode_by_index(e, index, expected);
      return;
    }
    if (expected > 1) put(e, ',');
    encode(e, lua_gettop(e->L));
    lua_pop(e->L, 1);
    if (!lua_next(e->L, index)) break;
  }
  put(e, ']');
}

static void encode_table(encoder *e, int index) {
  lua_State *L = e->L;
  if (++e->depth > (int)RL_LIMIT_JSON_DEPTH)
    luaL_error(L, "cannot encode as JSON: nested deeper than %d (a table that contains itself?)", RL_LIMIT_JSON_DEPTH);
  luaL_checkstack(L, 2 * FEW + 12, "JSON");
  bool shaped = take_shape(e, index);
  lua_pushnil(L);
  if (!lua_next(L, index)) check(e, rl_buf_add(e->out, is_marked_array(L, index) ? "[]" : "{}", 2));
  else if (lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1) encode_list(e, index);
  else if (lua_isinteger(L, -2)) lua_pop(L, 2), encode_by_index(e, index, 1);
  else if (shaped && e->is_wide) lua_pop(L, 2), encode_many(e, index);
  else encode_members(e, index, shaped);
  e->depth--;
}

/* Copies JSON text as it is. */
static void encode_text(encoder *e, int index) {
  size_t len;
  if (!rl_push_json_string(e->L, index)) luaL_error(e->L, "cannot encode a %s as JSON", luaL_typename(e->L, index));
  const char *text = lua_tolstring(e->L, -1, &len);
  check(e, rl_buf_add(e->out, text, len));
  lua_pop(e->L, 1);
}

static void encode(encoder *e, int index) { encode_typed(e, index, lua_type(e->L, index)); }

static void encode_typed(encoder *e, int index, int type) {
  lua_State *L = e->L;
  size_t len;
  const char *text;
  switch (type) {
    case LUA_TSTRING:
      text = lua_tolstring(L, index, &len);
      check(e, rl_json_write_string(e->out, rl_slice_of(text, len)));
      break;
    case LUA_TNUMBER:
      if (lua_isinteger(L, index)) check(e, rl_json_write_integer(e->out, lua_tointeger(L, index)));
      else check(e, rl_json_write_number(e->out, lua_tonumber(L, index)));
      break;
    case LUA_TBOOLEAN:
      if (lua_toboolean(L, index)) check(e, rl_buf_add(e->out, "true", 4));
      else check(e, rl_buf_add(e->out, "false", 5));
      break;
    case LUA_TTABLE: encode_table(e, index); break;
    case LUA_TNIL: check(e, rl_buf_add(e->out, "null", 4)); break;
    case LUA_TUSERDATA: encode_text(e, index); break;
    default:
      if (!rl_is_null(L, index)) luaL_error(L, "cannot encode a %s as JSON", luaL_typename(L, index));
      check(e, rl_buf_add(e->out, "null", 4));
  }
}

static void encode_from(encoder *e, int index) {
  index = lua_absindex(e->L, index);
  lua_pushnil(e->L);
  e->slot = lua_gettop(e->L);
  encode(e, index);
  lua_settop(e->L, e->slot - 1);
}

void rl_json_encode_value(lua_State *L, int index, rl_buf *out) {
  encoder e;
  e.L = L, e.out = out, e.depth = 0, e.canonical = false, e.shape = NULL, e.name_count = 0;
  encode_from(&e, index);
}

/* json_encode(value) -> string; raises if JSON cannot express it */
static int json_encode(lua_State *L) {
  luaL_checkany(L, 1);
  rl_buf *scratch = rl_scratch_push(L);
  rl_json_encode_value(L, 1, scratch);
  return rl_scratch_result(L, scratch, RL_OK);
}

/* json_canonical(value) -> string: ignores shapes, so that equal values give equal texts; raises as json_encode */
static int json_canonical(lua_State *L) {
  luaL_checkany(L, 1);
  rl_buf *scratch = rl_scratch_push(L);
  encoder e;
  e.L = L, e.out = scratch, e.depth = 0, e.canonical = true, e.shape = NULL, e.name_count = 0;
  encode_from(&e, 1);
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
  rl_vm_of(L)->refs[RL_REF_ARRAY_META] = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushlightuserdata(L, (void *)(uintptr_t)&rl_shape_mark);
  lua_setfield(L, -2, "shape_mark");
  luaL_setfuncs(L, functions, 0);
  rl_bind_json_text(L);
}
