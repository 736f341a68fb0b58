/*
 * What C holds while Lua may raise or run a finalizer.
 *
 * Nearly every call of Lua's allocates: it may raise "not enough memory", a jump past all C that stands on the stack, and it
 * may run finalizers of the program, which call us again. So a resource of C's (memory, a descriptor, a job) that is alive
 * across such a call is owned by a value on Lua's stack, which was pushed before the resource was made:
 *
 *   rl_owner *o = rl_owner_push(L, free_it);     may raise: nothing is held yet
 *   o->object = make_it();                       whatever raises from here on, it is given back
 *   …
 *   rl_owner_release(o);                         now, not when it happens to be collected
 *
 * A scratch buffer is one of these, kept by the state and used again. Whoever finds it taken (a finalizer, in the midst of
 * somebody else's work) gets a buffer of its own. One whose user was left by a raise stays taken, and the next user gets a
 * fresh one in its place.
 *
 *   rl_buf *out = rl_scratch_push(L);            after the arguments were checked: it is empty, and stays ours
 *   code = fill(out);
 *   return rl_scratch_result(L, out, code);      pushes the string, or raises
 */
#ifndef RL_VM_OWNER_H
#define RL_VM_OWNER_H

#include "vm/vm.h"

typedef struct rl_owner {
  void *object; /* NULL: nothing to give back */
  void (*release)(void *object);
} rl_owner;

/* Pushes one that owns nothing yet. `size` is that of a struct which begins with it. */
rl_owner *rl_owner_push_sized(lua_State *L, size_t size, void (*release)(void *object));
static inline rl_owner *rl_owner_push(lua_State *L, void (*release)(void *object)) {
  return rl_owner_push_sized(L, sizeof(rl_owner), release);
}
/* Gives back what it owns. */
void rl_owner_release(rl_owner *owner);

/* Pushes an empty buffer, borrowed until rl_scratch_give. */
rl_buf *rl_scratch_push(lua_State *L);
/* It may be used again. */
void rl_scratch_give(rl_buf *scratch);
/* Gives it back and pushes what is in it, or raises where `code` is not 0. Returns 1. */
int rl_scratch_result(lua_State *L, rl_buf *scratch, int code);

/* Once for a state, and when it has been closed. */
void rl_owner_open(lua_State *L);
void rl_owner_close(rl_vm *vm);

#endif
