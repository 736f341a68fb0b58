/*
 * What `rille test` needs of C: the virtual clock, a deadline on the real clock, a seeded order of ready tasks, captured log
 * lines, and counts of what a test may leave behind. Harmless elsewhere, and offered in test mode only.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "vm/inspect.h"
#include "vm/task/heartbeat.h"

/* One for each state, in the registry; the timer is closed with it. */
typedef struct test_state {
  rl_vm *vm;
  rl_buf log;
  uint64_t random;
  uv_timer_t *deadline;
  rl_task_handle *watched;
  rl_waker advancing;
  char reason[96], late[128]; /* where it waits; where it computes */
} test_state;

static const char state_key = 0;

static test_state *state_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
  test_state *s = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return s;
}

/* ---- clock -------------------------------------------------------------------------------------------------------------- */

/* clock_freeze() */
static int l_clock_freeze(lua_State *L) {
  rl_loop *loop = rl_vm_of(L)->loop;
  if (loop->virtual_clock) return luaL_error(L, "the clock is virtual already");
  rl_loop_clock_freeze(loop);
  return 0;
}

/* clock_thaw() */
static int l_clock_thaw(lua_State *L) {
  rl_loop_clock_thaw(rl_vm_of(L)->loop);
  return 0;
}

static void on_advanced(void *ud) { rl_task_wake(&((test_state *)ud)->advancing); }

static bool undo_advance(rl_task *task, void *ud) {
  ((test_state *)ud)->advancing.task = NULL;
  task->vm->loop->advanced = NULL;
  return true;
}

/* clock_advance(seconds) */
static int l_clock_advance(lua_State *L) {
  rl_loop *loop = rl_vm_of(L)->loop;
  double ms = rl_check_seconds(L, 1) * 1000;
  if (!loop->virtual_clock) return luaL_error(L, "the clock is not virtual: testing.clock() makes it so");
  rl_task *task = rl_task_may_wait(L, "clock:advance");
  uint64_t target = rl_loop_now(loop) + (uint64_t)(ms + 0.5);
  test_state *s = state_of(L);
  if (rl_loop_advance(loop, target, on_advanced, s)) return luaL_error(L, "another task is advancing the clock");
  s->advancing = rl_task_waker(task);
  return rl_task_wait(L, "clock:advance", undo_advance, s, NULL, 0);
}

/* ---- deadline on the real clock --------------------------------------------------------------------------------------------- */

static void on_deadline(uv_timer_t *timer) {
  test_state *s = timer->data;
  if (s->watched && s->watched->task) rl_task_cancel(s->watched->task, RL_ETIMEOUT, s->reason);
  s->watched = NULL;
}

static void on_timer_closed(uv_handle_t *handle) { free(handle); }

/* test_deadline(seconds | nil): cancels the running task after so long, whatever the virtual clock says; nil lifts it, and
 * whoever spawned the task does so at the latest */
static int l_test_deadline(lua_State *L) {
  test_state *s = state_of(L);
  if (lua_isnoneornil(L, 1)) {
    s->watched = NULL;
    if (s->deadline) uv_timer_stop(s->deadline);
    rl_heartbeat_until(s->vm, 0, NULL);
    return 0;
  }
  double seconds = rl_check_seconds(L, 1);
  if (!s->deadline) {
    s->deadline = malloc(sizeof *s->deadline);
    if (!s->deadline) return rl_error_raise(L, RL_ENOMEM, NULL);
    uv_timer_init(&s->vm->loop->uv, s->deadline);
    uv_unref((uv_handle_t *)s->deadline);
    s->deadline->data = s;
  }
  s->watched = rl_task_running(L)->handle;
  snprintf(s->reason, sizeof s->reason, "the test took longer than %.14g s", seconds);
  snprintf(s->late, sizeof s->late, "%s: it computes and does not wait", s->reason);
  uv_update_time(&s->vm->loop->uv); /* the turn may have begun long ago */
  uv_timer_start(s->deadline, on_deadline, (uint64_t)(seconds * 1000), 0);
  rl_heartbeat_until(s->vm, (uint64_t)(seconds * 1000), &(rl_late){s->watched, RL_ETIMEOUT, s->late});
  return 0;
}

static bool give_up(rl_vm *vm) {
  test_state *s = state_of(vm->L);
  if (!s->watched || !s->watched->task) return false;
  rl_inspect_log_stuck(vm);
  rl_task_cancel(s->watched->task, RL_ECANCELLED, "all tasks were waiting for each other");
  s->watched = NULL;
  return true;
}

/* stock_strings() -> Lua's own string library, to compare ours with */
static int l_stock_strings(lua_State *L) {
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  lua_pushcfunction(L, luaopen_string); /* gives strings another metatable */
  lua_call(L, 0, 1);
  lua_insert(L, -3);
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
  return 1;
}

/* ---- order ---------------------------------------------------------------------------------------------------------------------- */

/* xorshift64* (Vigna 2014): the order must be the same for the same seed, nothing more. */
static uint64_t next_random(void *ud) {
  uint64_t *x = ud;
  *x ^= *x >> 12;
  *x ^= *x << 25;
  *x ^= *x >> 27;
  return *x * UINT64_C(0x2545F4914F6CDD1D);
}

/* shuffle_tasks(seed): ready tasks run in an order that the seed decides */
static int l_shuffle_tasks(lua_State *L) {
  test_state *s = state_of(L);
  s->random = (uint64_t)luaL_checkinteger(L, 1) * 2 + 1;
  s->vm->loop->shuffle = next_random;
  s->vm->loop->shuffle_ud = &s->random;
  return 0;
}

/* ---- log --------------------------------------------------------------------------------------------------------------------------- */

static void on_log(void *ud, rl_log_level level, rl_slice line) {
  test_state *s = ud;
  (void)level;
  if (s->log.len > (1 << 20)) return;
  rl_buf_add_slice(&s->log, line);
  rl_buf_add_char(&s->log, '\n');
}

/* capture_log(): lines go to a buffer from now on */
static int l_capture_log(lua_State *L) {
  rl_log_capture(on_log, state_of(L));
  return 0;
}

/* take_log() -> what was logged since it was last taken */
static int l_take_log(lua_State *L) {
  test_state *s = state_of(L);
  rl_push_slice(L, rl_buf_slice(&s->log));
  rl_buf_free(&s->log);
  return 1;
}

/* ---- life ---------------------------------------------------------------------------------------------------------------------------- */

static int state_gc(lua_State *L) {
  test_state *s = lua_touserdata(L, 1);
  rl_log_capture(NULL, NULL);
  rl_buf_free(&s->log);
  if (s->deadline) uv_close((uv_handle_t *)s->deadline, on_timer_closed);
  s->deadline = NULL;
  s->vm->loop->shuffle = NULL;
  return 0;
}

/* ---- hooks --------------------------------------------------------------------------------------------------------------- */

static const char hook_key = 0; /* registry: function(thread) */

static void hook_thread(rl_vm *vm, lua_State *co) {
  lua_State *L = vm->L;
  if (!lua_checkstack(L, 4) || !lua_checkstack(co, 1)) return;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &hook_key);
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1); /* out of memory: that task is not watched */
}

/* hook_tasks(function(thread) | nil): called for the thread of each task that starts from now on */
static int l_hook_tasks(lua_State *L) {
  bool on = !lua_isnoneornil(L, 1);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &hook_key);
  rl_vm_of(L)->on_thread = on ? hook_thread : NULL;
  return 0;
}

static const luaL_Reg functions[] = {{"clock_freeze", l_clock_freeze},   {"clock_thaw", l_clock_thaw},
                                     {"clock_advance", l_clock_advance}, {"test_deadline", l_test_deadline},
                                     {"shuffle_tasks", l_shuffle_tasks}, {"capture_log", l_capture_log},
                                     {"take_log", l_take_log},           {"hook_tasks", l_hook_tasks},
                                     {"stock_strings", l_stock_strings}, {NULL, NULL}};

void rl_bind_testing(lua_State *L) {
  if (rl_vm_of(L)->mode != RL_MODE_TEST) return;
  test_state *s = lua_newuserdatauv(L, sizeof *s, 0);
  memset(s, 0, sizeof *s);
  s->vm = rl_vm_of(L);
  s->vm->give_up = give_up;
  rl_buf_init(&s->log, RL_BUF_NO_LIMIT);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, state_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
  luaL_setfuncs(L, functions, 0);
}
