/* The native half of the library for Lua: one module for each folder of bind/, private to lua/rille. */
#ifndef RL_BIND_NATIVE_H
#define RL_BIND_NATIVE_H

#include <lua.h>

/* Puts the modules `rille.native.core`, `.http`, `.client`, `.data` and `.template` into package.loaded. Raises. */
void rl_native_open(lua_State *L);

#endif
