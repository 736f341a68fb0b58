/* Opening and closing a state; see open.h. */
#include "bind/open.h"

#include "app/serving.h"
#include "base/log.h"
#include "bind/native.h"
#include "vm/error.h"
#include "vm/library.h"
#include "vm/modules.h"
#include "vm/owner.h"
#include "vm/task/task.h"

/* Runs protected: everything here allocates. */
static int open_libraries(lua_State *L) {
  luaL_openlibs(L);
  rl_strings_open(L);
  rl_library_open(L);
  rl_error_open(L);
  rl_owner_open(L);
  rl_coroutine_open(L);
  rl_native_open(L);
  rl_modules_open(L);
  lua_settop(L, 0);
  return 0;
}

rl_vm *rl_vm_open(rl_loop *loop, const rl_vm_options *options) {
  rl_vm *vm = rl_vm_new(loop, options);
  if (!vm) return NULL;
  vm->push_place = rl_serving_push_place;
  lua_pushcfunction(vm->L, open_libraries);
  if (lua_pcall(vm->L, 0, 0, 0) == LUA_OK) {
    vm->memory.limit = options->memory_limit;
    return vm;
  }
  rl_logf(RL_LOG_ERROR, "cannot set up Lua: %s", lua_tostring(vm->L, -1));
  rl_vm_close(vm);
  return NULL;
}

/* The requests are given back after the waits are undone: their other side may live longer. */
void rl_vm_close(rl_vm *vm) {
  if (!vm) return;
  vm->closing = true;
  rl_task_pool_free(vm);
  rl_task_undo_all(vm);
  rl_task_each(vm, rl_serving_forget, NULL);
  rl_task_forget_all(vm);
  lua_close(vm->L);
  vm->L = NULL;
  rl_task_free_sites(vm);
  rl_owner_close(vm);
  rl_vm_del(vm);
}
