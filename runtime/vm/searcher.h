/*
 * The searcher of package.searchers that finds the modules of a program along package.path, by the rules and in the words of
 * Lua's own (loadlib.c, lauxlib.c), but through base/root.h: a program's files have one way in.
 */
#ifndef RL_VM_SEARCHER_H
#define RL_VM_SEARCHER_H

#include "vm/vm.h"

/* Puts it in the place of Lua's own, which is at `index` of package.searchers. */
void rl_searcher_open(lua_State *L, lua_Integer index);

#endif
