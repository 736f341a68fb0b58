/*
 * Reads JSON (RFC 8259) into Lua values. Integers stay integers, lists are marked (so that [] stays a list), and null members of
 * objects are dropped unless the caller keeps them. The parser is base/json.h; its depth limit bounds the recursion here.
 */
#include <string.h>
#include "base/error.h"
#include "base/json_reader.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "vm/owner.h"

enum {
  LEVELS = 8,   /* of nesting at which something is remembered; deeper ones share them */
  MEMBERS = 16, /* of an object whose keys are remembered */
  LONGEST_KEY = 40,
  LEAST = 4,        /* items or members for which a container has room at first */
  MOST_ITEMS = 256, /* for which one has room because another had as many */
  MOST_MEMBERS = 64,
  STRINGS = 128,       /* short strings that are remembered */
  LONGEST_STRING = 16, /* two words */
  WORTH = 4            /* so many others pass before a string that came again makes room */
};

/* A short string as two words, which overlap, and its length: no other has the same ones. */
typedef struct short_string {
  uint64_t front, back;
  uint8_t len, worth; /* worth: above 0 while the string is in the table */
} short_string;

/* What the containers that were read last were like, because the next ones are often alike: how many items or members they had, and the
 * keys of the first members. And short strings that came more than once, such as words of a list: to find one is cheaper than to have Lua
 * look for it. Keys and strings are in a table, which keeps them alive. */
typedef struct decode_memory {
  unsigned items[LEVELS], members[LEVELS];
  rl_json_expected keys[LEVELS * MEMBERS]; /* [i] is item i + 1 of the table; .name.data is NULL if there is none */
  short_string strings[STRINGS];           /* [i] is item LEVELS * MEMBERS + i + 1 */
} decode_memory;

typedef struct decoder {
  rl_json_reader reader;
  decode_memory *memory;
  int keys;        /* stack index of its table of keys */
  bool keeps_null; /* of members of objects */
} decoder;

static RL_RAISES void raise_syntax(lua_State *L, rl_json_reader *reader, int code) {
  rl_scratch_give(reader->scratch);
  unsigned line, column;
  rl_json_position(reader, &line, &column);
  char message[128];
  const char *what = reader->at >= reader->end ? "it ends too early" : rl_error_text(code);
  snprintf(message, sizeof message, "bad JSON at line %u column %u: %s", line, column, what);
  rl_error_push_word(L, "json", 400, message);
  lua_error(L);
}

/* ---- short strings --------------------------------------------------------------------------------------------------------- */

static inline short_string short_string_of(rl_slice s) {
  short_string of = {.len = (uint8_t)s.len};
  uint32_t front, back;
  if (s.len >= 8) {
    memcpy(&of.front, s.data, 8);
    memcpy(&of.back, s.data + s.len - 8, 8);
  } else if (s.len >= 4) {
    memcpy(&front, s.data, 4);
    memcpy(&back, s.data + s.len - 4, 4);
    of.front = front, of.back = back;
  } else { /* one to three */
    of.front = (unsigned char)s.data[0] | (uint64_t)(unsigned char)s.data[s.len / 2] << 8;
    of.back = (unsigned char)s.data[s.len - 1];
  }
  return of;
}

static inline bool is_same_string(const short_string *a, const short_string *b) {
  return a->front == b->front && a->back == b->back && a->len == b->len;
}

/* Pushes a string that was seen before, and remembers it. What was seen is written after Lua has made the string, because a
 * finalizer that runs meanwhile may decode too. */
static void push_again(lua_State *L, decoder *d, rl_slice s, short_string of, unsigned i) {
  rl_push_slice(L, s);
  lua_pushvalue(L, -1);
  lua_rawseti(L, d->keys, (lua_Integer)(LEVELS * MEMBERS + i + 1));
  of.worth = WORTH;
  d->memory->strings[i] = of;
}

static inline void push_string(lua_State *L, decoder *d, rl_slice s) {
  if (s.len - 1 >= LONGEST_STRING) { /* or it is empty */
    rl_push_slice(L, s);
    return;
  }
  short_string of = short_string_of(s);
  _Static_assert(STRINGS == 1 << 7, "seven bits of a hash");
  unsigned i = (unsigned)(((of.front ^ of.back * 31) * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - 7));
  short_string *kept = &d->memory->strings[i];
  if (!is_same_string(kept, &of)) {
    if (kept->worth) kept->worth--;
    else *kept = of;
    rl_push_slice(L, s);
  } else if (kept->worth) {
    kept->worth = WORTH;
    lua_rawgeti(L, d->keys, (lua_Integer)(LEVELS * MEMBERS + i + 1));
  } else {
    push_again(L, d, s, of, i);
  }
}

/* ---- values ---------------------------------------------------------------------------------------------------------------- */

/* Pushes what begins with `token`, a container or null. Returns false and pushes nothing at the end of a list. Raises if there is none. */
static bool push_other(lua_State *L, decoder *d, int token);

/* The same for every value. */
static inline bool push_value(lua_State *L, decoder *d, int token) {
  const rl_json_reader *reader = &d->reader;
  switch (token) {
    case RL_JSON_TRUE: lua_pushboolean(L, 1); return true;
    case RL_JSON_FALSE: lua_pushboolean(L, 0); return true;
    case RL_JSON_INTEGER: lua_pushinteger(L, reader->integer); return true;
    case RL_JSON_NUMBER: lua_pushnumber(L, reader->number); return true;
    case RL_JSON_STRING: push_string(L, d, reader->string); return true;
    default: return push_other(L, d, token);
  }
}

static unsigned level_of(const decoder *d) { return (d->reader.depth - 1) % LEVELS; }

/* Notes how many items a container had. Room is made for no more than one has had that was read, so a text cannot have more memory taken
 * than twice what its values need; empty containers ask for little, because they are the shortest to write. */
static void note(unsigned *expected, unsigned count, unsigned most) {
  if (count) *expected = count < most ? count : most;
  else if (*expected > LEAST) *expected = LEAST;
}

static void push_list(lua_State *L, decoder *d) {
  unsigned *expected = &d->memory->items[level_of(d)];
  lua_Integer count = 0;
  lua_createtable(L, (int)*expected, 0);
  while (push_value(L, d, rl_json_next(&d->reader))) lua_rawseti(L, -2, ++count);
  note(expected, (unsigned)count, MOST_ITEMS);
  rl_mark_array(L);
}

/* Pushes the key that was read, and remembers it as number `i` of those remembered, unless it had escapes. */
static void push_new_key(lua_State *L, decoder *d, unsigned i) {
  rl_slice key = d->reader.string;
  rl_push_slice(L, key);
  if (key.data == d->reader.scratch->data || key.len > LONGEST_KEY) return;
  lua_pushvalue(L, -1);
  lua_rawseti(L, d->keys, (lua_Integer)i + 1);
  key.data = lua_tolstring(L, -1, &key.len);
  rl_json_expect(&d->memory->keys[i], key);
}

/* Pushes the next key of an object. Returns false and pushes nothing at its end. Raises if there is neither. */
static bool push_key(lua_State *L, decoder *d, unsigned level, unsigned member) {
  unsigned i = level * MEMBERS + member;
  bool remembers = member < MEMBERS;
  if (remembers && d->memory->keys[i].name.data && rl_json_next_is_key(&d->reader, &d->memory->keys[i])) {
    lua_rawgeti(L, d->keys, (lua_Integer)i + 1);
    return true;
  }
  int token = rl_json_next(&d->reader);
  if (token == RL_JSON_END_OBJECT) return false;
  if (token < 0) raise_syntax(L, &d->reader, token);
  if (remembers) push_new_key(L, d, i);
  else rl_push_slice(L, d->reader.string);
  return true;
}

static void push_object(lua_State *L, decoder *d) {
  unsigned level = level_of(d), count = 0;
  lua_createtable(L, 0, (int)d->memory->members[level]);
  for (; push_key(L, d, level, count); count++) {
    int token = rl_json_next_value(&d->reader);
    if (token == RL_JSON_NULL && !d->keeps_null) lua_pushnil(L); /* removes the key: the last of equal keys wins */
    else push_value(L, d, token);
    lua_rawset(L, -3);
  }
  note(&d->memory->members[level], count, MOST_MEMBERS);
}

static __attribute__((noinline)) bool push_other(lua_State *L, decoder *d, int token) {
  if (token == RL_JSON_END_ARRAY) return false;
  if (token == RL_JSON_NULL) {
    rl_push_null(L);
    return true;
  }
  if (token != RL_JSON_ARRAY && token != RL_JSON_OBJECT) raise_syntax(L, &d->reader, token < 0 ? token : RL_ESYNTAX);
  luaL_checkstack(L, 8, "JSON");
  if (token == RL_JSON_ARRAY) push_list(L, d);
  else push_object(L, d);
  return true;
}

/* Reads the option {null=}. Ignores an argument that is no table, such as the count that gsub returns after its text. */
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
  decoder d = {.keeps_null = check_keeps_null(L, 2)};
  rl_slice text = rl_check_slice(L, 1);
  rl_buf *scratch = rl_scratch_push(L);
  d.memory = lua_touserdata(L, lua_upvalueindex(1));
  lua_getiuservalue(L, lua_upvalueindex(1), 1);
  d.keys = lua_gettop(L);
  rl_json_reader_init(&d.reader, text, scratch);
  push_value(L, &d, rl_json_next(&d.reader));
  int end = rl_json_next(&d.reader);
  if (end != RL_JSON_DONE) raise_syntax(L, &d.reader, end < 0 ? end : RL_ESYNTAX);
  rl_scratch_give(scratch);
  return 1;
}

static const luaL_Reg functions[] = {{"json_decode", json_decode}, {NULL, NULL}};

void rl_bind_json_decode(lua_State *L) {
  decode_memory *memory = lua_newuserdatauv(L, sizeof *memory, 1);
  memset(memory, 0, sizeof *memory);
  for (int i = 0; i < LEVELS; i++) memory->items[i] = memory->members[i] = LEAST;
  lua_createtable(L, LEVELS * MEMBERS + STRINGS, 0);
  lua_setiuservalue(L, -2, 1);
  luaL_setfuncs(L, functions, 1);
}
