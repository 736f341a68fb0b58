/*
 * The writer after the disk has failed to sync: it refuses writes until it has recovered, without a restart.
 *
 *   a sync fails -> broken: the whole group fails --> recover: at once, before the group is answered, then after 1, 2, 4 … 60 s
 *                      ^                                  |
 *                      +------------- fails --------------+--> the log was written again and synced (wal.h): writes go on
 *
 * So a group that was told that it failed is not in the log any more, unless the disk refuses that too. Reads go on all the
 * while. The time is the wall clock, or a test's virtual one. On the writer's thread.
 */
#ifndef RL_DATA_SQLITE_RECOVERY_H
#define RL_DATA_SQLITE_RECOVERY_H

#include "data/sqlite/writer.h"

/* Recovers if the database is broken and it is time to try. Not inside a transaction. */
void rl_recovery_try(rl_writer *writer);
/* Answers an operation that comes while the database is broken: RL_EBUSY, for it was not made. */
int rl_recovery_refuse(const rl_writer *writer, rl_op *op);

#endif
