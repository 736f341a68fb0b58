/* Examines the machine for `rille doctor`: versions, limits, disks, ports, the clock. It blocks, so only a command may use it. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <uv.h>

#include "base/descriptors.h"
#include "base/error.h"
#include "base/machine.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "client/libcurl.h"
#include "net/address.h"
#include "vm/owner.h"

enum { FLUSHES = 20, FLUSH_BUDGET_MS = 1500, SOCKETS = 16 };

static void set_text(lua_State *L, const char *key, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, lua_Integer number) {
  lua_pushinteger(L, number);
  lua_setfield(L, -2, key);
}

/* machine_versions() -> {lua, libuv, libcurl, system}; libcurl: nil where it cannot be loaded */
static int l_versions(lua_State *L) {
  struct utsname system;
  const char *why;
  lua_createtable(L, 0, 4);
  set_text(L, "lua", LUA_RELEASE);
  set_text(L, "libuv", uv_version_string());
  if (rl_curl_load(&why) == RL_OK) set_text(L, "libcurl", rl_curl.version());
  if (uname(&system) == 0) {
    lua_pushfstring(L, "%s %s %s", system.sysname, system.release, system.machine);
    lua_setfield(L, -2, "system");
  }
  return 1;
}

/* machine_limits() -> {descriptors, most_descriptors, cores, user} */
static int l_limits(lua_State *L) {
  struct rlimit limit = {0};
  getrlimit(RLIMIT_NOFILE, &limit);
  lua_createtable(L, 0, 4);
  set_integer(L, "descriptors", rl_descriptors_limit());
  set_integer(L, "most_descriptors", limit.rlim_max > INT64_MAX ? INT64_MAX : (lua_Integer)limit.rlim_max);
  set_integer(L, "cores", sysconf(_SC_NPROCESSORS_ONLN));
  set_integer(L, "user", geteuid());
  return 1;
}

static int push_failure(lua_State *L, int code) {
  lua_pushnil(L);
  lua_pushstring(L, rl_error_text(code));
  return 2;
}

/* machine_flushes(folder) -> list of seconds | nil, message */
static int l_flushes(lua_State *L) {
  uint64_t ns[FLUSHES];
  int count = rl_machine_time_flushes(luaL_checkstring(L, 1), FLUSHES, FLUSH_BUDGET_MS, ns);
  if (count < 0) return push_failure(L, count);
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    lua_pushnumber(L, (lua_Number)ns[i] / 1e9);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* machine_space(path) -> {free, total, read_only} | nil, message */
static int l_space(lua_State *L) {
  rl_machine_space space;
  int code = rl_machine_space_of(luaL_checkstring(L, 1), &space);
  if (code) return push_failure(L, code);
  lua_createtable(L, 0, 3);
  set_integer(L, "free", (lua_Integer)space.free);
  set_integer(L, "total", (lua_Integer)space.total);
  lua_pushboolean(L, space.read_only);
  lua_setfield(L, -2, "read_only");
  return 1;
}

/* machine_may_write(path) -> boolean */
static int l_may_write(lua_State *L) {
  lua_pushboolean(L, access(luaL_checkstring(L, 1), W_OK) == 0);
  return 1;
}

/* machine_clock_is_kept() -> boolean */
static int l_clock_is_kept(lua_State *L) {
  lua_pushboolean(L, rl_machine_clock_is_kept());
  return 1;
}

/* machine_try_port(host, port) -> true | nil, message: binds without listening, so nobody can connect meanwhile */
static int l_try_port(lua_State *L) {
  const char *host = luaL_checkstring(L, 1);
  int port = (int)luaL_checkinteger(L, 2), fds[SOCKETS];
  rl_buf *why = rl_scratch_push(L);
  int count = rl_bind_tcp(host, port, false, fds, SOCKETS, why);
  for (int i = 0; i < count; i++) close(fds[i]);
  if (count < 0) {
    lua_pushnil(L);
    lua_pushlstring(L, why->data ? why->data : "", why->len);
  } else {
    lua_pushboolean(L, 1);
  }
  rl_scratch_give(why);
  return count < 0 ? 2 : 1;
}

static const luaL_Reg functions[] = {{"machine_versions", l_versions},   {"machine_limits", l_limits},
                                     {"machine_flushes", l_flushes},     {"machine_space", l_space},
                                     {"machine_may_write", l_may_write}, {"machine_clock_is_kept", l_clock_is_kept},
                                     {"machine_try_port", l_try_port},   {NULL, NULL}};

void rl_bind_machine(lua_State *L) { luaL_setfuncs(L, functions, 0); }
