/*
 * Interactive transactions on the writer: one at a time, from its begin to its end; everybody else's writes wait in
 * the queue. Part of the writer's thread, but for rl_interactive_holder.
 */
#ifndef RL_DATA_SQLITE_INTERACTIVE_H
#define RL_DATA_SQLITE_INTERACTIVE_H

#include "data/sqlite/writer.h"

/* Takes the writer for op->transaction. 0, or a code with op->error. */
int rl_interactive_begin(rl_writer *writer, rl_op *op);
/* Runs an operation of the transaction, its savepoints included. 0, or a code with op->error. */
int rl_interactive_run(rl_writer *writer, rl_op *op);
/* Notes that an operation of it has ended. */
void rl_interactive_touch(rl_writer *writer);
/* Commits, or rolls back what cannot be committed. 0, or a code with op->error. */
int rl_interactive_commit(rl_writer *writer, rl_op *op);
/* It is over: it is the turn of the others. */
void rl_interactive_end(rl_writer *writer);

/* The transaction under way. From any thread. */
rl_holder rl_interactive_holder(rl_writer *writer);
/* Logs that writes have waited long for a transaction, and where that was begun. Called now and then. */
void rl_interactive_complain(rl_writer *writer);

#endif
