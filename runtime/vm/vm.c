/* The Lua state of a worker: made and freed. See vm.h. */
#include "vm/vm.h"

#include "base/alloc.h"
#include "base/log.h"
#include "client/engine.h"
#include "server/file.h"

static void *allocate(void *ud, void *block, size_t old_size, size_t size) {
  return rl_memory_allocate(&((rl_vm *)ud)->memory, block, old_size, size);
}

static bool finalizes(void *ud) {
  rl_vm *vm = ud;
  return vm->L && rl_in_finalizer(vm->L);
}

static int on_panic(lua_State *L) {
  const char *text = lua_tostring(L, -1);
  rl_logf(RL_LOG_ERROR, "an error outside any protected call, this is a bug in rille: %s", text ? text : "?");
  return 0;
}

rl_vm *rl_vm_new(rl_loop *loop, const rl_vm_options *options) {
  rl_vm *vm = rl_must_alloc(sizeof *vm);
  vm->loop = loop;
  vm->mode = options->mode;
  vm->root = rl_must_strdup(options->root);
  vm->worker = options->worker;
  vm->workers = options->workers;
  vm->generation = options->generation;
  vm->cpu_limit_ms = options->cpu_limit_ms;
  rl_list_init(&vm->roots);
  rl_list_init(&vm->idle);
  rl_list_init(&vm->scratches);
  vm->memory.may_spare = finalizes;
  vm->memory.ud = vm;
  vm->L = lua_newstate(allocate, vm);
  if (vm->L) {
    lua_atpanic(vm->L, on_panic);
    *(void **)lua_getextraspace(vm->L) = NULL;
    return vm;
  }
  rl_vm_del(vm);
  return NULL;
}

void rl_vm_del(rl_vm *vm) {
  if (vm->L) lua_close(vm->L);
  if (vm->engine) rl_engine_unref(vm->engine);
  rl_memory_free(&vm->memory);
  rl_file_cache_del(vm->files);
  rl_free(vm->root);
  rl_free(vm);
}
