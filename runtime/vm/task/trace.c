/* What was raised, whatever it is: as text, as an error value, and where it was raised. */
#include <string.h>

#include "base/error.h"
#include "vm/error.h"
#include "vm/frames.h"
#include "vm/task/task.h"

static bool is_ours(const lua_Debug *ar) { return strncmp(ar->source, "=rille/", 7) == 0; }

/* ---- values ----------------------------------------------------------------------------------------------------------- */

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

const char *rl_raised_push_text(lua_State *L, int index) {
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

void rl_raised_wrap(lua_State *L, int index) {
  index = lua_absindex(L, index);
  if (rl_error_is(L, index)) {
    lua_pushvalue(L, index);
    return;
  }
  const char *text = lua_type(L, index) == LUA_TNIL ? "nil" : rl_raised_push_text(L, index);
  if (lua_type(L, index) == LUA_TSTRING && strcmp(text, "not enough memory") == 0) /* Lua's own, of the allocator */
    rl_error_push_word(L, rl_error_word(RL_ENOMEM), rl_error_status(RL_ENOMEM), text);
  else rl_error_push_word(L, "error", 500, text);
  if (lua_type(L, index) != LUA_TNIL) lua_remove(L, -2);
  lua_pushvalue(L, index);
  lua_setfield(L, -2, "cause");
  rl_raised_push_trace(L, index);
  lua_setfield(L, -2, "traceback");
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

void rl_raised_traceback(lua_State *L, lua_State *of, int level) {
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
    rl_raised_traceback(L, L, 1);
    rl_task_add_ancestors(L, task);
    lua_rawseti(L, -2, 2);
    tell_raise(L, value);
  }
  lua_pop(L, 1);
}

void rl_raised_note_trace(lua_State *L, int index) {
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

void rl_raised_push_trace(lua_State *L, int index) {
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

int rl_raised_handler(lua_State *L) {
  rl_task *task = rl_task_running(L);
  lua_settop(L, 1);
  if (!task || lua_type(L, 1) == LUA_TUSERDATA) return 1; /* a raised response is no failure */
  if (!rl_error_is(L, 1)) {
    note_trace(L, task, 1);
    return 1;
  }
  if (lua_getfield(L, 1, "traceback") == LUA_TNIL) {
    rl_raised_traceback(L, L, 1);
    rl_task_add_ancestors(L, task);
    lua_setfield(L, 1, "traceback");
    tell_raise(L, 1);
  }
  lua_settop(L, 1);
  return 1;
}

void rl_raised_describe(lua_State *L, int value, const char **text, const char **trace) {
  *text = rl_raised_push_text(L, value);
  if (!rl_error_is(L, value) || lua_getfield(L, value, "traceback") != LUA_TSTRING) {
    if (rl_error_is(L, value)) lua_pop(L, 1);
    rl_raised_push_trace(L, value);
  }
  *trace = lua_tostring(L, -1);
}
