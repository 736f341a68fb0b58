/*
 * Owns a C resource while Lua may raise or run a finalizer.
 *
 * Nearly every call into Lua allocates. It may raise "not enough memory", which jumps past all C frames, and it may run
 * finalizers of the program, which call us again. So a C resource (memory, a descriptor, a job) that lives across such a
 * call is owned by a value on Lua's stack, which is pushed before the resource is made:
 *
 *   rl_owner *o = rl_owner_push(L, free_it);     may raise: nothing is held yet
 *   o->object = make_it();                       released by the collector if something raises from here on
 *   …
 *   rl_owner_release(o);                         released now, without waiting for the collector
 *
 * A scratch buffer is owned the same way. The state keeps one and uses it again. If it is taken (a finalizer may run in the
 * middle of another user's work), the next user gets a new buffer. If a raise interrupts its user, the buffer stays taken
 * until it is collected, and the state keeps the new one instead.
 *
 *   rl_buf *out = rl_scratch_push(L);            after the arguments were checked: it is empty, and stays ours
 *   code = fill(out);
 *   return rl_scratch_result(L, out, code);      pushes the string, or raises
 */
#ifndef RL_VM_OWNER_H
#define RL_VM_OWNER_H

#include "vm/vm.h"

typedef struct rl_owner {
  void *object; /* NULL: it owns nothing */
  void (*release)(void *object);
} rl_owner;

/* Pushes an owner that owns nothing yet. `size` is that of a struct that begins with an rl_owner. Raises if out of memory. */
rl_owner *rl_owner_push_sized(lua_State *L, size_t size, void (*release)(void *object));
static inline rl_owner *rl_owner_push(lua_State *L, void (*release)(void *object)) {
  return rl_owner_push_sized(L, sizeof(rl_owner), release);
}
/* Releases what it owns, if anything. Never raises. */
void rl_owner_release(rl_owner *owner);

/* Pushes the owner of an empty buffer, borrowed until rl_scratch_give. Raises if out of memory. */
rl_buf *rl_scratch_push(lua_State *L);
/* Gives the buffer back for reuse. Never raises. */
void rl_scratch_give(rl_buf *scratch);
/* Gives the buffer back and pushes its contents as a string; returns 1. Raises `code` instead if it is not 0. */
int rl_scratch_result(lua_State *L, rl_buf *scratch, int code);

/* Sets up the metatable and the reference, once for each state; frees the scratch buffers after lua_close. */
void rl_owner_open(lua_State *L);
void rl_owner_close(rl_vm *vm);

#endif
