/* The stall guard; see heartbeat.h. */
#define _GNU_SOURCE
#include "vm/heartbeat.h"

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
#include "base/log.h"
#include "vm/error.h"
#include "vm/task.h"

enum { PERIOD_MS = 25, STALL_MS = 100, STUCK_MS = 1000, UNWIND_MS = 1000, SIGNAL = SIGURG };
enum { EVERYWHERE = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT };

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

/* ---- on the stalled thread -------------------------------------------------------------------------------------------------- */

static void log_stall(lua_State *L, rl_vm *vm, uint64_t ms) {
  char message[96];
  snprintf(message, sizeof message, "a task has run for %llu ms without waiting", (unsigned long long)ms);
  rl_traceback(L, L, 0);
  rl_task_add_ancestors(L, vm->running);
  rl_log_field field = RL_LOG_TEXT_FIELD("traceback", rl_slice_str(lua_tostring(L, -1)));
  rl_log(RL_LOG_WARN, rl_slice_str(message), &field, 1);
  lua_pop(L, 1);
}

static void on_hook(lua_State *L, lua_Debug *ar);

/* The state was cancelled while it computes. As a wait would: raises, but not in what cleans up or is shielded. After a while
 * there too, and in every coroutine that waits for this one, at each of their instructions: then no code goes on. */
static void end_running(lua_State *L, rl_vm *vm) {
  rl_task_cancel(vm->running, RL_ECANCELLED, "nobody waits for it any more");
  if (rl_scope_due(vm->running)) rl_scope_raise_due(L, vm->running);
  if (now_ms() - atomic_load(&vm->pulse.cancelled_ms) < UNWIND_MS) return;
  for (const rl_strand *strand = rl_strand_of(L); strand; strand = strand->resumer)
    lua_sethook(strand->co, on_hook, EVERYWHERE, 1);
  rl_error_raise(L, RL_ECANCELLED, "cancelled: it did not end");
}

/* Runs as a Lua hook, once: between two instructions of the coroutine that stalls. */
static void on_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  rl_vm *vm = rl_vm_of(L);
  rl_pulse *pulse = &vm->pulse;
  lua_sethook(L, NULL, 0, 0);
  if (vm->on_thread) vm->on_thread(vm, L); /* which may have had a hook of its own */
  if (atomic_load(&pulse->cancelled_ms) && vm->running) {
    end_running(L, vm);
    return;
  }
  uint64_t beat = atomic_load(&pulse->beat), ms = now_ms() - pulse->seen_since_ms;
  if (beat != pulse->seen_beat || !vm->running) return; /* it was another one that stalled */
  if (pulse->warned != beat) {
    pulse->warned = beat;
    log_stall(L, vm, ms);
  }
  uint_fast32_t limit = atomic_load(&pulse->cpu_limit_ms);
  if (!limit || ms < limit) return;
  char message[80];
  snprintf(message, sizeof message, "the code ran for more than %u ms without waiting", (unsigned)limit);
  rl_error_push_word(L, "cpu_limit", 503, message);
  lua_error(L);
}

static void say(const char *text) {
  ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
  (void)ignored;
}

/* A C call that does not return: what can be told from inside a signal handler. */
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
  if (L && vm->pulse.printing) {
    print_frames(L);
  } else if (L) {
    lua_sethook(L, on_hook, EVERYWHERE, 1);
  }
  errno = saved;
}

/* ---- the heartbeat --------------------------------------------------------------------------------------------------------------- */

/* On the thread that is stuck, so that what is said of it then (vm/crash.h) is where it stands. */
static void end_process(const rl_vm *vm, uint64_t ms) {
  rl_logf(RL_LOG_ERROR, "watchdog: a worker has been stuck for %llu ms, ending the process", (unsigned long long)ms);
  pthread_kill(*(pthread_t *)vm->pulse.thread, SIGABRT);
  nanosleep(&(struct timespec){10, 0}, NULL);
  abort();
}

static void look_at(rl_vm *vm, uint64_t now) {
  rl_pulse *p = &vm->pulse;
  uint64_t beat = atomic_load(&p->beat);
  if (beat != p->seen_beat || !(beat & 1)) {
    p->seen_beat = beat;
    p->seen_since_ms = now;
    p->printing = false;
    return;
  }
  if (atomic_load(&p->cancelled_ms)) pthread_kill(*(pthread_t *)p->thread, SIGNAL);
  if (p->quiet) return;
  uint64_t ms = now - p->seen_since_ms;
  if (ms < STALL_MS) return;
  if (watchdog_ms && ms >= watchdog_ms) end_process(vm, ms);
  uint_fast32_t limit = atomic_load(&p->cpu_limit_ms);
  bool told = p->warned == beat, over = limit && ms >= limit;
  if (p->printing || (told && !over)) return;
  p->printing = !told && ms >= STUCK_MS;
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
  pthread_sigmask(SIG_SETMASK, &all, &before); /* signals of the process are for the workers */
  running = pthread_create(&thread, NULL, beat, NULL) == 0;
  if (running) pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void rl_heartbeat_watch(rl_vm *vm) {
  pthread_t *self = rl_must_alloc(sizeof *self);
  *self = pthread_self();
  vm->pulse.thread = self;
  vm->pulse.beside = own;
  atomic_signal_fence(memory_order_seq_cst); /* the handler follows the list at any time */
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

void rl_heartbeat_cancel(rl_vm *vm) { atomic_store(&vm->pulse.cancelled_ms, now_ms()); }

void rl_heartbeat_watchdog(double seconds) { watchdog_ms = (uint64_t)(seconds * 1000); }
