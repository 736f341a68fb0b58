/*
 * Modules: where `require` looks, and what is embedded in the binary.
 *
 *   package.searchers    preload, then the sources of lua/rille in the binary, then package.path
 *   package.path         the root of the program, its lua_modules (as LuaRocks lays them out, and flat), then where Lua looks
 *
 * `require` itself is rille/require.lua, because a module may wait while it loads.
 */
#ifndef RL_VM_MODULES_H
#define RL_VM_MODULES_H

#include "vm/vm.h"

/* Searches the embedded sources of lua/rille; NULL where there is none of that module name ("rille.app"). */
typedef struct rl_embedded {
  const char *name, *file;
  const char *data;
  size_t size, number; /* number: its place in the order of names, below RL_EMBEDDED_MOST */
} rl_embedded;
enum { RL_EMBEDDED_MOST = 1024 };
const rl_embedded *rl_embedded_find(const char *module);
/* The name of the one at `i`, in order; NULL behind the last. Files that are not Lua modules go by their path. */
const char *rl_embedded_name(size_t i);

/* Sets up package.searchers, package.path, package.cpath and require; the standard libraries are open. Raises. */
void rl_modules_open(lua_State *L);

#endif
