/* The Lua state of a worker: made, furnished, closed. See vm.h. */
#include "vm/vm.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "client/engine.h"
#include "server/file.h"
#include "vm/error.h"
#include "vm/library.h"
#include "vm/owner.h"
#include "vm/searcher.h"
#include "vm/task/task.h"

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

/* ---- modules ------------------------------------------------------------------------------------------------------------------ */

/* Bytecode of the library's modules, made by the first state that loads one: those after it, of reloads and other workers,
 * need not parse, which is most of what a load costs. It stays for as long as the process. Ours alone: what a program
 * brings is loaded as text. */
static pthread_mutex_t compiled_lock = PTHREAD_MUTEX_INITIALIZER;
static rl_slice compiled[RL_EMBEDDED_MOST];

static rl_slice compiled_of(size_t number) {
  pthread_mutex_lock(&compiled_lock);
  rl_slice code = compiled[number];
  pthread_mutex_unlock(&compiled_lock);
  return code;
}

static int add_piece(lua_State *L, const void *bytes, size_t size, void *out) {
  (void)L;
  return rl_buf_add(out, bytes, size);
}

/* Stack top: the module's function, as loaded. */
static void keep_compiled(lua_State *L, size_t number) {
  rl_buf code;
  size_t len;
  rl_buf_init(&code, RL_BUF_NO_LIMIT);
  if (lua_dump(L, add_piece, &code, 0) == 0) {
    pthread_mutex_lock(&compiled_lock);
    if (!compiled[number].data) {
      char *bytes = rl_buf_take(&code, &len);
      compiled[number] = rl_slice_of(bytes, len);
    }
    pthread_mutex_unlock(&compiled_lock);
  }
  rl_buf_free(&code);
}

static int load_embedded(lua_State *L, const rl_embedded *module, const char *chunk) {
  rl_slice code = compiled_of(module->number);
  if (code.data) return luaL_loadbufferx(L, code.data, code.len, chunk, "b");
  int status = luaL_loadbufferx(L, module->data, module->size, chunk, "t");
  if (status == LUA_OK) keep_compiled(L, module->number);
  return status;
}

/* A searcher for package.searchers: what is embedded in the binary. */
static int search_embedded(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  const rl_embedded *found = rl_embedded_find(name);
  if (!found) {
    lua_pushfstring(L, "no embedded module '%s'", name);
    return 1;
  }
  lua_pushfstring(L, "=%s", found->file);
  if (load_embedded(L, found, lua_tostring(L, -1)) != LUA_OK) return lua_error(L);
  lua_pushstring(L, found->file);
  return 2;
}

static void add_searcher(lua_State *L) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers");
  for (lua_Integer i = luaL_len(L, -1); i >= 2; i--) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushcfunction(L, search_embedded);
  lua_rawseti(L, -2, 2); /* behind preload */
  lua_pop(L, 2);
}

/* package.path = the root, its lua_modules (as LuaRocks lays them out, and flat), then where Lua looks. */
static void set_paths(lua_State *L, const char *root) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushfstring(L,
                  "%s/?.lua;%s/?/init.lua;%s/lua_modules/share/lua/5.4/?.lua;%s/lua_modules/share/lua/5.4/?/init.lua;",
                  root, root, root, root);
  lua_pushfstring(L, "%s/lua_modules/?.lua;%s/lua_modules/?/init.lua;%s", root, root, lua_tostring(L, -2));
  lua_concat(L, 2);
  lua_setfield(L, -3, "path");
  lua_getfield(L, -2, "cpath");
  lua_pushfstring(L, "%s/lua_modules/lib/lua/5.4/?.so;%s", root, lua_tostring(L, -1));
  lua_setfield(L, -4, "cpath");
  lua_pop(L, 3);
}

/* A require that may wait: rille/require.lua. */
static void replace_require(lua_State *L) {
  const rl_embedded *source = rl_embedded_find("rille.require");
  if (luaL_loadbufferx(L, source->data, source->size, "=rille/require.lua", "t") != LUA_OK) lua_error(L);
  lua_call(L, 0, 1);
  lua_setglobal(L, "require");
}

/* Runs protected: everything here allocates. */
static int furnish(lua_State *L) {
  rl_vm *vm = rl_vm_of(L);
  luaL_openlibs(L);
  rl_strings_open(L);
  rl_library_open(L);
  rl_error_open(L);
  rl_owner_open(L);
  rl_coroutine_open(L);
  add_searcher(L);
  rl_searcher_open(L, 3);
  set_paths(L, vm->root);
  rl_native_open(L);
  replace_require(L);
  lua_settop(L, 0);
  return 0;
}

/* ---- life ---------------------------------------------------------------------------------------------------------------------- */

rl_vm *rl_vm_new(rl_loop *loop, const rl_vm_options *options) {
  rl_vm *vm = rl_must_alloc(sizeof *vm);
  vm->loop = loop;
  vm->mode = options->mode;
  vm->root = rl_must_strdup(options->root);
  vm->worker = options->worker;
  vm->workers = options->workers;
  vm->edition = options->edition;
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
    lua_pushcfunction(vm->L, furnish);
    if (lua_pcall(vm->L, 0, 0, 0) == LUA_OK) {
      vm->memory.limit = options->memory_limit;
      return vm;
    }
    rl_logf(RL_LOG_ERROR, "cannot set up Lua: %s", lua_tostring(vm->L, -1));
  }
  rl_vm_del(vm);
  return NULL;
}

void rl_vm_del(rl_vm *vm) {
  if (!vm) return;
  if (vm->L) {
    vm->closing = true;
    rl_task_pool_free(vm);
    rl_task_forget_all(vm);
    lua_close(vm->L);
  }
  if (vm->engine) rl_engine_unref(vm->engine);
  rl_memory_free(&vm->memory);
  rl_task_free_sites(vm);
  rl_file_cache_del(vm->files);
  rl_owner_close(vm);
  rl_free(vm->root);
  rl_free(vm);
}
