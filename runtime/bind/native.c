/* The native half of the library: one module for each folder of bind/, private to lua/rille; see native.h. */
#include "bind/native.h"

#include <string.h>

#include "base/error.h"
#include "bind/client/client.h"
#include "bind/core/core.h"
#include "bind/data/data.h"
#include "bind/http/http.h"
#include "bind/template/template.h"
#include "vm/modules.h"
#include "vm/task/heartbeat.h"

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
  rl_raised_wrap(L, 1);
  return 1;
}

/* error_trace(value) -> the traceback noted for it, or nil */
static int l_error_trace(lua_State *L) {
  rl_raised_push_trace(L, 1);
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

/* Adds constants: the null value, the version, and the options of this state. */
static void add_constants(lua_State *L) {
  const rl_vm *vm = rl_vm_of(L);
  static const char *const modes[] = {"serve", "dev", "test", "run"};
  rl_push_null(L);
  lua_setfield(L, -2, "null");
  lua_pushstring(L, modes[vm->mode]);
  lua_setfield(L, -2, "mode");
  lua_pushliteral(L, RILLE_VERSION);
  lua_setfield(L, -2, "version");
  lua_pushliteral(L, RILLE_REPOSITORY); /* URL of the sources, or "" */
  lua_setfield(L, -2, "repository");
  lua_pushliteral(L, RILLE_REVISION);
  lua_setfield(L, -2, "revision");
  lua_pushstring(L, vm->root);
  lua_setfield(L, -2, "root");
  lua_pushinteger(L, vm->worker);
  lua_setfield(L, -2, "worker");
  lua_pushinteger(L, vm->workers);
  lua_setfield(L, -2, "workers");
  lua_pushinteger(L, vm->generation);
  lua_setfield(L, -2, "generation");
}

static void add_natives(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
  add_constants(L);
}

typedef void binder(lua_State *L);

static binder *const core[] = {
    add_natives,     rl_bind_names,       rl_bind_json,    rl_bind_json_decode, rl_bind_task,
    rl_bind_scope,   rl_bind_queue,       rl_bind_text,    rl_bind_scan,        rl_bind_log,
    rl_bind_main,    rl_bind_crypto,      rl_bind_image,   rl_bind_directory,   rl_bind_machine,
    rl_bind_file,    rl_bind_offload,     rl_bind_testing, rl_bind_dashboard,   rl_bind_prompt,
    rl_bind_charset, rl_bind_certificate, rl_bind_durable, rl_bind_acme,        NULL};
static binder *const http[] = {rl_bind_response, rl_bind_request,  rl_bind_app,
                               rl_bind_chain,    rl_bind_out,      rl_bind_form,
                               rl_bind_spool,    rl_bind_session,  rl_bind_rate_limit,
                               rl_bind_local,    rl_bind_server,   rl_bind_client_certificate,
                               rl_bind_static,   rl_bind_compress, NULL};
static binder *const client[] = {rl_bind_client,          rl_bind_client_cookie, rl_bind_client_head,
                                 rl_bind_client_transfer, rl_bind_client_url,    NULL};
static binder *const data[] = {rl_bind_sqlite, rl_bind_session_database, NULL};
static binder *const template[] = {rl_bind_page, rl_bind_value, rl_bind_lexer, rl_bind_render, NULL};

/* Puts a module into package.loaded: a table with the functions of all binders. */
static void add_module(lua_State *L, const char *name, binder *const *binders) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_newtable(L);
  for (; *binders; binders++) (*binders)(L);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

void rl_native_open(lua_State *L) {
  add_module(L, "rille.native.core", core);
  add_module(L, "rille.native.http", http);
  add_module(L, "rille.native.client", client);
  add_module(L, "rille.native.data", data);
  add_module(L, "rille.native.template", template);
}
