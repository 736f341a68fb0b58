/*
 * The stall guard: notices a task that runs for long without waiting, in any state of the process, and ends what runs for
 * too long. There is no standing hook (100,000 instructions between two made plain loops 1.8 to 2.3 times slower): a thread
 * looks at each state's pulse every few milliseconds, and only when one has not moved does it note what is due and signal
 * that state's thread, whose handler sets a hook on the running coroutine, as lua.c does for Ctrl-C.
 *
 *   100 ms      a warning with the traceback of where it is (once for each stall); later or never
 *               where nobody waits for what runs (rl_heartbeat_warn_after)
 *   cpu_limit   raises code "cpu_limit", status 503, in what runs
 *   deadline    of a test (rl_heartbeat_until): cancels that task, raises in what runs
 *   stop        the process was told to stop (loop/stop.h) and grace_ms have gone since: cancels what runs
 *   cancel      the whole state was cancelled, by another thread: the same
 *   interrupt   Ctrl-C in the console: the same at once
 *   no hook     a C call does not return: the handler prints the frames, with calls that allocate nothing
 *   S           --watchdog: the process ends, so that its manager starts it again
 *
 * C functions that may run for long attend: they raise what the hook would raise.
 *
 * Whoever catches such an error has 100 ms to clean up; then it is raised again. From the fourth time on the hook stays, on
 * each coroutine of the task: no instruction runs any more outside of what the error is to leave (a task, or what
 * rl_heartbeat_bounded calls), so that `while true do pcall(f) end` ends too. Finalizers are out of reach, and so is what a
 * program's own hook (debug.sethook) calls: Lua runs both without hooks. A second signal ends the process whatever runs.
 *
 * A state that computes on purpose (vm/offload.h) is watched quietly: nothing but a cancel concerns it, and it has a second
 * to clean up; then the hook stays.
 */
#ifndef RL_VM_HEARTBEAT_H
#define RL_VM_HEARTBEAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct rl_vm rl_vm;
typedef struct rl_task_handle rl_task_handle;
typedef struct lua_State lua_State;
typedef struct lua_Debug lua_Debug;

#define RL_HEARTBEAT_NEVER UINT64_MAX

/* What a task is to be ended with when it is late. */
typedef struct rl_late {
  rl_task_handle *task; /* which outlives it; NULL: whatever runs */
  int code;
  const char *reason; /* borrowed for as long */
} rl_late;

/* A hook that a program has set itself, while ours stands in its place. */
typedef struct rl_displaced_hook {
  lua_State *of;
  void (*hook)(lua_State *L, lua_Debug *ar);
  int mask, count;
} rl_displaced_hook;

/* In each vm. What is atomic is written on one side and read on the other; the rest is its own thread's. */
typedef struct rl_pulse {
  atomic_uint_fast64_t beat;         /* odd while a task runs; moves at each start and end */
  lua_State *_Atomic running;        /* the coroutine that runs */
  atomic_uint_fast32_t cpu_limit_ms; /* of the task that runs; 0: none */
  atomic_uint_fast32_t grace_ms;     /* after the process was told to stop */
  atomic_uint_fast32_t warn_ms;      /* a stall of so long is logged; UINT32_MAX: none is */
  atomic_uint_fast64_t until_ms;     /* when `late` is; 0: never */
  atomic_uint_fast64_t warned;       /* the beat of the stall that was logged */
  atomic_uint_fast64_t raised_beat;  /* the last beat in which something was raised … */
  atomic_uint_fast64_t again_ms;     /* … and when it may be raised again */
  rl_late late;
  unsigned raised;     /* how often in that beat */
  uint64_t relentless; /* the beat that the hook stays for */
  unsigned cause;      /* what it goes on raising */
  bool bounded;        /* up to rl_heartbeat_bounded */
  rl_displaced_hook displaced;

  atomic_uint_fast64_t seen_beat, seen_since_ms; /* by the heartbeat */
  atomic_uint due;                               /* noted by it, taken by the hook */
  atomic_uint_fast64_t printed;                  /* the beat of the stall whose frames were printed */
  atomic_bool printing;                          /* the hook did not run: the next signal prints the frames */
  atomic_bool cancelled;                         /* the whole state, by another thread */
  bool quiet;                                    /* nothing but that concerns it */
  void *thread;                                  /* pthread_t of the state's thread */
  rl_vm *next;                                   /* in the heartbeat's list */
  rl_vm *beside;                                 /* the next state of the same thread */
} rl_pulse;

/* Watches a state from now on, from its own thread; the first one starts the heartbeat. */
void rl_heartbeat_watch(rl_vm *vm);
/* The same for one that is to compute. */
void rl_heartbeat_watch_quietly(rl_vm *vm);
void rl_heartbeat_forget(rl_vm *vm);
/* From any thread, while it is watched: what runs in this state is to end. */
void rl_heartbeat_cancel(rl_vm *vm);
/* The coroutine that runs on the calling thread, or NULL. For signal handlers. */
lua_State *rl_heartbeat_running(void);
/* Ends the process when a state is stuck for so long; 0: never. Before threads start. */
void rl_heartbeat_watchdog(double seconds);

/* For C that runs for long, every some ten thousand steps: raises what is due, deadlines of the task's own included. */
void rl_heartbeat_attend(lua_State *L);
/* What is raised in a state that does not wait has been caught for good: what comes now is measured anew. */
void rl_heartbeat_pass(rl_vm *vm);
/* From `ms` from now on the task is late, and so is what runs instead of it; RL_HEARTBEAT_NEVER: when an interrupt comes.
 * NULL: nothing is. From the state's own thread. */
void rl_heartbeat_until(rl_vm *vm, uint64_t ms, const rl_late *late);
/* What runs may go on for so long after the process was told to stop; from rl_heartbeat_watch on it is
 * RL_LIMIT_STOP_COMPUTING_MS. */
void rl_heartbeat_grace(rl_vm *vm, uint64_t ms);
/* A stall is logged after so long; 0: as usual, after 100 ms; UINT32_MAX: never. For a command that keeps nobody waiting, or a
 * program that still loads. */
void rl_heartbeat_warn_after(rl_vm *vm, uint32_t ms);
/* bounded(f, ...) -> results: an error that cannot be caught inside f can be caught outside of it. */
int rl_heartbeat_bounded(lua_State *L);

#endif
