/*
 * Runs on the writer, outside of any transaction: VACUUM, PRAGMAs of the connection, and operations that only SQLite has.
 * Each returns 0, or a code with op->error.
 */
#ifndef RL_DATA_SQLITE_ALONE_H
#define RL_DATA_SQLITE_ALONE_H

#include "data/sqlite/writer.h"

enum {
  RL_OP_BACKUP = RL_OP_ENGINE, /* statements[0].sql is the path of the copy */
  RL_OP_COPY_OUT,              /* an image of the database into rows.data (tests) */
  RL_OP_COPY_IN                /* the other way round, from statements[0].sql */
};

int rl_alone_run(rl_writer *writer, rl_op *op);
int rl_alone_back_up(rl_writer *writer, rl_op *op);
int rl_alone_copy_out(rl_writer *writer, rl_op *op);
int rl_alone_copy_in(rl_writer *writer, rl_op *op);

#endif
