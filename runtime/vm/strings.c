/*
 * string.find, match, gmatch and gsub on base/matcher.h: what the reference manual says of them (section 6.4), with the
 * words of Lua's own library for each error. A match that runs on attends to the stall guard (vm/task/heartbeat.h), which may
 * raise: nothing is held then but values on the stack.
 */
#define _GNU_SOURCE
#include <string.h>

#include "base/matcher.h"
#include "vm/library.h"
#include "vm/task/heartbeat.h"

static void on_pause(rl_matcher *m) { rl_heartbeat_attend(m->owner); }

static void start(lua_State *L, rl_matcher *m, rl_slice subject, rl_slice pattern, bool anchors) {
  rl_matcher_init(m, subject, pattern, anchors);
  m->on_pause = on_pause;
  m->owner = L;
}

/* Whether there is one; raises what is wrong with the pattern. */
static bool find(lua_State *L, rl_matcher *m, const char *from, const char *but, const char **at, const char **end) {
  int result = rl_matcher_find(m, from, but, at, end);
  if (result == RL_MATCH_FAULT) luaL_error(L, m->fault, m->fault_number);
  return result == RL_MATCH_FOUND;
}

/* ---- captures ---------------------------------------------------------------------------------------------------------- */

/* The text of capture `index`, from 0; 0 is the whole match where there are none. A place is pushed: false. */
static bool capture_text(lua_State *L, const rl_matcher *m, unsigned index, rl_slice match, rl_slice *text) {
  switch (rl_matcher_capture(m, index, text)) {
    case RL_CAPTURE_TEXT: return true;
    case RL_CAPTURE_PLACE: lua_pushinteger(L, text->data - m->subject + 1); return false;
    case RL_CAPTURE_OPEN: return luaL_error(L, "unfinished capture");
    default:
      if (index) luaL_error(L, "invalid capture index %%%d", (int)index + 1);
      *text = match;
      return true;
  }
}

static void push_capture(lua_State *L, const rl_matcher *m, unsigned index, rl_slice match) {
  rl_slice text;
  if (capture_text(L, m, index, match, &text)) lua_pushlstring(L, text.data, text.len);
}

/* Pushes all of them, or the match where there are none; returns how many. */
static int push_captures(lua_State *L, const rl_matcher *m, rl_slice match) {
  if (!m->captures) {
    if (match.data) lua_pushlstring(L, match.data, match.len);
    return match.data ? 1 : 0;
  }
  luaL_checkstack(L, RL_MATCHER_CAPTURES, "too many captures");
  for (unsigned i = 0; i < m->captures; i++) push_capture(L, m, i, match);
  return (int)m->captures;
}

/* ---- find, match, gmatch ---------------------------------------------------------------------------------------------------- */

/* An optional place at `index` as an offset: negative ones count from the end. */
static size_t check_place(lua_State *L, int index, size_t len) {
  lua_Integer place = luaL_optinteger(L, index, 1);
  if (place > 0) return (size_t)place - 1;
  return place && place >= -(lua_Integer)len ? len + (size_t)place : 0;
}

/* The first byte is looked for, which is quickest where it is rare; memmem stays linear where the rest is all but there. */
static const char *find_text(const char *from, const char *end, rl_slice text) {
  const char *begin = from;
  if (!text.len) return from;
  for (size_t compared = 0; compared <= 4096 + (size_t)(from - begin) * 16; compared += text.len, from++) {
    if ((size_t)(end - from) < text.len) return NULL;
    from = memchr(from, text.data[0], (size_t)(end - from) - text.len + 1);
    if (!from || memcmp(from, text.data, text.len) == 0) return from;
  }
  return memmem(from, (size_t)(end - from), text.data, text.len);
}

static int find_plain(lua_State *L, rl_slice subject, size_t from, rl_slice text) {
  const char *found = find_text(subject.data + from, subject.data + subject.len, text);
  if (!found) return lua_pushnil(L), 1;
  lua_pushinteger(L, found - subject.data + 1);
  lua_pushinteger(L, found - subject.data + (ptrdiff_t)text.len);
  return 2;
}

/* string.find(s, pattern, init?, plain?) -> first, last, captures… | nil */
static int l_find(lua_State *L) {
  rl_slice subject = rl_library_text(L, 1), pattern = rl_library_text(L, 2);
  size_t from = check_place(L, 3, subject.len);
  const char *at, *end;
  rl_matcher m;
  if (from > subject.len) return lua_pushnil(L), 1;
  if (lua_toboolean(L, 4) || rl_matcher_is_plain(pattern)) return find_plain(L, subject, from, pattern);
  start(L, &m, subject, pattern, true);
  if (!find(L, &m, subject.data + from, NULL, &at, &end)) return lua_pushnil(L), 1;
  lua_pushinteger(L, at - subject.data + 1);
  lua_pushinteger(L, end - subject.data);
  return push_captures(L, &m, RL_SLICE_NONE) + 2;
}

/* string.match(s, pattern, init?) -> captures, or the match | nil */
static int l_match(lua_State *L) {
  rl_slice subject = rl_library_text(L, 1), pattern = rl_library_text(L, 2);
  size_t from = check_place(L, 3, subject.len);
  const char *at, *end;
  rl_matcher m;
  if (from > subject.len) return lua_pushnil(L), 1;
  start(L, &m, subject, pattern, true);
  if (!find(L, &m, subject.data + from, NULL, &at, &end)) return lua_pushnil(L), 1;
  return push_captures(L, &m, rl_slice_of(at, (size_t)(end - at)));
}

typedef struct walk {
  rl_matcher matcher;
  const char *from, *last; /* where it goes on; where the last match ended */
} walk;

/* Upvalues: the subject, the pattern, the walk. */
static int next_match(lua_State *L) {
  walk *w = lua_touserdata(L, lua_upvalueindex(3));
  const char *at, *end;
  w->matcher.owner = L;
  if (w->from > w->matcher.subject_end || !find(L, &w->matcher, w->from, w->last, &at, &end)) return 0;
  w->from = w->last = end;
  return push_captures(L, &w->matcher, rl_slice_of(at, (size_t)(end - at)));
}

/* string.gmatch(s, pattern, init?) -> iterator of captures, or of matches */
static int l_gmatch(lua_State *L) {
  rl_slice subject = rl_library_text(L, 1), pattern = rl_library_text(L, 2);
  size_t from = check_place(L, 3, subject.len);
  lua_settop(L, 2);
  walk *w = lua_newuserdatauv(L, sizeof *w, 0);
  start(L, &w->matcher, subject, pattern, false);
  w->from = subject.data + (from > subject.len ? subject.len + 1 : from);
  w->last = NULL;
  lua_pushcclosure(L, next_match, 3);
  return 1;
}

/* ---- gsub ---------------------------------------------------------------------------------------------------------------------- */

/* Stack of all of these: s, pattern, replacement, …, the buffer. */

static void add_slice(luaL_Buffer *out, rl_slice s) { luaL_addlstring(out, s.data, s.len); }

/* What stands behind a "%" of a replacement. */
static void add_escape(lua_State *L, luaL_Buffer *out, const rl_matcher *m, rl_slice match, char c) {
  rl_slice text;
  if (c == '%') luaL_addchar(out, c);
  else if (c == '0') add_slice(out, match);
  else if (c < '1' || c > '9') luaL_error(L, "invalid use of '%c' in replacement string", '%');
  else if (capture_text(L, m, (unsigned)(c - '1'), match, &text)) add_slice(out, text);
  else luaL_addvalue(out);
}

static void add_text(lua_State *L, luaL_Buffer *out, const rl_matcher *m, rl_slice match) {
  rl_slice text;
  text.data = lua_tolstring(L, 3, &text.len);
  const char *end = text.data + text.len, *escape;
  while ((escape = memchr(text.data, '%', (size_t)(end - text.data)))) {
    luaL_addlstring(out, text.data, (size_t)(escape - text.data));
    add_escape(L, out, m, match, escape + 1 < end ? escape[1] : 0);
    text.data = escape + 2;
  }
  luaL_addlstring(out, text.data, (size_t)(end - text.data));
}

/* A function's or a table's: on top of the stack. False and nil keep the match. */
static bool add_value(lua_State *L, luaL_Buffer *out, rl_slice match) {
  if (!lua_toboolean(L, -1)) {
    lua_pop(L, 1);
    add_slice(out, match);
    return false;
  }
  if (!lua_isstring(L, -1)) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  luaL_addvalue(out);
  return true;
}

/* Returns whether anything has changed. */
static bool replace(lua_State *L, luaL_Buffer *out, const rl_matcher *m, rl_slice match, int type) {
  if (type == LUA_TFUNCTION) {
    lua_pushvalue(L, 3);
    lua_call(L, push_captures(L, m, match), 1);
    return add_value(L, out, match);
  }
  if (type == LUA_TTABLE) {
    push_capture(L, m, 0, match);
    lua_gettable(L, 3);
    return add_value(L, out, match);
  }
  add_text(L, out, m, match);
  return true;
}

static int check_replacement(lua_State *L) {
  int type = lua_type(L, 3);
  bool known = type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE;
  luaL_argexpected(L, known, 3, "string/function/table");
  return type;
}

/* string.gsub(s, pattern, replacement, n?) -> string, how many were replaced */
static int l_gsub(lua_State *L) {
  rl_slice subject = rl_library_text(L, 1), pattern = rl_library_text(L, 2);
  lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)subject.len + 1), count = 0;
  int type = check_replacement(L);
  const char *from = subject.data, *last = NULL, *at, *end;
  bool changed = false;
  luaL_Buffer out;
  rl_matcher m;
  start(L, &m, subject, pattern, true);
  luaL_buffinit(L, &out);
  while (count < most && find(L, &m, from, last, &at, &end)) {
    count++;
    luaL_addlstring(&out, from, (size_t)(at - from));
    if (replace(L, &out, &m, rl_slice_of(at, (size_t)(end - at)), type)) changed = true;
    from = last = end;
    if (m.anchored) break;
  }
  if (changed) {
    luaL_addlstring(&out, from, (size_t)(m.subject_end - from));
    luaL_pushresult(&out);
  } else {
    lua_pushvalue(L, 1);
  }
  lua_pushinteger(L, count);
  return 2;
}

static const luaL_Reg functions[] = {
    {"find", l_find}, {"match", l_match}, {"gmatch", l_gmatch}, {"gsub", l_gsub}, {NULL, NULL}};

void rl_strings_open(lua_State *L) {
  lua_getglobal(L, LUA_STRLIBNAME);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
