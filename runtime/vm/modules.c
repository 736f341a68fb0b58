/* The module searchers; see modules.h. */
#include "vm/modules.h"

#include "vm/searcher.h"

/* Searches the modules that are embedded in the binary: a searcher for package.searchers. */
static int search_embedded(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  const rl_embedded *found = rl_embedded_find(name);
  if (!found) {
    lua_pushfstring(L, "no embedded module '%s'", name);
    return 1;
  }
  lua_pushfstring(L, "=%s", found->file);
  if (luaL_loadbuffer(L, found->data, found->size, lua_tostring(L, -1)) != LUA_OK) return lua_error(L);
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
  if (luaL_loadbuffer(L, source->data, source->size, "=rille/require.lua") != LUA_OK) lua_error(L);
  lua_call(L, 0, 1);
  lua_setglobal(L, "require");
}

void rl_modules_open(lua_State *L) {
  add_searcher(L);
  rl_searcher_open(L, 3);
  set_paths(L, rl_vm_of(L)->root);
  replace_require(L);
}
