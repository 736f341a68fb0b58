/*
 * What a running state is doing, for people: the tree of its tasks, each with where it was spawned (or the route it answers),
 * what it waits for and for how long, and the line of the program where it stands.
 *
 *   #1 main: waits for the stop, 312.0 s, at app/init.lua:40
 *   #9 GET /posts/{id}: waits for a query, 0.4 s, at app/models/posts.lua:12
 *     #10 spawned at app/routes/api.lua:31: sleeps, 0.1 s, at app/routes/api.lua:32
 */
#ifndef RL_VM_INSPECT_H
#define RL_VM_INSPECT_H

#include "vm/task/task.h"

enum { RL_INSPECT_TASKS = 1000 }; /* more are counted, not shown */

/* Appends the tree to `out`, lines without a newline behind the last. Returns how many tasks there are. From the loop's
 * thread, while no task runs or the running one asks. */
unsigned rl_inspect_tasks(rl_vm *vm, rl_buf *out);
/* Logs it, as kill -USR1 asks for. */
void rl_inspect_log(rl_vm *vm);
/* Logs it as an error: every task waits, and nothing is left that could wake one. */
void rl_inspect_log_stuck(rl_vm *vm);

/* The innermost line of the program on a task's thread: the file into `out`, its line number returned; 0 where there is
 * none. */
int rl_inspect_line(const rl_task *task, char *out, size_t size);

#endif
