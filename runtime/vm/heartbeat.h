/*
 * The stall guard: notices a task that runs for long without waiting, in any state of the process. There is no standing hook
 * (100,000 instructions between two made plain loops 1.8 to 2.3 times slower): a thread looks at each state's pulse every
 * few milliseconds, and only when one has not moved does it signal that state's thread, whose handler sets a hook on the
 * running coroutine, as lua.c does for Ctrl-C.
 *
 *   100 ms   hook -> a warning with the traceback of where it is (once for each stall)
 *   limit    hook -> the request's cpu_limit: raises code "cpu_limit", status 503, in the handler
 *   no hook  a C call does not return: the handler prints the frames, with calls that allocate nothing
 *   S        --watchdog: the process ends, so that its manager starts it again
 *
 * A state that computes on purpose (vm/offload.h) is watched quietly: none of these, but when it is cancelled the hook raises
 * in whatever runs. Code that catches that and goes on is left a second to clean up; then the hook stays, and nothing runs on.
 */
#ifndef RL_VM_HEARTBEAT_H
#define RL_VM_HEARTBEAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct rl_vm rl_vm;
typedef struct lua_State lua_State;

/* In each vm; written by its own thread, read by the heartbeat. */
typedef struct rl_pulse {
  atomic_uint_fast64_t beat;                     /* odd while a task runs; moves at each start and end */
  lua_State *_Atomic running;                    /* the coroutine that runs */
  atomic_uint_fast32_t cpu_limit_ms;             /* of the task that runs; 0: none */
  atomic_uint_fast64_t warned;                   /* the beat of the stall that was logged */
  atomic_uint_fast64_t seen_beat, seen_since_ms; /* by the heartbeat */
  atomic_bool printing;                          /* the hook never ran: the next signal prints the frames */
  atomic_uint_fast64_t cancelled_ms; /* when the whole state was cancelled, by another thread; 0: it was not */
  bool quiet;                        /* nothing but that concerns it */
  void *thread;                      /* pthread_t of the state's thread */
  rl_vm *next;                       /* in the heartbeat's list */
  rl_vm *beside;                     /* the next state of the same thread */
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

#endif
