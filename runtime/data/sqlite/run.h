/*
 * Running the statements of an operation on a connection, in whatever transaction there is: for the writer, its migrations,
 * and the threads that read. What comes of it, rows, counts or an error with the text at fault, is put into the operation.
 */
#ifndef RL_DATA_SQLITE_RUN_H
#define RL_DATA_SQLITE_RUN_H

#include "data/op.h"
#include "data/sqlite/statement.h"

enum {
  RL_OP_BACKUP = RL_OP_ENGINE, /* statements[0].sql is the path of the copy */
  RL_OP_COPY_OUT,              /* an image of the database into rows.data (tests) */
  RL_OP_COPY_IN                /* the other way round, from statements[0].sql */
};

/* From now on a run on the connection ends early if the operation is cancelled, or the database is closed while it is a read by
 * itself: of a write that was begun everything is done. */
void rl_run_started(rl_connection *connection, const rl_op *op);
/* … until now. Returns `code`, or puts into the operation why it has ended early, and returns that. */
int rl_run_ended(rl_connection *connection, rl_op *op, int code);
/* One statement with its parameters, to its end. 0 or a code. */
int rl_run_statement(rl_connection *connection, const rl_op_statement *statement, rl_op *op);
/* The first statement of a script, which may be none but a comment; *rest is what follows it. 0 or a code. */
int rl_run_piece(rl_connection *connection, rl_slice sql, rl_slice *rest, rl_op *op);
/* Steps a statement that is bound to its end and packs its rows. 0 or a code. */
int rl_run_rows(rl_connection *connection, rl_statement *statement, rl_op *op);
/* Runs the statements of an operation (RUN, SCRIPT, BATCH) in the transaction that is open, if one is. 0 or a code. */
int rl_run_op(rl_connection *connection, rl_op *op);
/* Runs an operation on a connection that reads: a statement, or a copy. 0 or a code. */
int rl_run_read(rl_connection *connection, rl_op *op);
/* Packs the row under way into op->rows, the names of its columns before the first one. 0 or a code. */
int rl_run_pack_row(rl_statement *statement, rl_op *op);
/* Notes the text at fault, for the message. Returns the operation's code. */
int rl_run_failed(rl_op *op, rl_slice sql);

#endif
