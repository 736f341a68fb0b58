/*
 * Runs on the writer, outside of any transaction: VACUUM, PRAGMAs of the connection, and operations that only SQLite has.
 * Each returns 0, or a code with op->error.
 */
#ifndef RL_DATA_SQLITE_ALONE_H
#define RL_DATA_SQLITE_ALONE_H

#include "data/sqlite/run.h"
#include "data/sqlite/writer.h"

int rl_alone_run(rl_writer *writer, rl_op *op);
int rl_alone_back_up(rl_writer *writer, rl_op *op);
int rl_alone_copy_out(rl_writer *writer, rl_op *op);
int rl_alone_copy_in(rl_writer *writer, rl_op *op);

#endif
