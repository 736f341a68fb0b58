/*
 * The stall guard; see heartbeat.h. One stall, from the thread that notices it to the error:
 *
 *   heartbeat thread:  look_at -> due_of -> pulse.due, pthread_kill(SIGURG)
 *   state's thread:    on_signal sets a hook on the running coroutine -> on_hook, between two instructions -> act
 *
 * The signal handler may interrupt Lua anywhere, so it only sets a hook and writes frames. on_hook may allocate and raise.
 *
 * Lua calls a hook on the frame of the function that it interrupts, without one of the hook's own (ldo.c, luaD_hook). So code
 * that runs in on_hook must not mark a value as to be closed, as lua_toclose does and each luaL_Buffer of more than
 * LUAL_BUFFERSIZE bytes (lauxlib.c, prepbuffsize). The mark changes how many results are wanted of the interrupted function
 * (lapi.c, lua_toclose: `L->ci->nresults`), and OP_RETURN0 and OP_RETURN1 do not know it (lvm.c): its caller then finds the
 * function and its arguments where the results should be. What does so is called, and has a frame: see log_stall.
 */
#define _GNU_SOURCE
#include "vm/task/heartbeat.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "loop/stop.h"
#include "vm/error.h"
#include "vm/frames.h"
#include "vm/task/task.h"

enum { PERIOD_MS = 25, STALL_MS = 100, STUCK_MS = 1000, AGAIN_MS = 100, RAISED_ALONE = 3, SIGNAL = SIGURG };
enum { UNWIND_MS = 1000 }; /* how long code that was cancelled from outside may clean up, once */
enum { DUE_WARNING = 1, DUE_CPU = 2, DUE_LATE = 4, DUE_STOP = 8, DUE_CANCEL = 16 };
enum { DUE_RAISED = DUE_CPU | DUE_LATE | DUE_STOP | DUE_CANCEL };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t thread;
static rl_vm *watched;
static bool running;
static uint64_t watchdog_ms;
static _Thread_local rl_vm *own; /* the states of this thread, for the signal handler: a reload has two for a while */

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

static void on_hook(lua_State *L, lua_Debug *ar);

/* ---- hooks: ours, and the program's that it displaces -------------------------------------------------------------------- */

/* The signal handler leaves hooks alone while `hooking` is set: lua_sethook (ldebug.c) writes field after field, and a handler
 * that reads between two writes would take the mask of our hook for that of the program's. What was due is done by the hook that
 * is on already, or the next signal comes in PERIOD_MS. */
static void set_hook(rl_pulse *p, lua_State *L) {
  if (lua_gethook(L) != on_hook)
    p->displaced = (rl_displaced_hook){L, lua_gethook(L), lua_gethookmask(L), lua_gethookcount(L)};
  lua_sethook(L, on_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static void take_hook_off(rl_vm *vm, lua_State *L) {
  atomic_store(&vm->pulse.hooking, true);
  rl_displaced_hook before = vm->pulse.displaced;
  vm->pulse.displaced.of = NULL;
  if (before.of == L) lua_sethook(L, before.hook, before.mask, before.count);
  else lua_sethook(L, NULL, 0, 0);
  atomic_store(&vm->pulse.hooking, false);
  if (before.of != L && vm->on_thread) vm->on_thread(vm, L);
}

static void hook_all(rl_pulse *p, lua_State *L) {
  rl_strand *strand = rl_strand_of(L);
  atomic_store(&p->hooking, true);
  set_hook(p, L);
  for (strand = strand ? strand->resumer : NULL; strand; strand = strand->resumer) set_hook(p, strand->co);
  atomic_store(&p->hooking, false);
}

/* ---- what is raised in what runs ------------------------------------------------------------------------------------------- */

static int bounded_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return lua_gettop(L);
}

int rl_heartbeat_bounded(lua_State *L) {
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, bounded_k);
  return bounded_k(L, LUA_OK, 0);
}

static bool calls_bounded(lua_State *L) {
  lua_Debug ar;
  int depth = rl_frames_depth(L);
  for (int level = 0; level < depth && lua_getstack(L, level, &ar); level = rl_frames_next(level, depth)) {
    if (!lua_checkstack(L, 1)) return true;
    lua_getinfo(L, "f", &ar);
    lua_CFunction function = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    if (function == rl_heartbeat_bounded) return true;
  }
  return false;
}

static bool is_bounded(lua_State *L) {
  if (calls_bounded(L)) return true;
  rl_strand *strand = rl_strand_of(L);
  for (strand = strand ? strand->resumer : NULL; strand; strand = strand->resumer)
    if (calls_bounded(strand->co)) return true;
  return false;
}

static const char error_key = 0; /* registry: the error that is raised in this beat */

/* Pushes the error to raise. It is the same value each time in one beat, so it keeps its first traceback. */
static void push_error(lua_State *L, rl_vm *vm, const rl_late *why) {
  char message[80];
  if (vm->pulse.raised > 1 && lua_rawgetp(L, LUA_REGISTRYINDEX, &error_key) != LUA_TNIL) return;
  snprintf(message, sizeof message, "the code ran for more than %u ms without waiting",
           (unsigned)atomic_load(&vm->pulse.cpu_limit_ms));
  if (why) rl_error_push(L, why->code, "%s: %s", rl_error_text(why->code), why->reason);
  else rl_error_push_word(L, "cpu_limit", 503, message);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
}

/* Raises the error of a cause in the code that runs. If the cause is not the CPU limit, it also cancels the task that is late as
 * a whole, which may be another one than the task that runs. */
static void raise_cause(lua_State *L, rl_vm *vm, unsigned cause) {
  const rl_late stop = {NULL, RL_ECANCELLED, "the process is told to stop"}, *why = NULL;
  const rl_late cancel = {NULL, RL_ECANCELLED, "nobody waits for it any more"};
  rl_task *here = rl_task_running(L);
  if (cause & DUE_LATE) why = &vm->pulse.late;
  if (cause & DUE_STOP) why = &stop;
  if (cause & DUE_CANCEL) why = &cancel;
  if (why) {
    rl_task *late = why->task ? why->task->task : here;
    if (late) rl_task_cancel(late, why->code, why->reason);
    if (here && !rl_in_finalizer(L) && rl_scope_due(here)) rl_scope_raise_due(L, here);
    if (cause & DUE_CANCEL && vm->pulse.raised == 1) return; /* it is cleaning up already, or shielded */
  }
  push_error(L, vm, why);
  lua_error(L);
}

static void raise_first(lua_State *L, rl_vm *vm, unsigned cause) {
  rl_pulse *p = &vm->pulse;
  uint64_t beat = atomic_load(&p->beat);
  p->raised = atomic_load(&p->raised_beat) == beat ? p->raised + 1 : 1;
  bool from_outside = cause & DUE_CANCEL;
  atomic_store(&p->again_ms, now_ms() + (from_outside ? UNWIND_MS : AGAIN_MS));
  atomic_store(&p->raised_beat, beat);
  if (p->raised > (from_outside ? 1 : RAISED_ALONE)) {
    p->relentless = beat;
    p->cause = cause;
    p->bounded = is_bounded(L);
    hook_all(p, L);
  }
  raise_cause(L, vm, cause);
}

static void raise_on(lua_State *L, rl_vm *vm) {
  if (vm->pulse.bounded && !is_bounded(L)) {
    rl_pulse_pass(&vm->pulse);
    return;
  }
  hook_all(&vm->pulse, L);
  raise_cause(L, vm, vm->pulse.cause);
}

/* traceback() -> of the coroutine that calls it */
static int stall_traceback(lua_State *L) {
  rl_raised_traceback(L, L, 1);
  rl_task_add_ancestors(L, rl_vm_of(L)->running);
  return 1;
}

/* The traceback is built in a call of its own, because L's topmost frame belongs to the function that stalls. A call that fails
 * (out of memory, too many nested C calls) costs the warning its traceback, not the program its course. */
static void log_stall(lua_State *L, rl_vm *vm) {
  char message[96];
  unsigned long long ms = now_ms() - atomic_load(&vm->pulse.seen_since_ms);
  snprintf(message, sizeof message, "a task has run for %llu ms without waiting", ms);
  if (!lua_checkstack(L, 1)) {
    rl_log(RL_LOG_WARN, rl_slice_str(message), NULL, 0);
    return;
  }
  lua_pushcfunction(L, stall_traceback);
  bool built = lua_pcall(L, 0, 1, 0) == LUA_OK;
  rl_log_field field = RL_LOG_TEXT_FIELD("traceback", rl_slice_str(built ? lua_tostring(L, -1) : ""));
  rl_log(RL_LOG_WARN, rl_slice_str(message), &field, built);
  lua_pop(L, 1);
}

/* Does what the heartbeat's thread has marked as due: logs the stall, or raises in the code that runs. */
static void act(lua_State *L, rl_vm *vm) {
  rl_pulse *p = &vm->pulse;
  unsigned due = atomic_exchange(&p->due, 0);
  uint64_t beat = atomic_load(&p->beat);
  if (beat != atomic_load(&p->seen_beat) || !vm->running) return; /* the run that stalled has ended */
  if (p->relentless == beat) {
    raise_on(L, vm);
    return;
  }
  if (due & DUE_WARNING && atomic_load(&p->warned) != beat) {
    atomic_store(&p->warned, beat);
    log_stall(L, vm);
  }
  if (!p->late.reason) due &= ~(unsigned)DUE_LATE; /* the test has ended meanwhile */
  if (due & DUE_RAISED) raise_first(L, vm, due & DUE_RAISED);
}

/* Runs between two instructions of the coroutine that stalls. */
static void on_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  rl_vm *vm = rl_vm_of(L);
  take_hook_off(vm, L);
  act(L, vm);
}

void rl_heartbeat_attend(lua_State *L) {
  rl_vm *vm = rl_vm_of(L);
  act(L, vm);
  rl_task *task = vm->running;
  if (!task || !rl_scope_is_overdue(task)) return;
  if (rl_in_finalizer(L) || rl_task_running(L) != task)
    luaL_error(L, "a finalizer computes, and the time of the task is up");
  rl_scope_raise_due(L, task);
}

void rl_heartbeat_grace(rl_vm *vm, uint64_t ms) {
  atomic_store(&vm->pulse.grace_ms, ms < UINT32_MAX ? (uint_fast32_t)later(ms, STALL_MS) : UINT32_MAX);
}

void rl_heartbeat_warn_after(rl_vm *vm, uint32_t ms) { atomic_store(&vm->pulse.warn_ms, ms ? ms : STALL_MS); }

void rl_heartbeat_until(rl_vm *vm, uint64_t ms, const rl_late *late) {
  rl_pulse *p = &vm->pulse;
  atomic_store(&p->until_ms, 0);
  p->late = late ? *late : (rl_late){0};
  if (late && ms != RL_HEARTBEAT_NEVER) atomic_store(&p->until_ms, now_ms() + ms);
}

/* ---- in the signal handler ---------------------------------------------------------------------------------------------------- */

static void say(const char *text) {
  ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
  (void)ignored;
}

/* Writes the frames of a C call that does not return. It runs in a signal handler. */
static void print_frames(lua_State *L) {
  lua_Debug ar;
  char line[256];
  say("rille: a task is stuck inside a C function:\n");
  for (int level = 0; level < 20 && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "nSl", &ar);
    if (*ar.what == 'C') snprintf(line, sizeof line, "  [C] %s\n", ar.name ? ar.name : "?");
    else snprintf(line, sizeof line, "  %s:%d %s\n", ar.short_src, ar.currentline, ar.name ? ar.name : "");
    say(line);
  }
}

static rl_vm *running_vm(void) {
  rl_vm *vm = own;
  while (vm && !atomic_load(&vm->pulse.running)) vm = vm->pulse.beside;
  return vm;
}

lua_State *rl_heartbeat_running(void) {
  rl_vm *vm = running_vm();
  return vm ? atomic_load(&vm->pulse.running) : NULL;
}

static void on_signal(int number) {
  (void)number;
  int saved = errno;
  rl_vm *vm = running_vm();
  lua_State *L = vm ? atomic_load(&vm->pulse.running) : NULL;
  if (L && atomic_exchange(&vm->pulse.printing, false)) print_frames(L);
  if (L && !atomic_load(&vm->pulse.hooking)) set_hook(&vm->pulse, L);
  errno = saved;
}

/* ---- the heartbeat --------------------------------------------------------------------------------------------------------------- */

/* Aborts on the thread that is stuck, so that the report of vm/crash.h shows the place. */
static void end_process(const rl_vm *vm, uint64_t ms) {
  rl_logf(RL_LOG_ERROR, "watchdog: a worker has been stuck for %llu ms, ending the process", (unsigned long long)ms);
  pthread_kill(*(pthread_t *)vm->pulse.thread, SIGABRT);
  nanosleep(&(struct timespec){10, 0}, NULL);
  abort();
}

static bool is_late(rl_pulse *p, uint64_t now, uint64_t ms) {
  uint64_t until = atomic_load(&p->until_ms), interrupted = rl_stop_interrupted();
  if (interrupted && now >= interrupted + PERIOD_MS) return true;
  return until && now >= until && ms >= STALL_MS;
}

/* Returns true if the process was told to stop and the grace is over. It counts from the start of the stall at the earliest:
 * before that the loop could turn and hear of the stop itself. */
static bool is_over_stop(rl_pulse *p, uint64_t now) {
  uint64_t asked = rl_stop_asked();
  return asked && now >= later(asked, atomic_load(&p->seen_since_ms)) + atomic_load(&p->grace_ms);
}

/* Returns which DUE_* apply to a stall of `ms`. */
static unsigned due_of(rl_pulse *p, uint64_t now, uint64_t ms) {
  uint64_t beat = atomic_load(&p->beat);
  uint_fast32_t limit = atomic_load(&p->cpu_limit_ms);
  bool warns = !p->quiet && ms >= atomic_load(&p->warn_ms) && atomic_load(&p->warned) != beat;
  unsigned due = warns ? DUE_WARNING : 0;
  if (atomic_load(&p->raised_beat) == beat && now < atomic_load(&p->again_ms)) return due;
  if (atomic_load(&p->cancelled)) due |= DUE_CANCEL;
  if (p->quiet) return due;
  if (limit && ms >= limit) due |= DUE_CPU;
  if (is_late(p, now, ms)) due |= DUE_LATE;
  if (is_over_stop(p, now)) due |= DUE_STOP;
  return due;
}

static void look_at(rl_vm *vm, uint64_t now) {
  rl_pulse *p = &vm->pulse;
  uint64_t beat = atomic_load(&p->beat);
  if (beat != atomic_load(&p->seen_beat) || !(beat & 1)) {
    atomic_store(&p->seen_since_ms, now);
    atomic_store(&p->seen_beat, beat);
    return;
  }
  uint64_t ms = now - atomic_load(&p->seen_since_ms);
  if (watchdog_ms && !p->quiet && ms >= watchdog_ms) end_process(vm, ms);
  unsigned due = due_of(p, now, ms);
  if (!due) return;
  if (due & DUE_WARNING && ms >= STUCK_MS && atomic_load(&p->printed) != beat) {
    atomic_store(&p->printed, beat);
    atomic_store(&p->printing, true);
  }
  atomic_fetch_or(&p->due, due);
  pthread_kill(*(pthread_t *)p->thread, SIGNAL);
}

static void *beat(void *arg) {
  (void)arg;
  pthread_setname_np(pthread_self(), "rille-heartbeat");
  for (;;) {
    nanosleep(&(struct timespec){0, PERIOD_MS * 1000000L}, NULL);
    pthread_mutex_lock(&lock);
    uint64_t now = now_ms();
    for (rl_vm *vm = watched; vm; vm = vm->pulse.next) look_at(vm, now);
    bool stop = !watched;
    if (stop) running = false;
    pthread_mutex_unlock(&lock);
    if (stop) return NULL;
  }
}

static void start(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigset_t all, before;
  sigaction(SIGNAL, &action, NULL);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits the mask: signals go to the workers */
  running = pthread_create(&thread, NULL, beat, NULL) == 0;
  if (running) pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void rl_heartbeat_watch(rl_vm *vm) {
  pthread_t *self = rl_must_alloc(sizeof *self);
  *self = pthread_self();
  vm->pulse.thread = self;
  vm->pulse.beside = own;
  atomic_store(&vm->pulse.grace_ms, RL_LIMIT_STOP_COMPUTING_MS);
  atomic_store(&vm->pulse.warn_ms, STALL_MS);
  atomic_signal_fence(memory_order_seq_cst); /* the signal handler may walk the list at any time */
  own = vm;
  pthread_mutex_lock(&lock);
  vm->pulse.next = watched;
  watched = vm;
  if (!running) start();
  pthread_mutex_unlock(&lock);
}

void rl_heartbeat_forget(rl_vm *vm) {
  pthread_mutex_lock(&lock);
  rl_vm **at = &watched;
  while (*at && *at != vm) at = &(*at)->pulse.next;
  if (*at) *at = vm->pulse.next;
  pthread_mutex_unlock(&lock);
  rl_vm **here = &own;
  while (*here && *here != vm) here = &(*here)->pulse.beside;
  if (*here) *here = vm->pulse.beside;
  rl_free(vm->pulse.thread);
  vm->pulse.thread = NULL;
}

void rl_heartbeat_watch_quietly(rl_vm *vm) {
  vm->pulse.quiet = true;
  rl_heartbeat_watch(vm);
}

void rl_heartbeat_cancel(rl_vm *vm) { atomic_store(&vm->pulse.cancelled, true); }

void rl_heartbeat_watchdog(double seconds) { watchdog_ms = (uint64_t)(seconds * 1000); }
