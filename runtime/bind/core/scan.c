/* Scanning for Lua: what lua/rille takes apart where a pattern would try again and again (base/scan.h, http/forwarded.h). */
#include "base/scan.h"
#include "base/error.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "http/forwarded.h"

/* The set of a string argument, or white space where there is none. */
static rl_byte_set set_at(lua_State *L, int index) {
  return rl_byte_set_of(lua_isnoneornil(L, index) ? rl_white_space : rl_check_slice(L, index));
}

static int push_trimmed(lua_State *L, int ends) {
  rl_slice s = rl_check_slice(L, 1);
  rl_byte_set set = set_at(L, 2);
  rl_slice rest = rl_scan_trim(s, &set, ends);
  if (rest.len == s.len) lua_settop(L, 1);
  else rl_push_slice(L, rest);
  return 1;
}

/* trim(s, bytes?) -> s without white space, or without these bytes, at its ends; trim_left and trim_right: at one */
static int l_trim(lua_State *L) { return push_trimmed(L, RL_SCAN_LEFT | RL_SCAN_RIGHT); }
static int l_trim_left(lua_State *L) { return push_trimmed(L, RL_SCAN_LEFT); }
static int l_trim_right(lua_State *L) { return push_trimmed(L, RL_SCAN_RIGHT); }

/* find_text(s, part, from = 1) -> place of the first byte, or nil */
static int l_find_text(lua_State *L) {
  rl_slice s = rl_check_slice(L, 1), part = rl_check_slice(L, 2);
  lua_Integer from = luaL_optinteger(L, 3, 1);
  if (from < 1 || (size_t)from > s.len + 1) return 0;
  long at = rl_scan_find(s, part, (size_t)from - 1);
  if (at < 0) return 0;
  lua_pushinteger(L, at + 1);
  return 1;
}

/* find_text_last(s, part, stop = #s + 1) -> place of the last one that ends before byte `stop`, or nil */
static int l_find_text_last(lua_State *L) {
  rl_slice s = rl_check_slice(L, 1), part = rl_check_slice(L, 2);
  lua_Integer stop = luaL_optinteger(L, 3, (lua_Integer)s.len + 1);
  if (stop < 1 || (size_t)stop > s.len + 1) return 0;
  long at = rl_scan_find_last(s, part, (size_t)stop - 1);
  if (at == RL_SCAN_NOMEM) return rl_error_raise(L, RL_ENOMEM, NULL);
  if (at < 0) return 0;
  lua_pushinteger(L, at + 1);
  return 1;
}

/* The argument `most` at `index`: all where it is nil. */
static size_t most_at(lua_State *L, int index) {
  lua_Integer most = luaL_optinteger(L, index, LUA_MAXINTEGER);
  return most < 0 ? 0 : (size_t)most;
}

static size_t count_text(rl_slice s, rl_slice part, size_t most) {
  size_t count = 0;
  for (long at = 0; count < most && (at = rl_scan_find(s, part, (size_t)at)) >= 0; at += (long)part.len) count++;
  return count;
}

/* count_text(s, part, most?) -> how often it stands there, without overlaps; the part is not empty */
static int l_count_text(lua_State *L) {
  rl_slice s = rl_check_slice(L, 1), part = rl_check_slice(L, 2);
  luaL_argcheck(L, part.len > 0, 2, "an empty part stands everywhere");
  lua_pushinteger(L, (lua_Integer)count_text(s, part, most_at(L, 3)));
  return 1;
}

/* replace_text(s, old, new, most?) -> s with the first `most` places of `old` replaced; the caller knows how long that is */
static int l_replace_text(lua_State *L) {
  rl_slice s = rl_check_slice(L, 1), old = rl_check_slice(L, 2), new = rl_check_slice(L, 3);
  luaL_argcheck(L, old.len > 0, 2, "an empty part stands everywhere");
  size_t count = count_text(s, old, most_at(L, 4)), from = 0;
  luaL_Buffer b;
  char *to = luaL_buffinitsize(L, &b, s.len + count * new.len - count *old.len), *start = to;
  for (size_t i = 0; i < count; i++) {
    size_t at = (size_t)rl_scan_find(s, old, from);
    memcpy(to, s.data + from, at - from);
    memcpy(to + (at - from), new.data, new.len);
    to += at - from + new.len;
    from = at + old.len;
  }
  memcpy(to, s.data + from, s.len - from);
  luaL_pushresultsize(&b, (size_t)(to - start) + s.len - from);
  return 1;
}

/* number_kind(s) -> "integer", "number" or nil: what the text is as people write numbers */
static int l_number_kind(lua_State *L) {
  rl_number_kind kind = rl_scan_number(rl_check_slice(L, 1));
  if (kind == RL_NUMBER_NONE) return 0;
  lua_pushstring(L, kind == RL_NUMBER_INTEGER ? "integer" : "number");
  return 1;
}

/* split_list(s) -> the elements of a list with commas, trimmed, without empty ones; quotes mean nothing */
static int l_split_list(lua_State *L) {
  rl_slice rest = rl_check_slice(L, 1), element;
  lua_newtable(L);
  for (lua_Integer i = 1; rl_slice_next_plain(&rest, &element); i++) {
    rl_push_slice(L, element);
    lua_rawseti(L, -2, i);
  }
  return 1;
}

static void set_slice(lua_State *L, const char *name, rl_slice value) {
  if (!value.data) return;
  rl_push_slice(L, value);
  lua_setfield(L, -2, name);
}

/* forwarded(s) -> list of {for, proto, host}: a Forwarded header (RFC 7239) */
static int l_forwarded(lua_State *L) {
  rl_forwarded forwarded = rl_forwarded_of(rl_check_slice(L, 1));
  rl_forwarded_hop hop;
  lua_newtable(L);
  for (lua_Integer i = 1; rl_forwarded_next(&forwarded, &hop); i++) {
    lua_createtable(L, 0, 3);
    set_slice(L, "for", hop.node);
    set_slice(L, "proto", hop.proto);
    set_slice(L, "host", hop.host);
    lua_rawseti(L, -2, i);
  }
  return 1;
}

static const luaL_Reg functions[] = {{"trim", l_trim},
                                     {"trim_left", l_trim_left},
                                     {"trim_right", l_trim_right},
                                     {"find_text", l_find_text},
                                     {"find_text_last", l_find_text_last},
                                     {"count_text", l_count_text},
                                     {"replace_text", l_replace_text},
                                     {"number_kind", l_number_kind},
                                     {"split_list", l_split_list},
                                     {"forwarded", l_forwarded},
                                     {NULL, NULL}};

void rl_bind_scan(lua_State *L) { luaL_setfuncs(L, functions, 0); }
