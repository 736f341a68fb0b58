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
 * A state that computes on purpose (bind/core/offload_state.h) is watched quietly: nothing but a cancel concerns it, and it has a second
 * to clean up; then the hook stays.
 */
#ifndef RL_VM_TASK_HEARTBEAT_H
#define RL_VM_TASK_HEARTBEAT_H

#include "vm/vm.h"

#define RL_HEARTBEAT_NEVER UINT64_MAX

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
