/* Text for Lua: URL and HTML escaping, UTF-8, clocks. Small pure functions of base/. */
#include "base/error.h"
#include "base/html.h"
#include "base/log.h"
#include "base/url.h"
#include "base/utf8.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "vm/owner.h"

/* url_encode(s) -> string */
static int l_url_encode(lua_State *L) {
  rl_slice s = rl_check_slice(L, 1);
  rl_buf *scratch = rl_scratch_push(L);
  return rl_scratch_result(L, scratch, rl_url_encode(scratch, s));
}

/* url_decode(s, plus?) -> string; raises code "invalid" for a bad escape */
static int l_url_decode(lua_State *L) {
  rl_slice s = rl_check_slice(L, 1);
  luaL_Buffer b;
  char *out = luaL_buffinitsize(L, &b, s.len + 1);
  long len = rl_url_decode(s, lua_toboolean(L, 2), out);
  if (len < 0) return rl_error_raise(L, RL_EINVALID, "not a URL-encoded string: a '%%' needs two hex digits after it");
  luaL_pushresultsize(&b, (size_t)len);
  return 1;
}

/* What a function of base/ makes of the string argument. */
static int push_mapped(lua_State *L, int (*map)(rl_buf *out, rl_slice s)) {
  rl_slice s = rl_check_slice(L, 1);
  rl_buf *scratch = rl_scratch_push(L);
  return rl_scratch_result(L, scratch, map(scratch, s));
}

/* html_escape(s) -> string */
static int l_html_escape(lua_State *L) { return push_mapped(L, rl_html_escape); }

/* utf8_upper(s), utf8_lower(s) -> string */
static int l_utf8_upper(lua_State *L) { return push_mapped(L, rl_utf8_upper); }
static int l_utf8_lower(lua_State *L) { return push_mapped(L, rl_utf8_lower); }

/* utf8_valid(s) -> boolean */
static int l_utf8_valid(lua_State *L) {
  lua_pushboolean(L, rl_utf8_valid(rl_check_slice(L, 1)));
  return 1;
}

/* utf8_text(s) -> s without a byte order mark; nil where it is not UTF-8 */
static int l_utf8_text(lua_State *L) {
  rl_slice s = rl_check_slice(L, 1), mark = RL_SLICE("\xEF\xBB\xBF");
  lua_settop(L, 1);
  if (!rl_utf8_valid(s)) return 0;
  if (rl_slice_starts(s, mark)) rl_push_slice(L, rl_slice_of(s.data + mark.len, s.len - mark.len));
  return 1;
}

/* from_latin1(s) -> the same text in UTF-8 */
static int l_from_latin1(lua_State *L) {
  rl_slice s = rl_check_slice(L, 1);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (size_t i = 0; i < s.len; i++) {
    char bytes[4];
    luaL_addlstring(&b, bytes, rl_utf8_encode((unsigned char)s.data[i], bytes));
  }
  luaL_pushresult(&b);
  return 1;
}

/* now() -> monotonic seconds */
static int l_now(lua_State *L) {
  rl_loop *loop = rl_vm_of(L)->loop;
  if (loop->virtual_clock) lua_pushnumber(L, (double)rl_loop_now(loop) / 1e3);
  else lua_pushnumber(L, (double)uv_hrtime() / 1e9);
  return 1;
}

/* time() -> seconds since 1970 */
static int l_time(lua_State *L) {
  lua_pushnumber(L, (double)rl_loop_time(rl_vm_of(L)->loop) / 1e3);
  return 1;
}

/* random_id() -> 16 hex digits from the system's generator: for request and error ids, not for secrets */
static int l_random_id(lua_State *L) {
  unsigned char bytes[8];
  char text[17];
  if (uv_random(NULL, NULL, bytes, sizeof bytes, 0, NULL)) return rl_error_raise(L, RL_EIO, "no randomness");
  for (size_t i = 0; i < sizeof bytes; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
  lua_pushlstring(L, text, 16);
  return 1;
}

static const luaL_Reg functions[] = {{"random_id", l_random_id},
                                     {"url_encode", l_url_encode},
                                     {"url_decode", l_url_decode},
                                     {"html_escape", l_html_escape},
                                     {"utf8_valid", l_utf8_valid},
                                     {"utf8_text", l_utf8_text},
                                     {"utf8_upper", l_utf8_upper},
                                     {"utf8_lower", l_utf8_lower},
                                     {"from_latin1", l_from_latin1},
                                     {"now", l_now},
                                     {"time", l_time},
                                     {NULL, NULL}};

void rl_bind_text(lua_State *L) { luaL_setfuncs(L, functions, 0); }
