/*
 * Owners and scratch buffers; see owner.h.
 *
 * A scratch buffer is the object of an rl_owner, so Lua's collector frees it. The state keeps one of them in its registry
 * for reuse. All of them are also in vm->scratches, so that closing the state frees those whose owner was never finalized.
 */
#include "vm/owner.h"

#include "base/alloc.h"
#include "base/error.h"
#include "vm/error.h"

/* ---- owners ------------------------------------------------------------------------------------------------------------- */

void rl_owner_release(rl_owner *owner) {
  void *object = owner->object;
  owner->object = NULL;
  if (object) owner->release(object);
}

static int owner_gc(lua_State *L) {
  rl_owner_release(lua_touserdata(L, 1));
  return 0;
}

rl_owner *rl_owner_push_sized(lua_State *L, size_t size, void (*release)(void *object)) {
  rl_owner *owner = lua_newuserdatauv(L, size, 0);
  *owner = (rl_owner){.release = release};
  rl_vm_push_ref(L, RL_REF_OWNER_META);
  lua_setmetatable(L, -2);
  return owner;
}

/* ---- scratch buffers ------------------------------------------------------------------------------------------------------ */

enum { KEPT = 1 << 20 }; /* bytes; a larger buffer is freed when it is given back */

/* It is on the heap and in a list because lua_close does not call __gc of objects that finalizers make while it runs. */
typedef struct rl_scratch {
  rl_list node; /* in vm->scratches */
  rl_buf buf;
  bool taken;
} rl_scratch;

static void del_scratch(void *object) {
  rl_scratch *s = object;
  rl_list_remove(&s->node);
  rl_buf_free(&s->buf);
  rl_free(s);
}

/* Makes a scratch buffer, which the state keeps from now on, and pushes its owner. */
static rl_scratch *new_scratch(lua_State *L) {
  rl_vm *vm = rl_vm_of(L);
  rl_owner *owner = rl_owner_push(L, del_scratch);
  rl_scratch *s = rl_calloc(1, sizeof *s);
  if (!s) rl_error_raise(L, RL_ENOMEM, NULL);
  rl_buf_init(&s->buf, RL_BUF_NO_LIMIT);
  rl_list_push(&vm->scratches, &s->node);
  owner->object = s;
  lua_pushvalue(L, -1);
  lua_rawseti(L, LUA_REGISTRYINDEX, vm->refs[RL_REF_SCRATCH]);
  return s;
}

/* Returns the scratch buffer that the state keeps, and pushes its owner. Returns NULL and pushes nothing while it is taken. */
static rl_scratch *push_kept(lua_State *L) {
  rl_vm_push_ref(L, RL_REF_SCRATCH);
  const rl_owner *owner = lua_touserdata(L, -1);
  rl_scratch *s = owner ? owner->object : NULL;
  if (s && !s->taken) return s;
  lua_pop(L, 1);
  return NULL;
}

rl_buf *rl_scratch_push(lua_State *L) {
  rl_scratch *s = push_kept(L);
  if (!s) s = new_scratch(L);
  s->taken = true;
  rl_buf_clear(&s->buf);
  return &s->buf;
}

void rl_scratch_give(rl_buf *scratch) {
  RL_CONTAINER(scratch, rl_scratch, buf)->taken = false;
  if (scratch->cap > KEPT) rl_buf_free(scratch);
}

int rl_scratch_result(lua_State *L, rl_buf *scratch, int code) {
  if (!code) lua_pushlstring(L, scratch->len ? scratch->data : "", scratch->len);
  rl_scratch_give(scratch);
  return code ? rl_error_raise(L, code, NULL) : 1;
}

/* ---- life ----------------------------------------------------------------------------------------------------------------- */

void rl_owner_open(lua_State *L) {
  rl_vm *vm = rl_vm_of(L);
  lua_createtable(L, 0, 2);
  lua_pushliteral(L, "rille.owner");
  lua_setfield(L, -2, "__name");
  lua_pushcfunction(L, owner_gc);
  lua_setfield(L, -2, "__gc");
  rl_vm_keep_meta(L, RL_REF_OWNER_META);
  lua_pushboolean(L, 0); /* reserves the reference; the first scratch buffer replaces it */
  vm->refs[RL_REF_SCRATCH] = luaL_ref(L, LUA_REGISTRYINDEX);
}

void rl_owner_close(rl_vm *vm) {
  for (rl_list *node; (node = rl_list_shift(&vm->scratches));) {
    rl_scratch *s = RL_CONTAINER(node, rl_scratch, node);
    rl_buf_free(&s->buf);
    rl_free(s);
  }
}
