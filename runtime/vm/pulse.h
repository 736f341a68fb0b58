/*
 * The pulse of a state: the fields that the stall guard (vm/task/heartbeat.h) reads and writes. The state changes its beat
 * when a task starts to run and when it stops. The guard's thread looks at it every few milliseconds.
 */
#ifndef RL_VM_PULSE_H
#define RL_VM_PULSE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct rl_vm rl_vm;
typedef struct rl_task_handle rl_task_handle;
typedef struct lua_State lua_State;
typedef struct lua_Debug lua_Debug;

/* The error that ends a task when it is late. */
typedef struct rl_late {
  rl_task_handle *task; /* must stay alive as long as this is set; NULL: whatever task runs */
  int code;
  const char *reason; /* borrowed as long as this is set */
} rl_late;

/* A hook that the program set with debug.sethook, saved while ours replaces it. */
typedef struct rl_displaced_hook {
  lua_State *of;
  void (*hook)(lua_State *L, lua_Debug *ar);
  int mask, count;
} rl_displaced_hook;

/* One in each vm. The atomic fields are shared with the guard's thread. `quiet` and `thread` are set before it sees the state,
 * and `next` is protected by its lock. Only the state's own thread touches the others. */
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
  uint64_t relentless; /* the beat in which the hook stays and raises at each instruction; 0: none */
  unsigned cause;      /* what it raises */
  bool bounded;        /* it stops when rl_heartbeat_bounded (vm/task/heartbeat.h) is left */
  rl_displaced_hook displaced;
  atomic_bool hooking; /* the state's thread sets or takes off a hook: its signal handler does not */

  atomic_uint_fast64_t seen_beat, seen_since_ms; /* the beat that the guard's thread saw last, and since when */
  atomic_uint due;                               /* set by the guard's thread, taken by the hook */
  atomic_uint_fast64_t printed;                  /* the beat of the stall whose frames were printed */
  atomic_bool printing;                          /* the hook did not run: the next signal prints the frames */
  atomic_bool cancelled;                         /* the whole state, by another thread */
  bool quiet;                                    /* only `cancelled` concerns it: no warnings, no limits */
  void *thread;                                  /* pthread_t of the state's thread */
  rl_vm *next;                                   /* in the heartbeat's list */
  rl_vm *beside;                                 /* the next state of the same thread */
} rl_pulse;

/* Starts the measurement anew, because an error was caught for good and other code runs from now on. Adds 2, so that the beat
 * stays odd. */
static inline void rl_pulse_pass(rl_pulse *pulse) { atomic_fetch_add(&pulse->beat, 2); }

#endif
