/*
 * The write-ahead log as a file: made trustworthy again after a sync of the disk has failed.
 *
 *   log     header | frame 1 … frame mxFrame | frames of a commit that failed, or of an earlier log
 *           `------- written again --------'   `-- cut off
 *   index   header: mxFrame, checksum; nBackfill = 0: every page is written to the database again
 *
 * After a failed fsync Linux marks the pages clean that it could not write. A second fsync then succeeds and has written nothing
 * (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020; https://lwn.net/Articles/752063/). So
 * nothing is believed of the disk that was not written after the failure, and synced after that:
 *
 *   the log        may hold pages that are only in memory. All of it is read, checked, and written again, which makes its pages
 *                  dirty once more; then it is synced.
 *   what failed    is in the log too, perhaps whole and valid: whoever opened the file after a crash would recover a write whose
 *                  client was told that it failed. It is cut off first.
 *   the database   may lack pages that a checkpoint wrote before the failure, even an earlier checkpoint that had not come to its
 *                  sync. nBackfill says up to which frame they need no copy: it becomes 0, so the next checkpoint copies all
 *                  frames of the log, which cannot be overwritten before that checkpoint's sync has succeeded.
 *
 * Readers notice nothing: no committed frame changes, and a smaller nBackfill only makes them look into the log more often.
 * Formats: https://sqlite.org/fileformat2.html#walformat and https://sqlite.org/walformat.html.
 */
#ifndef RL_DATA_SQLITE_WAL_H
#define RL_DATA_SQLITE_WAL_H

#include <sqlite3.h>

#include "data/error.h"

/* Does so. The connection has begun a write transaction, and has written nothing in it. 0 once the log is on the disk, or a code
 * with `error`: RL_EBUSY while another process copies pages, RL_ESQL otherwise. May be called again. */
int rl_wal_restore(sqlite3 *db, rl_sql_error *error);

#endif
