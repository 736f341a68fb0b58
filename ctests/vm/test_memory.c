/* Finalizers are called once, so they get memory where nobody else does. */
#include "vm/memory.h"

#include "base/alloc.h"
#include "bind/open.h"
#include "support/server.h"
#include "support/test.h"
#include "vm/vm.h"

enum { OBJECTS = 100 };

static test_server server;

static rl_vm *new_vm(void) {
  rl_vm_options options = {.mode = RL_MODE_RUN, .root = RILLE_SOURCE_DIR, .worker = 1, .workers = 1};
  test_server_init(&server);
  rl_vm *vm = rl_vm_open(&server.loop, &options);
  assert_non_null(vm);
  return vm;
}

static void del_vm(rl_vm *vm) {
  rl_vm_close(vm);
  test_server_free(&server);
}

/* Objects without anybody who holds them, whose finalizers need memory: a table, a string, levels of calls. */
static void litter(lua_State *L) {
  static const char program[] =
      "closed = 0 "
      "local function deep(n) if n > 0 then return (deep(n - 1)) end closed = closed + 1 end "
      "local meta = { __gc = function(o) local t = {} for i = 1, 40 do t[i] = ('%d of %d'):format(i, o[1]) end "
      "deep(30) end } "
      "for i = 1, ... do setmetatable({ i }, meta) end";
  lua_gc(L, LUA_GCCOLLECT);
  lua_gc(L, LUA_GCSTOP);
  assert_int_equal(luaL_loadstring(L, program), LUA_OK);
  lua_pushinteger(L, OBJECTS);
  lua_call(L, 1, 0);
}

static lua_Integer closed(lua_State *L) {
  lua_getglobal(L, "closed");
  lua_Integer count = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return count;
}

/* A collection that runs out of memory stops at a few finalizers, and the next one goes on. */
static void collect(lua_State *L) {
  for (int i = 0; i < OBJECTS; i++) lua_gc(L, LUA_GCCOLLECT);
}

TEST(finalizers_run_while_there_is_no_memory) {
  UNUSED;
  rl_vm *vm = new_vm();
  litter(vm->L);
  rl_alloc_fail_at(1, true);
  collect(vm->L);
  rl_alloc_fail_at(0, false);
  assert_int_equal(closed(vm->L), OBJECTS);
  del_vm(vm);
}

TEST(finalizers_run_at_the_limit_and_nobody_else_goes_beyond) {
  UNUSED;
  rl_vm *vm = new_vm();
  litter(vm->L);
  assert_int_equal(luaL_loadstring(vm->L, "return ('x'):rep(4096)"), LUA_OK);
  vm->memory.limit = vm->memory.used;
  assert_int_equal(lua_pcall(vm->L, 0, 1, 0), LUA_ERRMEM); /* it has collected, in an emergency: without finalizers */
  assert_int_equal(closed(vm->L), 0);
  vm->memory.limit = vm->memory.used;
  collect(vm->L);
  assert_int_equal(closed(vm->L), OBJECTS);
  assert_true(vm->memory.peak <= vm->memory.limit + RL_MEMORY_SPARE + (1 << 20));
  vm->memory.limit = 0;
  del_vm(vm);
}

TEST(a_large_block_that_cannot_shrink_to_a_small_one_stays_what_it_is) {
  UNUSED;
  rl_memory memory = {0};
  char *large = rl_memory_allocate(&memory, NULL, 0, 4096);
  large[99] = 'x';
  rl_alloc_fail_at(1, true);
  char *shrunk = rl_memory_allocate(&memory, large, 4096, 100);
  rl_alloc_fail_at(0, false);
  assert_int_equal((shrunk ? shrunk : large)[99], 'x');
  rl_memory_allocate(&memory, large, shrunk ? 100 : 4096, 0);
  assert_int_equal(memory.used, 0);
  char *small = rl_memory_allocate(&memory, NULL, 0, 100);
  assert_ptr_not_equal(small, large); /* which was malloc's, and has gone back to it */
  rl_memory_allocate(&memory, small, 100, 0);
  rl_memory_free(&memory);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(finalizers_run_while_there_is_no_memory),
      RUN(finalizers_run_at_the_limit_and_nobody_else_goes_beyond),
      RUN(a_large_block_that_cannot_shrink_to_a_small_one_stays_what_it_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
