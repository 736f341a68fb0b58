/*
 * A walk runs a plan (plan.h) from a step to the next leaf. A leaf may wait, raise and call anything. So all that a run knows
 * stands in its Lua frame: the context, the page, the variables, and above them the values that the steps work on. What steps of a
 * cell have done before they give up has no effects: they read raw fields only.
 *
 *   1 c    2 page    3 … variables    above top: the value last, below it what earlier cells have left
 */
#ifndef RL_BIND_TEMPLATE_WALK_H
#define RL_BIND_TEMPLATE_WALK_H

#include <lauxlib.h>

/* run(c, page, variables …): runs the plan among its upvalues (plan.h). */
int rl__walk_run(lua_State *L);
/* Lets waits through it. */
void rl__walk_open(lua_State *L);

#endif
