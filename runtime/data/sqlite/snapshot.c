/* One transaction for the reads of a turn; see snapshot.h. */
#include "data/sqlite/snapshot.h"

#include <string.h>

static int run_own(rl_snapshot *s, sqlite3_stmt *stmt) {
  s->connection->authorizer.trusted = true; /* SQLite may prepare it again */
  int result = sqlite3_step(stmt);
  s->connection->authorizer.trusted = false;
  sqlite3_reset(stmt);
  return result;
}

static bool prepare(rl_snapshot *s, const char *sql, sqlite3_stmt **stmt) {
  return sqlite3_prepare_v3(s->connection->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) == SQLITE_OK;
}

/* Asks SQLite, which opens the WAL index for that. A handle that only reads may be of a file that is not in WAL mode. */
static bool is_in_wal_mode(rl_snapshot *s) {
  sqlite3_stmt *stmt = NULL;
  bool is = prepare(s, "PRAGMA main.journal_mode", &stmt) && sqlite3_step(stmt) == SQLITE_ROW &&
            strcmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
  sqlite3_finalize(stmt);
  return is;
}

void rl_snapshot_init(rl_snapshot *s, rl_connection *connection, rl_loop *loop) {
  *s = (rl_snapshot){.connection = connection, .loop = loop};
  rl_post_init(&s->turn_end);
  connection->authorizer.trusted = true;
  if (is_in_wal_mode(s) && prepare(s, "BEGIN", &s->begin) && prepare(s, "COMMIT", &s->commit) &&
      prepare(s, "ROLLBACK", &s->rollback))
    s->header = rl_wal_index_of(connection->db);
  connection->authorizer.trusted = false;
}

void rl_snapshot_free(rl_snapshot *s) {
  rl_loop_unpost(s->loop, &s->turn_end);
  rl_snapshot_end(s);
  sqlite3_finalize(s->begin);
  sqlite3_finalize(s->commit);
  sqlite3_finalize(s->rollback);
  s->header = NULL;
}

static void on_turn_end(rl_post *post) { rl_snapshot_end(RL_CONTAINER(post, rl_snapshot, turn_end)); }

bool rl_snapshot_renew(rl_snapshot *s) {
  if (!s->open || rl_wal_index_is(s->header, &s->taken)) return true;
  rl_snapshot_end(s);
  return !s->open;
}

void rl_snapshot_enter(rl_snapshot *s) {
  if (s->open || !s->header) return;
  if (!s->has_read) { /* there may be no other */
    s->has_read = true;
    rl_loop_at_turn_end(s->loop, &s->turn_end, on_turn_end);
    return;
  }
  s->taken = rl_wal_index_read(s->header);
  s->open = run_own(s, s->begin) == SQLITE_DONE;
}

/* An error of the disk or of memory may have rolled it back. */
static bool is_in_transaction(const rl_snapshot *s) { return !sqlite3_get_autocommit(s->connection->db); }

void rl_snapshot_end(rl_snapshot *s) {
  s->has_read = false;
  if (!s->open) return;
  if (is_in_transaction(s) && run_own(s, s->commit) != SQLITE_DONE) run_own(s, s->rollback);
  s->open = is_in_transaction(s);
}
