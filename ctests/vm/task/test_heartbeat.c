/*
 * The stall guard against programs that never wait. The heartbeat is real, and so is its clock: nothing here asks how long
 * something takes, only that it ends.
 */
#define _GNU_SOURCE
#include "vm/task/heartbeat.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "bind/open.h"
#include "loop/stop.h"
#include "support/test.h"
#include "vm/error.h"
#include "vm/task/task.h"

enum { LIMIT_MS = 150, WELL = 7 };

static rl_loop loop;
static rl_vm *vm;
static char outcome[64]; /* of the last task: "ok", or the code of its error */
static int warnings, ended;

static void on_log(void *ud, rl_log_level level, rl_slice line) {
  (void)ud, (void)level;
  if (memmem(line.data, line.len, "without waiting", 15)) warnings++;
}

static int setup(void **state) {
  (void)state;
  rl_vm_options options = {.mode = RL_MODE_RUN, .root = "/", .worker = 1, .workers = 1, .cpu_limit_ms = LIMIT_MS};
  rl_log_setup(RL_LOG_TEXT, RL_LOG_WARN);
  rl_log_capture(on_log, NULL);
  warnings = ended = 0;
  if (rl_loop_init(&loop) || !(vm = rl_vm_open(&loop, &options))) return -1;
  rl_heartbeat_watch(vm);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_heartbeat_forget(vm);
  rl_vm_close(vm);
  rl_loop_settle(&loop);
  rl_log_capture(NULL, NULL);
  return rl_loop_free(&loop);
}

static void on_end(rl_task *task) {
  lua_State *co = task->strand.co;
  ended++;
  snprintf(outcome, sizeof outcome, "ok");
  if (!task->failed) return;
  bool has_code = rl_error_is(co, -1) && lua_getfield(co, -1, "code") == LUA_TSTRING;
  snprintf(outcome, sizeof outcome, "%s", has_code ? lua_tostring(co, -1) : luaL_tolstring(co, -1, NULL));
}

static rl_task *new_task(const char *program) {
  rl_task *task = rl_task_new(vm, NULL, NULL);
  lua_State *co = task->strand.co;
  task->on_end = on_end;
  lua_pushcfunction(co, rl_task_base);
  lua_pushnil(co);
  if (luaL_loadstring(co, program)) fail_msg("%s", lua_tostring(co, -1));
  lua_pushcfunction(co, rl_heartbeat_bounded);
  task->nargs = 3;
  return task;
}

/* Runs it to its end; it gets `bounded`. Returns how it ended. */
static const char *run(const char *program) {
  int before = ended;
  rl_task_run(new_task(program));
  for (int i = 0; i < 1000 && ended == before; i++) uv_run(&loop.uv, UV_RUN_NOWAIT);
  assert_int_equal(ended, before + 1);
  return outcome;
}

#define LOOP "local function loop() while true do end end "

static const char *const endless[] = {
    "while true do end",
    "repeat local x = 1 until false",
    LOOP "while true do pcall(loop) end",
    LOOP "while true do pcall(pcall, pcall, loop) end",
    LOOP "while true do pcall(function() while true do pcall(loop) end end) end",
    LOOP "while true do xpcall(loop, function(e) return e end) end",
    LOOP "while true do xpcall(loop, function(e) error(e) end) end",
    LOOP "while true do coroutine.wrap(loop)() end",
    LOOP "while true do pcall(coroutine.wrap(loop)) end",
    LOOP "while true do coroutine.resume(coroutine.create(loop)) end",
    LOOP "while true do pcall(coroutine.wrap(function() while true do pcall(coroutine.wrap(loop)) end end)) end",
    "local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end",
    LOOP "while true do pcall(table.sort, {3, 2, 1}, loop) end",
    LOOP "while true do pcall(string.gsub, 'a', 'a', loop) end",
    LOOP "local x <close> = setmetatable({}, {__close = loop})",
    LOOP "while true do pcall(function() local x <close> = setmetatable({}, {__close = loop}) error 'x' end) end",
    LOOP "local x <close> = setmetatable({}, {__close = function() while true do pcall(loop) end end})",
    LOOP
    "local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = loop}) coroutine.yield() "
    "end) "
    "coroutine.resume(co) while true do coroutine.close(co) end",
    LOOP "local t = setmetatable({}, {__index = loop, __tostring = loop, __lt = loop}) return t.x",
    LOOP "return tostring(setmetatable({}, {__tostring = loop}))",
    LOOP "for _ in pairs(setmetatable({}, {__pairs = loop})) do end",
    LOOP "while true do load(loop) end",
    "while true do pcall(string.find, ('a'):rep(60), ('a-'):rep(20) .. 'b') end",
    "while true do pcall(string.gsub, ('a'):rep(60), ('a-'):rep(20) .. 'b', '') end",
    "while true do pcall(table.move, {}, 1, 1 << 60, 2, {}) end",
    "while true do pcall(string.rep, 'x', 1 << 20) end",
    "local function f() return f() end f()",
    "::again:: goto again"};

TEST(what_never_waits_is_ended) {
  UNUSED;
  for (size_t i = 0; i < sizeof endless / sizeof *endless; i++) {
    const char *how = run(endless[i]);
    if (strcmp(how, "cpu_limit") != 0) fail_msg("%s: %s", endless[i], how);
    assert_string_equal(run("return 1"), "ok"); /* and the next one is left alone */
  }
  assert_true(warnings >= (int)(sizeof endless / sizeof *endless)); /* each was told of */
}

TEST(an_error_that_is_caught_leaves_time_to_clean_up) {
  UNUSED;
  assert_string_equal(run(LOOP "for _ = 1, 3 do assert(not pcall(loop)) end return 'out'"), "ok");
}

TEST(outside_of_what_is_bounded_life_goes_on) {
  UNUSED;
  assert_string_equal(run(LOOP "local bounded = ... "
                               "for _ = 1, 2 do "
                               "  local ok, err = pcall(bounded, function() while true do pcall(loop) end end) "
                               "  assert(not ok and err.code == 'cpu_limit') "
                               "  for i = 1, 100000 do assert(pcall(type, i)) end "
                               "end"),
                      "ok");
  assert_string_equal(
      run("local bounded = ... assert(select('#', bounded(function(...) return ... end, 1, nil)) == 2)"), "ok");
}

TEST(the_error_says_where_it_was_first_raised) {
  UNUSED;
  assert_string_equal(run("local function loop() while true do end end\n"
                          "local ok, err = pcall(function() while true do pcall(loop) end end)\n"),
                      "cpu_limit");
  assert_string_equal(run("local bounded = ...\n"
                          "local function loop() while true do end end\n"
                          "local ok, err = pcall(bounded, function() while true do pcall(loop) end end)\n"
                          "assert(err.traceback:find('in %a+ .-loop') or err.traceback:find(':2: in'), err.traceback)"),
                      "ok");
}

TEST(a_hook_of_the_programs_own_stays) {
  UNUSED;
  assert_string_equal(run("local lines = 0 "
                          "debug.sethook(function() lines = lines + 1 end, 'l') "
                          "assert(not pcall(function() while true do end end)) "
                          "local before = lines\n"
                          "local x = 1\n"
                          "local y = 2\n"
                          "assert(lines >= before + 2, lines - before)\n"
                          "debug.sethook()"),
                      "ok");
}

/* ---- deadlines of a task --------------------------------------------------------------------------------------------------- */

static bool undo(rl_task *task, void *ud) {
  (void)task, (void)ud;
  return true;
}

static int waits(lua_State *L) {
  rl_task_may_wait(L, "a test");
  return rl_task_wait(L, "a test", undo, NULL, NULL, 0);
}

TEST(who_is_late_is_cancelled_and_what_runs_instead_ended) {
  UNUSED;
  lua_pushcfunction(vm->L, waits);
  lua_setglobal(vm->L, "wait");
  rl_task *late = new_task("wait()");
  rl_task_run(late);
  rl_task_handle handle = {.task = late};
  rl_heartbeat_until(vm, 10, &(rl_late){&handle, RL_ETIMEOUT, "a test"});
  vm->cpu_limit_ms = 0;
  rl_task_run(new_task(LOOP "while true do pcall(loop) end"));
  assert_string_equal(outcome, "timeout");
  assert_int_equal(ended, 1);
  for (int i = 0; i < 10; i++) uv_run(&loop.uv, UV_RUN_NOWAIT);
  assert_int_equal(ended, 2);
  assert_string_equal(outcome, "timeout");
  rl_heartbeat_until(vm, 0, NULL);
}

TEST(who_is_no_longer_late_is_left_alone) {
  UNUSED;
  rl_heartbeat_until(vm, 0, &(rl_late){NULL, RL_ETIMEOUT, "a test"});
  rl_heartbeat_until(vm, 0, NULL);
  assert_string_equal(run(LOOP "assert(select(2, pcall(loop)).code == 'cpu_limit')"), "ok");
}

/* ---- the process is told to stop ----------------------------------------------------------------------------------------------- */

static int stops;

static void on_stop(void *owner, int number) {
  (void)owner, (void)number;
  stops++;
}

static void stop_a_loop(void) {
  vm->cpu_limit_ms = 0;
  rl_stop_watch(&loop, on_stop, NULL);
  rl_heartbeat_grace(vm, 1);
  raise(SIGTERM);
  if (strcmp(run(LOOP "while true do pcall(loop) end"), "cancelled") != 0) _exit(1);
  uv_run(&loop.uv, UV_RUN_NOWAIT);
  if (stops != 1) _exit(2);
}

static void interrupt_a_loop(void) {
  vm->cpu_limit_ms = 0;
  rl_stop_watch(&loop, on_stop, NULL);
  rl_stop_take_interrupts(true, NULL);
  rl_heartbeat_until(vm, RL_HEARTBEAT_NEVER, &(rl_late){NULL, RL_ECANCELLED, "interrupted"});
  raise(SIGINT);
  if (strcmp(run(LOOP "while true do pcall(loop) end"), "cancelled") != 0) _exit(3);
  rl_stop_interrupt_served();
  vm->cpu_limit_ms = LIMIT_MS;
  if (strcmp(run(LOOP "loop()"), "cpu_limit") != 0) _exit(4);
}

/* A process has one stop; the heartbeat's thread does not survive a fork: so each has a state of its own in a child. */
static int in_child(void (*work)(void)) {
  pid_t child = fork();
  int status;
  if (child == 0) {
    if (setup(NULL)) _exit(5);
    work();
    _exit(WELL);
  }
  if (child < 0 || waitpid(child, &status, 0) != child) return -1000;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(a_stop_ends_what_goes_on_after_its_grace) {
  UNUSED;
  assert_int_equal(in_child(stop_a_loop), WELL);
}

TEST(an_interrupt_ends_what_runs_and_nothing_after_it) {
  UNUSED;
  assert_int_equal(in_child(interrupt_a_loop), WELL);
}

int main(void) {
#define WITH_VM(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      RUN(a_stop_ends_what_goes_on_after_its_grace), /* in front: no thread is running yet */
      RUN(an_interrupt_ends_what_runs_and_nothing_after_it),
      WITH_VM(what_never_waits_is_ended),
      WITH_VM(an_error_that_is_caught_leaves_time_to_clean_up),
      WITH_VM(outside_of_what_is_bounded_life_goes_on),
      WITH_VM(the_error_says_where_it_was_first_raised),
      WITH_VM(a_hook_of_the_programs_own_stays),
      WITH_VM(who_is_late_is_cancelled_and_what_runs_instead_ended),
      WITH_VM(who_is_no_longer_late_is_left_alone)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
