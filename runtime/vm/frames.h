/*
 * The calls of a thread: whose they are, and walking them in bounded time. lua_getstack counts from the innermost call each time, so looking at each of
 * the 200,000 calls of an endless recursion would take minutes. A search looks only at the innermost and outermost ones:
 *
 *   level 0 … RL_FRAMES_INNERMOST      skipped      depth - RL_FRAMES_OUTERMOST … depth - 1
 */
#ifndef RL_VM_FRAMES_H
#define RL_VM_FRAMES_H

#include <lua.h>
#include <stdbool.h>
#include <string.h>

enum { RL_FRAMES_INNERMOST = 1000, RL_FRAMES_OUTERMOST = 16 };

/* Returns how many calls there are: doubles the level until there is none, then bisects. */
static inline int rl_frames_depth(lua_State *co) {
  lua_Debug frame;
  int there = -1, beyond = 0; /* a level that exists, and one that does not */
  while (lua_getstack(co, beyond, &frame)) there = beyond, beyond = 2 * beyond + 1;
  while (there + 1 < beyond) {
    int middle = there + (beyond - there) / 2;
    if (lua_getstack(co, middle, &frame)) there = middle;
    else beyond = middle;
  }
  return beyond;
}

/* Returns the level to look at after this one; `depth` if it was the last. */
static inline int rl_frames_next(int level, int depth) {
  int outermost = depth - RL_FRAMES_OUTERMOST;
  return level + 1 >= RL_FRAMES_INNERMOST && level + 1 < outermost ? outermost : level + 1;
}

/* Returns true for a function of our Lua library. lua_getinfo has filled `ar` with "S". */
static inline bool rl_frames_is_ours(const lua_Debug *ar) { return strncmp(ar->source, "=rille/", 7) == 0; }

/* Returns true for a function of the program: it is Lua, and not ours. */
static inline bool rl_frames_is_program(const lua_Debug *ar) { return *ar->what != 'C' && !rl_frames_is_ours(ar); }

/* Finds the innermost frame of the program from `level` on, and fills `ar` with "Sl". Returns false if there is none. */
static inline bool rl_frames_find_program(lua_State *co, int level, lua_Debug *ar) {
  for (; lua_getstack(co, level, ar); level++) {
    lua_getinfo(co, "Sl", ar);
    if (rl_frames_is_program(ar)) return true;
  }
  return false;
}

#endif
