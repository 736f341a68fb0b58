/*
 * Walking the calls of a thread. lua_getstack counts from the innermost call each time, so looking at each of 200,000 calls
 * of an endless recursion would take minutes. What looks for something looks at the innermost and at the outermost ones:
 *
 *   level 0 … RL_FRAMES_INNERMOST      skipped      depth - RL_FRAMES_OUTERMOST … depth - 1
 */
#ifndef RL_VM_FRAMES_H
#define RL_VM_FRAMES_H

#include <lua.h>

enum { RL_FRAMES_INNERMOST = 1000, RL_FRAMES_OUTERMOST = 16 };

/* How many calls there are. */
static inline int rl_frames_depth(lua_State *co) {
  lua_Debug frame;
  int there = -1, beyond = 0; /* a level that there is, and one that there is not */
  while (lua_getstack(co, beyond, &frame)) there = beyond, beyond = 2 * beyond + 1;
  while (there + 1 < beyond) {
    int middle = there + (beyond - there) / 2;
    if (lua_getstack(co, middle, &frame)) there = middle;
    else beyond = middle;
  }
  return beyond;
}

/* The level to look at after this one; `depth` where there is none. */
static inline int rl_frames_next(int level, int depth) {
  int outermost = depth - RL_FRAMES_OUTERMOST;
  return level + 1 >= RL_FRAMES_INNERMOST && level + 1 < outermost ? outermost : level + 1;
}

#endif
