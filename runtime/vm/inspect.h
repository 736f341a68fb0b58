/*
 * Prints what a running state is doing, for people: the tree of its tasks. Each line says where the task was spawned (or
 * which route it answers), what it waits for and for how long, and the line of the program that it is at.
 *
 *   #1 main: waits for the stop, 312.0 s, at app/init.lua:40
 *   #9 GET /posts/{id}: waits for a query, 0.4 s, at app/models/posts.lua:12
 *     #10 spawned at app/routes/api.lua:31: sleeps, 0.1 s, at app/routes/api.lua:32
 */
#ifndef RL_VM_INSPECT_H
#define RL_VM_INSPECT_H

#include "vm/task/task.h"

enum { RL_INSPECT_TASKS = 1000 }; /* more are counted, not shown */

/* Appends the tree to `out`, without a newline after the last line. Returns how many tasks there are. Call it on the loop's
 * thread, between tasks or from the running one. */
unsigned rl_inspect_tasks(rl_vm *vm, rl_buf *out);
/* Logs the tree, as kill -USR1 asks for. */
void rl_inspect_log(rl_vm *vm);
/* Logs the tree as an error: every task waits, and nothing is left that could wake one. */
void rl_inspect_log_stuck(rl_vm *vm);

/* Finds the innermost frame of the program on a task's thread. Writes its file into `out` and returns its line number.
 * Returns 0 and writes nothing if there is none. */
int rl_inspect_line(const rl_task *task, char *out, size_t size);

#endif
