/* The module searchers and the cache of compiled modules; see modules.h. */
#include "vm/modules.h"

#include <pthread.h>

#include "base/buf.h"
#include "vm/searcher.h"

/* Bytecode of the library's modules. The first state that loads a module compiles it; later states (reloads, other workers)
 * skip the parser, which is most of the cost of loading. It is never freed, and shared by all threads under the lock. A
 * program's own modules are always loaded as text: Lua does not verify bytecode. */
static pthread_mutex_t compiled_lock = PTHREAD_MUTEX_INITIALIZER;
static rl_slice compiled[RL_EMBEDDED_MOST];

static rl_slice compiled_of(size_t number) {
  pthread_mutex_lock(&compiled_lock);
  rl_slice code = compiled[number];
  pthread_mutex_unlock(&compiled_lock);
  return code;
}

static int add_piece(lua_State *L, const void *bytes, size_t size, void *out) {
  (void)L;
  return rl_buf_add(out, bytes, size);
}

/* Keeps the bytecode of the function on top of the stack, unless another thread was first. */
static void keep_compiled(lua_State *L, size_t number) {
  rl_buf code;
  size_t len;
  rl_buf_init(&code, RL_BUF_NO_LIMIT);
  if (lua_dump(L, add_piece, &code, 0) == 0) {
    pthread_mutex_lock(&compiled_lock);
    if (!compiled[number].data) {
      char *bytes = rl_buf_take(&code, &len);
      compiled[number] = rl_slice_of(bytes, len);
    }
    pthread_mutex_unlock(&compiled_lock);
  }
  rl_buf_free(&code);
}

static int load_embedded(lua_State *L, const rl_embedded *module, const char *chunk) {
  rl_slice code = compiled_of(module->number);
  if (code.data) return luaL_loadbufferx(L, code.data, code.len, chunk, "b");
  int status = luaL_loadbufferx(L, module->data, module->size, chunk, "t");
  if (status == LUA_OK) keep_compiled(L, module->number);
  return status;
}

/* Searches the modules that are embedded in the binary: a searcher for package.searchers. */
static int search_embedded(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  const rl_embedded *found = rl_embedded_find(name);
  if (!found) {
    lua_pushfstring(L, "no embedded module '%s'", name);
    return 1;
  }
  lua_pushfstring(L, "=%s", found->file);
  if (load_embedded(L, found, lua_tostring(L, -1)) != LUA_OK) return lua_error(L);
  lua_pushstring(L, found->file);
  return 2;
}

static void add_searcher(lua_State *L) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers");
  for (lua_Integer i = luaL_len(L, -1); i >= 2; i--) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushcfunction(L, search_embedded);
  lua_rawseti(L, -2, 2); /* after preload */
  lua_pop(L, 2);
}

/* Sets package.path to the root, its lua_modules (LuaRocks' layout, and flat), then Lua's own path; package.cpath likewise. */
static void set_paths(lua_State *L, const char *root) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushfstring(L,
                  "%s/?.lua;%s/?/init.lua;%s/lua_modules/share/lua/5.4/?.lua;%s/lua_modules/share/lua/5.4/?/init.lua;",
                  root, root, root, root);
  lua_pushfstring(L, "%s/lua_modules/?.lua;%s/lua_modules/?/init.lua;%s", root, root, lua_tostring(L, -2));
  lua_concat(L, 2);
  lua_setfield(L, -3, "path");
  lua_getfield(L, -2, "cpath");
  lua_pushfstring(L, "%s/lua_modules/lib/lua/5.4/?.so;%s", root, lua_tostring(L, -1));
  lua_setfield(L, -4, "cpath");
  lua_pop(L, 3);
}

/* Replaces require by rille/require.lua, under which a module may wait while it loads. */
static void replace_require(lua_State *L) {
  const rl_embedded *source = rl_embedded_find("rille.require");
  if (luaL_loadbufferx(L, source->data, source->size, "=rille/require.lua", "t") != LUA_OK) lua_error(L);
  lua_call(L, 0, 1);
  lua_setglobal(L, "require");
}

void rl_modules_open(lua_State *L) {
  add_searcher(L);
  rl_searcher_open(L, 3);
  set_paths(L, rl_vm_of(L)->root);
  replace_require(L);
}
