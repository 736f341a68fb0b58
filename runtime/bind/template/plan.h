/*
 * Plans: straight parts of templates, which C runs without generated Lua (lua/rille/template/plan.lua, compile/plan.lua).
 *
 *   plan(spec, leaves) -> run;  run(c, page, variables …)
 *
 * A plan is steps and cells. Steps do what is plain: print text, read a field of a table, escape, count, jump. A step that meets
 * anything else gives up, and the leaf of its cell, a Lua function, does the whole cell instead. What the step has done so far
 * had no effects: it read raw fields only. A leaf may wait, raise and call anything. So all that a run knows stands in its Lua
 * frame: the context, the page, the variables, and above them the value that the steps work on.
 *
 *   1 c    2 page    3 … variables    above top: the value last, below it what earlier cells have left
 *
 * Kinds of cells, by what becomes of the leaf's results:
 *   print   it printed, and gives none
 *   test    a boolean: the run jumps to `to` if it is `want`
 *   items   list, length, function of more: into the first slots of a loop (rille/template/items.lua)
 *   value   one for each slot
 *   item    the next item of a loop; if it is nil and `want` is set, the loop ends, at `to`
 */
#ifndef RL_BIND_TEMPLATE_PLAN_H
#define RL_BIND_TEMPLATE_PLAN_H

#include <lauxlib.h>

/* plan({steps =, cells =, keys =, text =, slots =, count =, cell_count =}, leaves) -> run. Upvalues: 1 the kinds (kinds.h), 4 the
 * names of methods or nil. Raises for a spec that does not hang together. */
int rl__plan_new(lua_State *L);
/* Lets waits through the functions that rl__plan_new returns. */
void rl__plan_open(lua_State *L);

#endif
