/* Error values; see error.h. */
#include "vm/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "vm/frames.h"

/* ---- values ----------------------------------------------------------------------------------------------------------- */

void rl_error_push_word(lua_State *L, const char *word, int status, const char *message) {
  lua_createtable(L, 0, 5);
  lua_pushinteger(L, status);
  lua_setfield(L, -2, "status");
  lua_pushstring(L, word);
  lua_setfield(L, -2, "code");
  lua_pushstring(L, message);
  lua_setfield(L, -2, "message");
  rl_vm_push_ref(L, RL_REF_ERROR_META);
  lua_setmetatable(L, -2);
}

static void push_formatted(lua_State *L, int code, const char *format, va_list args) {
  char message[512];
  if (format) vsnprintf(message, sizeof message, format, args);
  rl_error_push_word(L, rl_error_word(code), rl_error_status(code), format ? message : rl_error_text(code));
}

void rl_error_push(lua_State *L, int code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  push_formatted(L, code, format, args);
  va_end(args);
}

int rl_error_raise(lua_State *L, int code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  push_formatted(L, code, format, args);
  va_end(args);
  lua_error(L);
}

/* Pushes "app.lua:12: " for the innermost frame of the program. A tail call (`return f(…)`) may have left none: then the
 * state's own push_place says where the running request or task begins. */
static void push_place(lua_State *L) {
  lua_Debug ar;
  if (rl_frames_find_program(L, 1, &ar)) {
    lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
    return;
  }
  rl_vm *vm = rl_vm_of(L);
  if (vm->push_place) vm->push_place(L);
  else lua_pushliteral(L, "");
}

int rl_error_mistake(lua_State *L, const char *format, ...) {
  va_list args;
  push_place(L);
  va_start(args, format);
  lua_pushvfstring(L, format, args);
  va_end(args);
  lua_concat(L, 2);
  lua_error(L);
}

bool rl_error_is(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TTABLE && rl_vm_has_meta(L, index, RL_REF_ERROR_META);
}

bool rl_error_has_code(lua_State *L, int index, int code) {
  if (!rl_error_is(L, index)) return false;
  lua_getfield(L, index, "code");
  const char *word = lua_tostring(L, -1);
  bool same = word && strcmp(word, rl_error_word(code)) == 0;
  lua_pop(L, 1);
  return same;
}

/* error:__tostring() -> message */
static int error_tostring(lua_State *L) {
  lua_getfield(L, 1, "message");
  if (lua_isnil(L, -1)) lua_getfield(L, 1, "code");
  luaL_tolstring(L, -1, NULL);
  return 1;
}

void rl_error_open(lua_State *L) {
  lua_createtable(L, 0, 2);
  lua_pushliteral(L, "rille.error");
  lua_setfield(L, -2, "__name");
  lua_pushcfunction(L, error_tostring);
  lua_setfield(L, -2, "__tostring");
  rl_vm_keep_meta(L, RL_REF_ERROR_META);
}
