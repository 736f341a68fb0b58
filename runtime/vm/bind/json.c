/*
 * JSON for Lua values.
 *
 * Encoding walks a table once: while its keys come as 1, 2, 3 … it is a list, otherwise all keys are strings. An empty
 * table is {} unless marked by rille.array. What JSON cannot hold (functions, NaN, a list with a hole, mixed keys) raises
 * and says where. Decoding keeps integers, marks lists (so that [] stays a list), and drops null members of objects unless
 * told to keep them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "vm/bind/bind.h"
#include "vm/owner.h"

/* ---- encoding ------------------------------------------------------------------------------------------------------------- */

typedef struct encoder {
  lua_State *L;
  rl_buf *out;
  int depth;
  bool sorted; /* members of objects in the order of their keys: equal values give equal texts */
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

static void put(encoder *e, char c) { check(e, rl_buf_add_char(e->out, c)); }

static bool is_marked_array(lua_State *L, int index) {
  if (!lua_getmetatable(L, index)) return false;
  rl_vm_push_ref(L, RL_REF_ARRAY_META);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

static void encode_key(encoder *e) {
  if (lua_type(e->L, -2) != LUA_TSTRING)
    luaL_error(e->L, "cannot encode a table as JSON: key %s is neither a string nor the next of a list",
               luaL_tolstring(e->L, -2, NULL));
  size_t len;
  const char *key = lua_tolstring(e->L, -2, &len);
  check(e, rl_json_write_string(e->out, rl_slice_of(key, len)));
  put(e, ':');
}

/* The first pair is on the stack. */
static void encode_object(encoder *e, int index) {
  put(e, '{');
  for (bool first = true;; first = false) {
    if (!first) put(e, ',');
    encode_key(e);
    encode(e, lua_gettop(e->L));
    lua_pop(e->L, 1);
    if (!lua_next(e->L, index)) break;
  }
  put(e, '}');
}

typedef struct sorted_key {
  rl_slice text;
  lua_Integer place; /* in the list that holds it */
} sorted_key;

static int compare_keys(const void *a, const void *b) {
  const rl_slice *x = &((const sorted_key *)a)->text, *y = &((const sorted_key *)b)->text;
  int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
  return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Pushes a list of the keys, so that they stay whatever becomes of the table. Returns how many. */
static size_t push_keys(encoder *e, int index) {
  lua_State *L = e->L;
  size_t count = 0;
  lua_newtable(L);
  int list = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) encode_key(e); /* raises */
    lua_pushvalue(L, -2);
    lua_rawseti(L, list, (lua_Integer)++count);
  }
  return count;
}

/* Making room for the keys may run finalizers, which may change the table. What they took away is null then. */
static void encode_sorted(encoder *e, int index) {
  lua_State *L = e->L;
  size_t count = push_keys(e, index);
  int list = lua_gettop(L);
  sorted_key *keys = lua_newuserdatauv(L, (count + 1) * sizeof *keys, 0);
  for (size_t i = 0; i < count; i++, lua_pop(L, 1)) {
    keys[i].place = (lua_Integer)i + 1;
    lua_rawgeti(L, list, keys[i].place);
    keys[i].text.data = lua_tolstring(L, -1, &keys[i].text.len);
  }
  qsort(keys, count, sizeof *keys, compare_keys);
  put(e, '{');
  for (size_t i = 0; i < count; i++, lua_pop(L, 2)) {
    if (i) put(e, ',');
    lua_rawgeti(L, list, keys[i].place);
    lua_pushvalue(L, -1);
    lua_rawget(L, index);
    encode_key(e);
    encode(e, lua_gettop(L));
  }
  put(e, '}');
  lua_pop(L, 2);
}

/* A list whose items do not come in order, or that has a hole: by index, after a count that leaves no doubt. */
static void encode_by_index(encoder *e, int index) {
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
    luaL_error(L, "cannot encode a list with a hole as JSON: %d items, the last at %d (rille.null stands for null)",
               (int)count, (int)most);
  for (lua_Integer i = 1; i <= count; i++) {
    put(e, i == 1 ? '[' : ',');
    lua_rawgeti(L, index, i);
    encode(e, lua_gettop(L));
    lua_pop(L, 1);
  }
  put(e, ']');
}

/* The first pair, with key 1, is on the stack. */
static void encode_list(encoder *e, int index) {
  size_t start = e->out->len;
  put(e, '[');
  for (lua_Integer expected = 1;; expected++) {
    if (!lua_isinteger(e->L, -2) || lua_tointeger(e->L, -2) != expected) {
      lua_pop(e->L, 2);
      e->out->len = start;
      encode_by_index(e, index);
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
  luaL_checkstack(L, 8, "JSON");
  lua_pushnil(L);
  if (!lua_next(L, index)) check(e, rl_buf_add(e->out, is_marked_array(L, index) ? "[]" : "{}", 2));
  else if (lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1) encode_list(e, index);
  else if (lua_isinteger(L, -2)) lua_pop(L, 2), encode_by_index(e, index);
  else if (e->sorted) lua_pop(L, 2), encode_sorted(e, index);
  else encode_object(e, index);
  e->depth--;
}

static void encode(encoder *e, int index) {
  lua_State *L = e->L;
  size_t len;
  const char *text;
  switch (lua_type(L, index)) {
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
    default:
      if (!rl_is_null(L, index)) luaL_error(L, "cannot encode a %s as JSON", luaL_typename(L, index));
      check(e, rl_buf_add(e->out, "null", 4));
  }
}

void rl_json_encode_value(lua_State *L, int index, rl_buf *out) {
  encoder e = {.L = L, .out = out};
  encode(&e, lua_absindex(L, index));
}

/* json_encode(value) -> string */
static int json_encode(lua_State *L) {
  luaL_checkany(L, 1);
  rl_buf *scratch = rl_scratch_push(L);
  rl_json_encode_value(L, 1, scratch);
  return rl_scratch_result(L, scratch, RL_OK);
}

/* json_canonical(value) -> string: as json_encode, but keys in order, so that equal values give equal texts */
static int json_canonical(lua_State *L) {
  luaL_checkany(L, 1);
  rl_buf *scratch = rl_scratch_push(L);
  encoder e = {.L = L, .out = scratch, .sorted = true};
  encode(&e, 1);
  return rl_scratch_result(L, scratch, RL_OK);
}

/* ---- decoding ------------------------------------------------------------------------------------------------------------- */

/* The reader holds memory and Lua may raise: it lives in a userdata whose __gc and __close free it. */
typedef struct decoder {
  rl_json_reader reader;
  bool keeps_null; /* of members of objects */
} decoder;

static int decoder_free(lua_State *L) {
  rl_json_reader_free(&((decoder *)lua_touserdata(L, 1))->reader);
  return 0;
}

static decoder *push_decoder(lua_State *L, rl_slice text, bool keeps_null) {
  decoder *d = lua_newuserdatauv(L, sizeof *d, 0);
  d->keeps_null = keeps_null;
  rl_json_reader_init(&d->reader, text);
  if (luaL_newmetatable(L, "rille.json_reader")) {
    lua_pushcfunction(L, decoder_free);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return d;
}

static RL_RAISES void raise_syntax(lua_State *L, rl_json_reader *reader, int code) {
  unsigned line, column;
  rl_json_position(reader, &line, &column);
  char message[128];
  const char *what = reader->at >= reader->end ? "it ends too early" : rl_error_text(code);
  snprintf(message, sizeof message, "bad JSON at line %u column %u: %s", line, column, what);
  rl_error_push_word(L, "json", 400, message);
  lua_error(L);
}

/* Pushes the value that `token` begins. False for the end of a bracket, where nothing is pushed. */
static bool push_value(lua_State *L, decoder *d, int token);

static void push_list(lua_State *L, decoder *d) {
  lua_createtable(L, 4, 0);
  for (lua_Integer i = 1; push_value(L, d, rl_json_next(&d->reader)); i++) lua_rawseti(L, -2, i);
  rl_mark_array(L);
}

static void push_object(lua_State *L, decoder *d) {
  lua_createtable(L, 0, 4);
  for (;;) {
    int token = rl_json_next(&d->reader);
    if (token == RL_JSON_END_OBJECT) return;
    if (token < 0) raise_syntax(L, &d->reader, token);
    rl_push_slice(L, d->reader.string);
    token = rl_json_next(&d->reader);
    if (token == RL_JSON_NULL && !d->keeps_null) lua_pushnil(L); /* an absent key; the last one wins, null too */
    else push_value(L, d, token);
    lua_rawset(L, -3);
  }
}

static bool push_value(lua_State *L, decoder *d, int token) {
  rl_json_reader *reader = &d->reader;
  switch (token) {
    case RL_JSON_NULL: rl_push_null(L); return true;
    case RL_JSON_TRUE: lua_pushboolean(L, 1); return true;
    case RL_JSON_FALSE: lua_pushboolean(L, 0); return true;
    case RL_JSON_INTEGER: lua_pushinteger(L, reader->integer); return true;
    case RL_JSON_NUMBER: lua_pushnumber(L, reader->number); return true;
    case RL_JSON_STRING: rl_push_slice(L, reader->string); return true;
    case RL_JSON_ARRAY:
    case RL_JSON_OBJECT:
      luaL_checkstack(L, 8, "JSON");
      if (token == RL_JSON_ARRAY) push_list(L, d);
      else push_object(L, d);
      return true;
    case RL_JSON_END_ARRAY: return false;
    default: raise_syntax(L, reader, token < 0 ? token : RL_ESYNTAX);
  }
}

static void decode(lua_State *L, rl_slice text, bool keeps_null) {
  decoder *d = push_decoder(L, text, keeps_null);
  push_value(L, d, rl_json_next(&d->reader));
  int end = rl_json_next(&d->reader);
  if (end != RL_JSON_DONE) raise_syntax(L, &d->reader, end < 0 ? end : RL_ESYNTAX);
  rl_json_reader_free(&d->reader);
  lua_remove(L, -2);
}

void rl_json_decode_text(lua_State *L, rl_slice text) { decode(L, text, false); }

/* {null=}: what is no table is none of ours, such as the count that gsub returns after its text. */
static bool check_keeps_null(lua_State *L, int index) {
  if (!lua_istable(L, index)) return false;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    bool known = lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), "null") == 0;
    if (!known) luaL_error(L, "json: unknown option '%s': there is 'null'", luaL_tolstring(L, -2, NULL));
    if (!lua_isboolean(L, -1)) luaL_error(L, "json: option 'null' is a boolean, got a %s", luaL_typename(L, -1));
  }
  return lua_getfield(L, index, "null") == LUA_TBOOLEAN && lua_toboolean(L, -1);
}

/* json_decode(text, {null=}) -> value; raises code "json". null: a member that is null is rille.null, not absent. */
static int json_decode(lua_State *L) {
  bool keeps_null = check_keeps_null(L, 2);
  decode(L, rl_check_slice(L, 1), keeps_null);
  return 1;
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

static const luaL_Reg functions[] = {{"json_encode", json_encode},
                                     {"json_canonical", json_canonical},
                                     {"json_decode", json_decode},
                                     {"array", array},
                                     {NULL, NULL}};

void rl_bind_json(lua_State *L) {
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "rille.array");
  lua_setfield(L, -2, "__name");
  rl_vm_of(L)->refs[RL_REF_ARRAY_META] = luaL_ref(L, LUA_REGISTRYINDEX);
  luaL_setfuncs(L, functions, 0);
}
