/*
 * The read transaction that the inline reads of one turn of the loop share. A read by itself spends most of its time on the
 * locks of the WAL index.
 *
 *   a turn     read         read           read     read …     the loop looks for more
 *              by itself    BEGIN, read                        COMMIT
 *
 * No program can tell. A read sees every commit that returned before it began, whatever thread or process made it, and however
 * the worker may know: by bytes of a socket that was ready in the same turn, by a channel, a file, a process that it ran. For
 * before each read the snapshot is compared with the header of the WAL index (wal_index.h), which says at no cost whether a
 * transaction that began now would see anything else. So nobody has to know by which ways news can come.
 *
 * That header is copied before the snapshot is taken: if a commit comes between, the snapshot is newer than the copy, and is
 * renewed once more than it had to be.
 *
 * A checkpoint does not get past a snapshot. So it ends with the turn, before the loop sleeps; earlier if there was a commit;
 * before a PRAGMA, which may ask for the state of the connection; and with its connection. A read inside another one (a
 * finalizer's) belongs to the transaction of that.
 */
#ifndef RL_DATA_SQLITE_SNAPSHOT_H
#define RL_DATA_SQLITE_SNAPSHOT_H

#include "data/sqlite/connection.h"
#include "data/sqlite/wal_index.h"
#include "loop/loop.h"

typedef struct rl_snapshot {
  rl_connection *connection;
  rl_loop *loop;
  rl_post turn_end;
  sqlite3_stmt *begin, *commit, *rollback;
  const rl_wal_index_word *header; /* NULL: each read has a transaction of its own */
  rl_wal_index_state taken;        /* the header before the snapshot was taken */
  bool open;
  bool has_read; /* there was a read in this turn, and no commit since */
} rl_snapshot;

/* Embedded. The connection and the loop are borrowed until rl_snapshot_free. Does not fail: reads are not shared then. */
void rl_snapshot_init(rl_snapshot *snapshot, rl_connection *connection, rl_loop *loop);
void rl_snapshot_free(rl_snapshot *snapshot);

/* Before a statement is prepared or found, while none runs: ends the snapshot if it is not what a transaction would see that
 * began now. Returns false if it is not, and could not be ended: the connection must not be read. */
bool rl_snapshot_renew(rl_snapshot *snapshot);
/* Before it runs. */
void rl_snapshot_enter(rl_snapshot *snapshot);
void rl_snapshot_end(rl_snapshot *snapshot);

#endif
