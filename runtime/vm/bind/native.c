/* `require "rille.native"`: the functions of every file of vm/bind/ in one table. Private to lua/rille. */
#include <string.h>

#include "base/error.h"
#include "vm/bind/bind.h"

/* error(status or code, message, fields) is built in lua/rille/error.lua on this: error_meta() -> metatable */
static int l_error_meta(lua_State *L) {
  rl_vm_push_ref(L, RL_REF_ERROR_META);
  return 1;
}

/* error_status(code) -> the status that goes with a code of the C core, or nil */
static int l_error_status(lua_State *L) {
  int code = rl_error_of_word(luaL_checkstring(L, 1));
  if (!code) return 0;
  lua_pushinteger(L, rl_error_status(code));
  return 1;
}

/* wrap_error(value) -> error value */
static int l_wrap_error(lua_State *L) {
  rl_error_wrap(L, 1);
  return 1;
}

/* error_trace(value) -> the traceback noted for it, or nil */
static int l_error_trace(lua_State *L) {
  rl_error_push_trace(L, 1);
  return 1;
}

/* embedded(name) -> the bytes of a file in the binary, or nil */
static int l_embedded(lua_State *L) {
  const rl_embedded *found = rl_embedded_find(luaL_checkstring(L, 1));
  if (!found) return 0;
  lua_pushlstring(L, found->data, found->size);
  return 1;
}

/* embedded_names(prefix) -> sorted list */
static int l_embedded_names(lua_State *L) {
  size_t len;
  const char *prefix = luaL_checklstring(L, 1, &len), *name;
  lua_Integer count = 0;
  lua_newtable(L);
  for (size_t i = 0; (name = rl_embedded_name(i)); i++) {
    if (strncmp(name, prefix, len) != 0) continue;
    lua_pushstring(L, name);
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

static const luaL_Reg functions[] = {{"embedded", l_embedded},          {"embedded_names", l_embedded_names},
                                     {"error_meta", l_error_meta},      {"error_status", l_error_status},
                                     {"wrap_error", l_wrap_error},      {"error_trace", l_error_trace},
                                     {"bounded", rl_heartbeat_bounded}, {NULL, NULL}};

int luaopen_rille_native(lua_State *L) {
  rl_vm *vm = rl_vm_of(L);
  luaL_newlib(L, functions);
  rl_push_null(L);
  lua_setfield(L, -2, "null");
  static const char *const modes[] = {"serve", "dev", "test", "run"};
  lua_pushstring(L, modes[vm->mode]);
  lua_setfield(L, -2, "mode");
  lua_pushliteral(L, RILLE_VERSION);
  lua_setfield(L, -2, "version");
  lua_pushliteral(L, RILLE_REPOSITORY); /* where the sources are, or "", and which of them these are */
  lua_setfield(L, -2, "repository");
  lua_pushliteral(L, RILLE_REVISION);
  lua_setfield(L, -2, "revision");
  lua_pushstring(L, vm->root);
  lua_setfield(L, -2, "root");
  lua_pushinteger(L, vm->worker);
  lua_setfield(L, -2, "worker");
  lua_pushinteger(L, vm->workers);
  lua_setfield(L, -2, "workers");
  lua_pushinteger(L, vm->edition);
  lua_setfield(L, -2, "edition");
  rl_bind_names(L);
  rl_bind_json(L);
  rl_bind_task(L);
  rl_bind_text(L);
  rl_bind_scan(L);
  rl_bind_log(L);
  rl_bind_response(L);
  rl_bind_request(L);
  rl_bind_app(L);
  rl_bind_chain(L);
  rl_bind_out(L);
  rl_bind_template(L);
  rl_bind_template_lexer(L);
  rl_bind_main(L);
  rl_bind_crypto(L);
  rl_bind_form(L);
  rl_bind_image(L);
  rl_bind_spill(L);
  rl_bind_session(L);
  rl_bind_guard(L);
  rl_bind_sqlite(L);
  rl_bind_files(L);
  rl_bind_machine(L);
  rl_bind_local(L);
  rl_bind_server(L);
  rl_bind_offload(L);
  rl_bind_static(L);
  rl_bind_compress(L);
  rl_bind_testing(L);
  rl_bind_charset(L);
  rl_bind_client(L);
  rl_bind_client_cookie(L);
  rl_bind_client_head(L);
  rl_bind_client_transfer(L);
  rl_bind_client_url(L);
  rl_bind_file(L);
  rl_bind_desk(L);
  rl_bind_prompt(L);
  return 1;
}
