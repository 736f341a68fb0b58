/*
 * The pulse of a state: what the stall guard (vm/task/heartbeat.h) reads and writes of it. The state moves its beat when a task
 * starts and when it ends; a thread of the guard looks at it every few milliseconds.
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
  bool bounded;        /* up to rl_heartbeat_bounded (vm/task/heartbeat.h) */
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

/* An error has been caught for good in a state that does not wait: what comes now is measured anew. */
static inline void rl_pulse_pass(rl_pulse *pulse) { atomic_fetch_add(&pulse->beat, 2); }

#endif
