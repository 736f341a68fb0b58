/*
 * Tests the stall guard with programs that never wait. The heartbeat and its clock are real, so the tests assert that something
 * ends, never how long it takes.
 */
#define _GNU_SOURCE
#include "vm/task/heartbeat.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
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

/* Runs a program, with `bounded` as its argument, to its end. Returns how it ended. */
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
    assert_string_equal(run("return 1"), "ok"); /* the next task is not affected */
  }
  assert_true(warnings >= (int)(sizeof endless / sizeof *endless)); /* each one was logged */
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

/* ---- a warning changes nothing ------------------------------------------------------------------------------------------------ */

enum { DUE_WARNING = 1 }; /* as in heartbeat.c */

/* Calls of all kinds, each of which allocates in a Lua function, and checks its results. It does so in twenty nested calls, whose
 * traceback is longer than a luaL_Buffer without a box. */
static const char calls[] =
    "local function none() local t = {} end\n"
    "local function one() local t = {} return 'one' end\n"
    "local function two() local t = {} return 'one', 'two' end\n"
    "local function all(...) local t = {} return ... end\n"
    "local function some(...) local t = {} return select('#', ...) end\n"
    "local function tail(f, ...) local t = {} return f(...) end\n"
    "local function closes() local x <close> = setmetatable({}, {__close = none}) return 'one', {} end\n"
    "local function is(n, a, b, c, ...)\n"
    "  if a ~= (n > 0 and 'one' or nil) or b ~= (n > 1 and 'two' or nil) or c ~= nil or select('#', ...) > 0 then\n"
    "    error(('%d: %s, %s, %s'):format(n, a, b, c))\n"
    "  end\n"
    "end\n"
    "local lazy = setmetatable({}, {__index = none, __newindex = one, __call = one, __add = two, __eq = none, __concat "
    "= one})\n"
    "local function step(t, i) local t = {} if i < 3 then return i + 1 end end\n"
    "local function steps(t, i) local t = {} if i < 3 then return i + 1, {} end end\n"
    "local function check(f, n)\n"
    "  local a, b, c = f() is(n, a, b, c)\n"
    "  local a, b = f() is(n, a, b)\n"
    "  local a = f() is(n > 1 and 1 or n, a)\n"
    "  f() is(n, f()) is(n, all(f())) is(n, tail(f)) is(n, (function() return f() end)())\n"
    "  local a, b, c = tail(f) is(n, a, b, c)\n"
    "  local a, b, c = all(f()) is(n, a, b, c)\n"
    "  local ok, a, b, c = pcall(f) is(n, a, b, c)\n"
    "  local ok, a, b, c = pcall(pcall, error, {}) assert(ok and a == false and type(b) == 'table' and not c)\n"
    "  local a, b, c = coroutine.wrap(function() local a, b, c = coroutine.yield() is(n, a, b, c) return f() end)() "
    "is(0, a, b)\n"
    "  local co = coroutine.wrap(function() is(n, coroutine.yield(f())) return f() end)\n"
    "  local a, b, c = co() is(n, a, b, c)\n"
    "  local a, b, c = co(f()) is(n, a, b, c)\n"
    "  local s, count, x = ('abc'):gsub('%a', function(c) local t = {} is(n, f()) return c:upper() end)\n"
    "  assert(s == 'ABC' and count == 3 and x == nil)\n"
    "  local s, count, x = ('abc'):gsub('%a', f) assert(count == 3 and x == nil)\n"
    "  local from, to, what, x = ('abc' .. n):find('(b)c') assert(from == 2 and to == 3 and what == 'b' and x == nil)\n"
    "  local seen = 0\n"
    "  for a, b, c in ('k=v, k=v'):gmatch('(%a)=(%a)') do seen = seen + 1 assert(a == 'k' and b == 'v' and c == nil) "
    "end\n"
    "  for i, x, y in step, nil, 0 do seen = seen + i assert(x == nil and y == nil) end\n"
    "  for i, x, y in steps, nil, 0 do seen = seen + i assert(type(x) == 'table' and y == nil) end\n"
    "  assert(seen == 14, seen)\n"
    "  local x = lazy.x assert(x == nil) lazy.x = 1 local a, b = lazy() is(1, a, b)\n"
    "  is(1, lazy + 1) is(1, lazy .. 'x') assert(lazy ~= setmetatable({}, getmetatable(lazy)))\n"
    "  local a, b, c = closes() assert(a == 'one' and type(b) == 'table' and c == nil)\n"
    "  local a, b = some(f()) assert(a == n and b == nil)\n"
    "  return 'one', 'two'\n"
    "end\n"
    "local function deep(depth)\n"
    "  if depth > 0 then local a, b = deep(depth - 1) is(2, a, b) return a, b end\n"
    "  check(none, 0) check(one, 1)\n"
    "  local a, b = check(two, 2) is(2, a, b)\n"
    "  return a, b\n"
    "end\n"
    "return deep(20)\n";

/* Marks a warning as due, as the heartbeat's thread does, and signals. */
static void stall(void) {
  atomic_store(&vm->pulse.seen_beat, atomic_load(&vm->pulse.beat));
  atomic_store(&vm->pulse.warned, 0);
  atomic_store(&vm->pulse.due, DUE_WARNING);
  raise(SIGURG);
}

/* Leaves the state to `stall`: the heartbeat's thread itself has nothing to say. */
static void stall_on_demand(void) {
  rl_heartbeat_warn_after(vm, UINT32_MAX);
  vm->cpu_limit_ms = 0;
}

static lua_Alloc allocates;
static int allocations; /* until the one that stalls */

static void *allocate_and_stall(void *ud, void *block, size_t old_size, size_t size) {
  if (size > 0 && --allocations == 0) stall();
  return allocates(ud, block, old_size, size);
}

TEST(a_warning_at_any_allocation_changes_no_result) {
  UNUSED;
  void *ud;
  int n = 0;
  allocates = lua_getallocf(vm->L, &ud);
  stall_on_demand();
  do {
    rl_task *task = new_task(calls);
    int before = ended;
    lua_setallocf(vm->L, allocate_and_stall, ud);
    allocations = ++n;
    rl_task_run(task);
    lua_setallocf(vm->L, allocates, ud);
    for (int i = 0; i < 1000 && ended == before; i++) uv_run(&loop.uv, UV_RUN_NOWAIT);
    if (strcmp(outcome, "ok") != 0) fail_msg("allocation %d: %s", n, outcome);
  } while (allocations <= 0);
  assert_true(n > 100);
  assert_true(warnings > n / 2);
}

static int arm(lua_State *L) {
  void *ud;
  lua_getallocf(L, &ud);
  lua_setallocf(L, allocate_and_stall, ud);
  allocations = (int)luaL_checkinteger(L, 1);
  return 0;
}

/* A call of the warning's own would be one too many for Lua's limit of nested C calls (llimits.h, LUAI_MAXCCALLS). */
TEST(a_warning_in_the_deepest_call_raises_nothing) {
  UNUSED;
  void *ud;
  allocates = lua_getallocf(vm->L, &ud);
  stall_on_demand();
  lua_register(vm->L, "arm", arm);
  const char *how =
      run("local function deep(n)\n"
          "  local t = {}\n"
          "  for i = 1, 2 do end\n"
          "  if n == 0 then return 'one' end\n"
          "  local ok, a, b = pcall(deep, n - 1)\n"
          "  assert(ok and a == 'one' and b == nil, a)\n"
          "  return 'one'\n"
          "end\n"
          "local most = 0\n"
          "while pcall(deep, most + 1) do most = most + 1 end\n"
          "assert(most > 100, most)\n"
          "for n = 1, most + 10 do arm(n) assert(pcall(deep, most)) end\n"
          "arm(0)");
  lua_setallocf(vm->L, allocates, ud);
  assert_string_equal(how, "ok");
  assert_true(warnings > 100);
}

/* ---- signals at any instruction ------------------------------------------------------------------------------------------------ */

static timer_t timer;

static void on_timer(int number) {
  (void)number;
  stall();
}

static void signal_every_us(long us) {
  struct itimerspec each = {{0, us * 1000}, {0, us * 1000}};
  timer_settime(timer, 0, &each, NULL);
}

static int still(lua_State *L) {
  (void)L;
  signal_every_us(0);
  return 0;
}

/* Runs a program, with still() to end the signals. */
static const char *run_signalled(const char *program, long us) {
  struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  sigaction(SIGUSR1, &action, NULL);
  assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
  lua_register(vm->L, "still", still);
  rl_task *task = new_task(program);
  int before = ended;
  signal_every_us(us);
  rl_task_run(task);
  signal_every_us(0);
  timer_delete(timer);
  assert_int_equal(ended, before + 1);
  return outcome;
}

TEST(warnings_at_any_instruction_change_no_result) {
  UNUSED;
  stall_on_demand();
  for (int i = 0; i < 50; i++) {
    const char *how = run_signalled(calls, 20 + i % 30);
    if (strcmp(how, "ok") != 0) fail_msg("run %d: %s", i, how);
  }
  assert_true(warnings > 0);
}

TEST(signals_at_any_instruction_leave_the_programs_own_hook) {
  UNUSED;
  stall_on_demand();
  for (int i = 0; i < 30; i++) {
    const char *how = run_signalled(
        "local lines, others = 0, 0\n"
        "local function on(event)\n"
        "  if event == 'line' then lines = lines + 1 else others = others + 1 end\n"
        "end\n"
        "debug.sethook(on, 'l')\n"
        "for i = 1, 10000 do\n"
        "  local x = i\n"
        "end\n"
        "still()\n"
        "local hook, mask, count = debug.gethook()\n"
        "debug.sethook()\n"
        "assert(hook == on and mask == 'l' and count == 0)\n"
        "assert(others == 0, others) assert(lines > 10000, lines)",
        20 + i);
    if (strcmp(how, "ok") != 0) fail_msg("run %d: %s", i, how);
  }
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

/* A process can be told to stop once, so each case runs in a child. It opens its own state there, because the heartbeat's thread
 * does not survive a fork. */
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
      RUN(a_stop_ends_what_goes_on_after_its_grace), /* first, while no thread is running */
      RUN(an_interrupt_ends_what_runs_and_nothing_after_it),
      WITH_VM(what_never_waits_is_ended),
      WITH_VM(an_error_that_is_caught_leaves_time_to_clean_up),
      WITH_VM(outside_of_what_is_bounded_life_goes_on),
      WITH_VM(the_error_says_where_it_was_first_raised),
      WITH_VM(a_hook_of_the_programs_own_stays),
      WITH_VM(a_warning_at_any_allocation_changes_no_result),
      WITH_VM(a_warning_in_the_deepest_call_raises_nothing),
      WITH_VM(warnings_at_any_instruction_change_no_result),
      WITH_VM(signals_at_any_instruction_leave_the_programs_own_hook),
      WITH_VM(who_is_late_is_cancelled_and_what_runs_instead_ended),
      WITH_VM(who_is_no_longer_late_is_left_alone)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
