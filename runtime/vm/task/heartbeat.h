/*
 * The stall guard. It notices a task that runs for long without waiting, in any state of the process, and ends code that
 * runs for too long.
 *
 * No hook is set as a rule: one every 100,000 instructions made plain loops 1.8 to 2.3 times slower. Instead a thread, the
 * heartbeat, looks at each state's pulse every 25 ms. If a pulse has not moved, it marks what is due and signals that
 * state's thread. The signal handler sets a hook on the running coroutine, as lua.c does for Ctrl-C.
 *
 *   100 ms      logs a warning with the traceback, once for each stall (later or never: rl_heartbeat_warn_after)
 *   cpu_limit   raises code "cpu_limit", status 503, in the code that runs
 *   deadline    of a test (rl_heartbeat_until): cancels its task, and raises in the code that runs
 *   stop        the process was told to stop (loop/stop.h) and grace_ms have passed: cancels the task that runs
 *   cancel      another thread has cancelled the whole state: cancels the task that runs
 *   interrupt   Ctrl-C in the console: as a deadline, at once
 *   no hook     a C call does not return: the handler prints the frames, without allocating
 *   watchdog    --watchdog S: aborts the process, so that its manager starts it again
 *
 * A C function that may run for long calls rl_heartbeat_attend, which raises what the hook would raise.
 *
 * Code that catches such an error has 100 ms to clean up; then the error is raised again. From the fourth time on the hook
 * stays, on each coroutine of the task, and raises at every instruction. So `while true do pcall(f) end` ends too. The hook
 * goes when the task ends, or when the call of rl_heartbeat_bounded that the task is in is left.
 * Finalizers cannot be interrupted, nor can functions that a program's own hook (debug.sethook) calls: Lua runs both without
 * hooks. A second SIGINT or SIGTERM ends the process whatever runs.
 *
 * A state that computes on purpose (bind/core/offload_state.h) is watched quietly: only a cancel concerns it. It then has a
 * second to clean up before the hook stays.
 */
#ifndef RL_VM_TASK_HEARTBEAT_H
#define RL_VM_TASK_HEARTBEAT_H

#include "vm/vm.h"

#define RL_HEARTBEAT_NEVER UINT64_MAX

/* Watches a state from now on. Call it on the state's own thread. The first call starts the heartbeat. */
void rl_heartbeat_watch(rl_vm *vm);
/* Does the same for a state that computes on purpose. */
void rl_heartbeat_watch_quietly(rl_vm *vm);
/* Stops watching, before the state is freed. Call it on the state's own thread. */
void rl_heartbeat_forget(rl_vm *vm);
/* Ends the code that runs in this state. Any thread may call it while the state is watched. */
void rl_heartbeat_cancel(rl_vm *vm);
/* Returns the coroutine that runs on the calling thread, or NULL. Async-signal-safe. */
lua_State *rl_heartbeat_running(void);
/* Sets after how long a stuck state ends the process; 0: never. Call it before threads start. */
void rl_heartbeat_watchdog(double seconds);

/* Raises what is due, the task's own deadlines included. C code that runs for long calls it every ten thousand steps or so,
 * holding nothing but values on Lua's stack. */
void rl_heartbeat_attend(lua_State *L);
/* Ends `late->task`, and code that runs instead of it, `ms` from now; RL_HEARTBEAT_NEVER: only when an interrupt comes. NULL
 * takes the deadline back. Copies `late`. Call it on the state's own thread. */
void rl_heartbeat_until(rl_vm *vm, uint64_t ms, const rl_late *late);
/* Sets how long code may run after the process was told to stop, at least 100 ms. rl_heartbeat_watch sets it to
 * RL_LIMIT_STOP_COMPUTING_MS. */
void rl_heartbeat_grace(rl_vm *vm, uint64_t ms);
/* Sets after how long a stall is logged; 0: the usual 100 ms; UINT32_MAX: never. For a command that keeps nobody waiting, and
 * for a program that still loads. */
void rl_heartbeat_warn_after(rl_vm *vm, uint32_t ms);
/* bounded(f, ...) -> results. Calls f. An error that is raised again and again inside f can be caught by the caller. */
int rl_heartbeat_bounded(lua_State *L);

#endif
