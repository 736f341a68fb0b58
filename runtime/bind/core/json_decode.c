/*
 * Reads JSON (RFC 8259) into Lua values. Integers stay integers, lists are marked (so that [] stays a list), and null members of
 * objects are dropped unless the caller keeps them. The parser is base/json.h; its depth limit bounds the recursion here.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/json_reader.h"
#include "bind/bind.h"
#include "bind/core/core.h"

/* A userdata, because the reader holds memory while Lua may raise: __gc frees it then. */
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

/* Pushes the value that begins with `token`. Returns false and pushes nothing at the end of a list. Raises if there is none. */
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
    if (token == RL_JSON_NULL && !d->keeps_null) lua_pushnil(L); /* removes the key: the last of equal keys wins */
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
  bool keeps_null = check_keeps_null(L, 2);
  decode(L, rl_check_slice(L, 1), keeps_null);
  return 1;
}

static const luaL_Reg functions[] = {{"json_decode", json_decode}, {NULL, NULL}};

void rl_bind_json_decode(lua_State *L) { luaL_setfuncs(L, functions, 0); }
