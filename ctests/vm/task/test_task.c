/* Wakers: each ends one wait of one task, once. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "bind/open.h"
#include "support/test.h"
#include "vm/task/task.h"

static rl_loop loop;
static rl_vm *vm;
static rl_waker armed;
static int undone, ended;

static int setup(void **state) {
  (void)state;
  rl_vm_options options = {.mode = RL_MODE_RUN, .root = "/", .worker = 1, .workers = 1};
  rl_log_setup(RL_LOG_OFF, RL_LOG_ERROR);
  armed = (rl_waker){0};
  undone = ended = 0;
  if (rl_loop_init(&loop)) return -1;
  vm = rl_vm_open(&loop, &options);
  return vm ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  rl_vm_close(vm);
  rl_loop_settle(&loop);
  return rl_loop_free(&loop);
}

static void settle(void) {
  for (int i = 0; i < 10; i++) uv_run(&loop.uv, UV_RUN_NOWAIT);
}

static bool undo(rl_task *task, void *ud) {
  (void)task;
  undone++;
  armed.task = NULL;
  return ud == NULL;
}

/* Waits for `armed`; the upvalue says whether the wait can be taken back. */
static int waits(lua_State *L) {
  armed = rl_task_waker(rl_task_may_wait(L, "a test"));
  return rl_task_wait(L, "a test", undo, lua_touserdata(L, lua_upvalueindex(1)), NULL, 0);
}

static void on_end(rl_task *task) {
  (void)task;
  ended++;
}

/* A task that waits so many times, one after another. */
static rl_task *start(const char *program, void *refuses) {
  rl_task *task = rl_task_new(vm, NULL, NULL);
  lua_State *co = task->strand.co;
  task->on_end = on_end;
  lua_pushcfunction(co, rl_task_base);
  lua_pushnil(co);
  assert_int_equal(luaL_loadstring(co, program), LUA_OK);
  lua_pushlightuserdata(co, refuses);
  lua_pushcclosure(co, waits, 1);
  task->nargs = 3;
  rl_task_run(task);
  return task;
}

TEST(a_waker_ends_its_wait_and_is_empty_then) {
  UNUSED;
  start("(...)()", NULL);
  assert_non_null(armed.task);
  assert_true(rl_task_wake(&armed));
  assert_null(armed.task);
  assert_false(rl_task_wake(&armed));
  settle();
  assert_int_equal(ended, 1);
  assert_int_equal(vm->stale_wakes, 0);
}

TEST(a_cancelled_wait_is_undone_once_and_its_waker_empty) {
  UNUSED;
  rl_task *task = start("(...)()", NULL);
  rl_task_cancel(task, RL_ECANCELLED, NULL);
  assert_int_equal(undone, 1);
  settle();
  assert_int_equal(ended, 1);
  assert_false(rl_task_wake(&armed));
}

TEST(a_wait_that_cannot_be_taken_back_goes_on_and_the_next_one_raises) {
  UNUSED;
  rl_task *task = start("local wait = ... wait() reached = true wait()", &ended);
  rl_task_cancel(task, RL_ECANCELLED, NULL);
  settle();
  assert_int_equal(undone, 1);
  assert_int_equal(ended, 0);
  armed = rl_task_waker(task);
  assert_true(rl_task_wake(&armed));
  settle();
  assert_int_equal(ended, 1);
  assert_int_equal(lua_getglobal(vm->L, "reached"), LUA_TBOOLEAN);
  lua_pop(vm->L, 1);
}

TEST(a_closed_state_undoes_waits_that_cannot_be_taken_back) {
  UNUSED;
  start("(...)()", &ended);
  rl_task_undo_all(vm);
  rl_task_forget_all(vm);
  assert_int_equal(undone, 1);
  assert_int_equal(ended, 0);
}

/* A copy that somebody kept although the wait was over: a fault of ours. */
static void wake_twice(void) {
  start("local wait = ... wait() wait()", NULL);
  rl_waker copy = armed;
  assert_true(rl_task_wake(&armed));
  settle();
  assert_non_null(armed.task); /* the second wait has begun */
  assert_false(rl_task_wake(&copy));
  settle();
  assert_int_equal(ended, 0);
  assert_int_equal(vm->stale_wakes, 1);
  assert_true(rl_task_wake(&armed));
  settle();
  assert_int_equal(ended, 1);
}

TEST(a_stale_wake_changes_nothing_and_is_counted) {
  UNUSED;
#if defined(__SANITIZE_ADDRESS__)
  pid_t child = fork(); /* there it ends the process */
  if (child == 0) {
    signal(SIGABRT, SIG_DFL);
    wake_twice();
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
#else
  wake_twice();
#endif
}

TEST(a_waker_of_a_task_that_has_ended_wakes_no_later_one) {
  UNUSED;
#if !defined(__SANITIZE_ADDRESS__)
  rl_task *first = start("(...)()", NULL);
  rl_waker copy = armed;
  rl_task_wake(&armed);
  settle();
  rl_task *second = start("(...)()", NULL);
  assert_ptr_equal(first, second); /* its thread is used again */
  assert_false(rl_task_wake(&copy));
  settle();
  assert_int_equal(ended, 1);
  rl_task_wake(&armed);
  settle();
#endif
}

int main(void) {
#define WITH_VM(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {WITH_VM(a_waker_ends_its_wait_and_is_empty_then),
                                     WITH_VM(a_cancelled_wait_is_undone_once_and_its_waker_empty),
                                     WITH_VM(a_wait_that_cannot_be_taken_back_goes_on_and_the_next_one_raises),
                                     WITH_VM(a_closed_state_undoes_waits_that_cannot_be_taken_back),
                                     WITH_VM(a_stale_wake_changes_nothing_and_is_counted),
                                     WITH_VM(a_waker_of_a_task_that_has_ended_wakes_no_later_one)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
