/* Error values and tracebacks; see error.h. */
#include "vm/error.h"

#include <stdarg.h>
#include <string.h>

#include "app/serving.h"
#include "base/error.h"
#include "vm/frames.h"
#include "vm/task/task.h"

static bool is_ours(const lua_Debug *ar) { return strncmp(ar->source, "=rille/", 7) == 0; }

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

/* Pushes "app.lua:12: " for the first frame that is the program's; a call in `return f(…)` may have left none. */
static void push_place(lua_State *L) {
  lua_Debug ar;
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (*ar.what == 'C' || is_ours(&ar)) continue;
    lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
    return;
  }
  rl_res_push_place(L);
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
  if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index)) return false;
  rl_vm_push_ref(L, RL_REF_ERROR_META);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

bool rl_error_has_code(lua_State *L, int index, int code) {
  if (!rl_error_is(L, index)) return false;
  lua_getfield(L, index, "code");
  const char *word = lua_tostring(L, -1);
  bool same = word && strcmp(word, rl_error_word(code)) == 0;
  lua_pop(L, 1);
  return same;
}

static int value_tostring(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  return 1;
}

static void push_raw(lua_State *L, int index, const char *name) {
  lua_pushstring(L, name);
  lua_rawget(L, index);
}

/* What error{status = 404} was meant to be: "404", or "500", "the message", where a table has that much. */
static void push_meant(lua_State *L, int index) {
  push_raw(L, index, "status");
  push_raw(L, index, "code");
  push_raw(L, index, "message");
  bool has_status = lua_isinteger(L, -3);
  const char *code = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
  const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  if (has_status) lua_pushfstring(L, "%I", lua_tointeger(L, -3));
  else if (code) lua_pushfstring(L, "\"%s\"", code);
  else lua_pushliteral(L, "status");
  if (message) lua_pushfstring(L, ", \"%s\"", message), lua_concat(L, 2);
  lua_replace(L, -4);
  lua_pop(L, 2);
}

/* Returns true if nobody has said how this table is to be printed. */
static bool is_plain(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE) return false;
  bool named = luaL_getmetafield(L, index, "__tostring") || luaL_getmetafield(L, index, "__name");
  if (named) lua_pop(L, 1);
  return !named;
}

/* An address says nothing of a table without a name. */
static const char *push_table_text(lua_State *L, int index) {
  push_meant(L, index);
  lua_pushfstring(L, "a plain table was raised, which is no error value: rille.abort(%s) raises one",
                  lua_tostring(L, -1));
  lua_remove(L, -2);
  return lua_tostring(L, -1);
}

const char *rl_error_push_text(lua_State *L, int index) {
  if (lua_type(L, index) == LUA_TSTRING) return lua_pushvalue(L, index), lua_tostring(L, -1);
  index = lua_absindex(L, index);
  if (is_plain(L, index) && lua_checkstack(L, 8)) return push_table_text(L, index);
  unsigned number = rl_protect_enter(L);
  lua_pushcfunction(L, value_tostring);
  lua_pushvalue(L, index);
  int status = lua_pcall(L, 1, 1, 0);
  rl_protect_leave(L, number, status != LUA_OK);
  if (status == LUA_OK) return lua_tostring(L, -1);
  const char *why = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  lua_pushfstring(L, "an error value (a %s) whose __tostring fails%s%s", luaL_typename(L, index), why ? ": " : "",
                  why ? why : "");
  lua_remove(L, -2);
  return lua_tostring(L, -1);
}

void rl_error_wrap(lua_State *L, int index) {
  index = lua_absindex(L, index);
  if (rl_error_is(L, index)) {
    lua_pushvalue(L, index);
    return;
  }
  const char *text = lua_type(L, index) == LUA_TNIL ? "nil" : rl_error_push_text(L, index);
  if (lua_type(L, index) == LUA_TSTRING && strcmp(text, "not enough memory") == 0) /* Lua's own, of the allocator */
    rl_error_push_word(L, rl_error_word(RL_ENOMEM), rl_error_status(RL_ENOMEM), text);
  else rl_error_push_word(L, "error", 500, text);
  if (lua_type(L, index) != LUA_TNIL) lua_remove(L, -2);
  lua_pushvalue(L, index);
  lua_setfield(L, -2, "cause");
  rl_error_push_trace(L, index);
  lua_setfield(L, -2, "traceback");
}

int rl_error_status_at(lua_State *L, int index) {
  if (!rl_error_is(L, index)) return 500;
  lua_getfield(L, index, "status");
  int status = lua_isinteger(L, -1) ? (int)lua_tointeger(L, -1) : 500;
  lua_pop(L, 1);
  return status >= 200 && status <= 599 ? status : 500;
}

/* ---- tracebacks --------------------------------------------------------------------------------------------------------- */

enum { MOST_FRAMES = 40 };

/* "function 'name'" as Lua writes it, without the search through package.loaded that makes luaL_traceback slow. */
static void add_name(luaL_Buffer *b, const lua_Debug *ar, const char *call_name) {
  if (*ar->namewhat)
    lua_pushfstring(b->L, "%s '%s'", strcmp(ar->namewhat, "global") ? ar->namewhat : "function", ar->name);
  else if (*ar->what == 'm') lua_pushliteral(b->L, "main chunk");
  else if (call_name) lua_pushfstring(b->L, "function '%s'", call_name);
  else lua_pushfstring(b->L, "function <%s:%d>", ar->short_src, ar->linedefined);
  luaL_addvalue(b);
}

static void add_frame(luaL_Buffer *b, const lua_Debug *ar) {
  lua_pushfstring(b->L, "\n\t%s:%d: in ", ar->short_src, ar->currentline);
  luaL_addvalue(b);
  add_name(b, ar, NULL);
  if (ar->istailcall) luaL_addstring(b, "\n\t(...tail calls...)");
}

/* Frames of `of`, the program's own; ours too where `all`. Returns how many were written. */
static int add_frames(luaL_Buffer *b, lua_State *of, int level, bool all) {
  lua_Debug ar;
  int written = 0, skipped = 0;
  bool there;
  for (; (there = lua_getstack(of, level, &ar)) && level < RL_FRAMES_INNERMOST; level++) {
    lua_getinfo(of, "Slnt", &ar);
    if (*ar.what == 'C' || (!all && is_ours(&ar))) continue;
    if (written < MOST_FRAMES) add_frame(b, &ar), written++;
    else skipped++;
  }
  if (skipped) {
    lua_pushfstring(b->L, there ? "\n\t... (more than %d more)" : "\n\t... (%d more)", skipped);
    luaL_addvalue(b);
  }
  return written;
}

void rl_traceback(lua_State *L, lua_State *of, int level) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, "stack traceback:");
  if (!add_frames(&b, of, level, false)) add_frames(&b, of, level, true);
  luaL_pushresult(&b);
}

/* ---- noting where a value was raised --------------------------------------------------------------------------------------- */

/* Leaves the note of the running task on the stack: a table {value, traceback}, made where there is none. */
static void push_note(lua_State *L, rl_task *task) {
  if (task->trace_ref != LUA_NOREF) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, task->trace_ref);
    return;
  }
  lua_createtable(L, 2, 0);
  lua_pushvalue(L, -1);
  task->trace_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Development: a function of ours sees what was raised, and the frames, before they unwind. It cannot fail anybody. */
static void tell_raise(lua_State *L, int value) {
  int ref = rl_vm_of(L)->refs[RL_REF_ON_RAISE];
  if (!ref || !lua_checkstack(L, 4)) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
  lua_pushvalue(L, value);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
}

static void note_trace(lua_State *L, rl_task *task, int value) {
  push_note(L, task);
  lua_rawgeti(L, -1, 1);
  bool again = lua_rawequal(L, -1, value) && !lua_isnil(L, value);
  lua_pop(L, 1);
  if (!again) {
    lua_pushvalue(L, value);
    lua_rawseti(L, -2, 1);
    rl_traceback(L, L, 1);
    rl_task_add_ancestors(L, task);
    lua_rawseti(L, -2, 2);
    tell_raise(L, value);
  }
  lua_pop(L, 1);
}

void rl_error_note_trace(lua_State *L, int index) {
  index = lua_absindex(L, index);
  rl_task *task = rl_task_running(L);
  if (task && lua_isstring(L, -1)) {
    push_note(L, task);
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, 2);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

void rl_error_push_trace(lua_State *L, int index) {
  index = lua_absindex(L, index);
  rl_task *task = rl_task_running(L);
  if (!task || task->trace_ref == LUA_NOREF) {
    lua_pushnil(L);
    return;
  }
  push_note(L, task);
  lua_rawgeti(L, -1, 1);
  bool same = lua_rawequal(L, -1, index);
  lua_pop(L, 1);
  if (same) lua_rawgeti(L, -1, 2);
  else lua_pushnil(L);
  lua_remove(L, -2);
}

int rl_error_handler(lua_State *L) {
  rl_task *task = rl_task_running(L);
  lua_settop(L, 1);
  if (!task || lua_type(L, 1) == LUA_TUSERDATA) return 1; /* a raised response is no failure */
  if (!rl_error_is(L, 1)) {
    note_trace(L, task, 1);
    return 1;
  }
  if (lua_getfield(L, 1, "traceback") == LUA_TNIL) {
    rl_traceback(L, L, 1);
    rl_task_add_ancestors(L, task);
    lua_setfield(L, 1, "traceback");
    tell_raise(L, 1);
  }
  lua_settop(L, 1);
  return 1;
}

/* error:__tostring() -> message */
static int error_tostring(lua_State *L) {
  lua_getfield(L, 1, "message");
  if (lua_isnil(L, -1)) lua_getfield(L, 1, "code");
  luaL_tolstring(L, -1, NULL);
  return 1;
}

void rl_error_open(lua_State *L) {
  rl_vm *vm = rl_vm_of(L);
  lua_createtable(L, 0, 2);
  lua_pushliteral(L, "rille.error");
  lua_setfield(L, -2, "__name");
  lua_pushcfunction(L, error_tostring);
  lua_setfield(L, -2, "__tostring");
  vm->refs[RL_REF_ERROR_META] = luaL_ref(L, LUA_REGISTRYINDEX);
}
