/*
 * Modules: where `require` looks, and what is embedded in the binary.
 *
 *   package.searchers    preload, then lua/rille in the binary, then package.path
 *   package.path         the root of the program, its lua_modules (LuaRocks' layout, and flat), then Lua's own path
 *
 * `require` itself is rille/require.lua, because a module may wait while it loads.
 */
#ifndef RL_VM_MODULES_H
#define RL_VM_MODULES_H

#include "vm/vm.h"

/* A file of lua/rille in the binary; a module is bytecode, or text where the build could not compile it (cmake/embed.cmake).
 * Static. */
typedef struct rl_embedded {
  const char *name, *file;
  const char *data;
  size_t size;
} rl_embedded;
/* Returns the embedded file of that module name ("rille.app"), or NULL. */
const rl_embedded *rl_embedded_find(const char *module);
/* Returns the name of the file at `i`, in the order of names, or NULL after the last. A file that is no Lua module goes by its
 * path. */
const char *rl_embedded_name(size_t i);

/* Sets up package.searchers, package.path, package.cpath and require. The standard libraries must be open. Raises. */
void rl_modules_open(lua_State *L);

#endif
