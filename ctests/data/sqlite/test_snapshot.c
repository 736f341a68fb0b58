/* Reads of one turn share a transaction, and see what those would see that have one each. Here are two workers of one process
 * and a process that knows nothing of them. */
#include "data/sqlite/snapshot.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "data/sqlite/sqlite.h"
#include "support/test.h"

typedef struct worker {
  rl_loop loop;
  rl_sqlite *db;
} worker;

static worker one, two;
static char folder[32], path[64];
static rl_sql_error error;

/* ---- another process ------------------------------------------------------------------------------------------------------------ */

static int to_child[2], from_child[2];
static pid_t child;

static void serve_as_child(void) {
  char sql[256];
  close(to_child[1]);
  for (;;) {
    size_t len = 0;
    while (len < sizeof sql && read(to_child[0], &sql[len], 1) == 1 && sql[len]) len++;
    if (!len || len == sizeof sql) _exit(0);
    sqlite3 *db = NULL;
    bool done = sqlite3_open(path, &db) == SQLITE_OK && sqlite3_busy_timeout(db, 5000) == SQLITE_OK &&
                sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_close(db);
    if (write(from_child[1], done ? "1" : "0", 1) != 1) _exit(1);
  }
}

/* Before there are threads. */
static int start_child(void) {
  if (pipe(to_child) || pipe(from_child)) return -1;
  child = fork();
  if (child == 0) serve_as_child();
  close(to_child[0]);
  close(from_child[1]);
  return child < 0 ? -1 : 0;
}

static int stop_child(void) {
  int status = 0;
  close(to_child[1]);
  close(from_child[0]);
  waitpid(child, &status, 0);
  return status;
}

/* Returns once it is committed. */
static void elsewhere(const char *sql) {
  char done = 0;
  assert_true(write(to_child[1], sql, strlen(sql) + 1) > 0);
  assert_int_equal(read(from_child[0], &done, 1), 1);
  assert_int_equal(done, '1');
}

/* ---- two workers ---------------------------------------------------------------------------------------------------------------- */

static int ended;
static void done(rl_op *op) {
  ended += op->error.code ? 1000000 : 1;
  rl_op_del(op);
}

/* Returns once it is acknowledged to that worker. */
static void write_by(worker *w, const char *sql) {
  rl_op *op = rl_op_new(RL_OP_RUN, 1);
  assert_int_equal(rl_op_add(op, RL_SLICE(""), rl_slice_str(sql), NULL), 0);
  op->done = done;
  ended = 0;
  rl_database_submit(&w->db->database, op, false);
  while (!ended) uv_run(&w->loop.uv, UV_RUN_ONCE);
  assert_int_equal(ended, 1);
}

static rl_sql_route place(worker *w, const char *sql, rl_cursor *cursor) {
  return w->db->database.ops->place(&w->db->database, rl_slice_str(sql), true, 0, cursor, &error);
}

static void begin_read(worker *w, const char *sql, rl_cursor *cursor) {
  static const rl_sql_params none = {0};
  rl_sql_route route = place(w, sql, cursor);
  if (route != RL_ROUTE_INLINE) fail_msg("%s: %s", sql, error.message);
  assert_int_equal(w->db->database.ops->start(&w->db->database, cursor, &none, &error), 0);
}

static int step(worker *w, rl_cursor *cursor) { return w->db->database.ops->step(&w->db->database, cursor, &error); }

static void end_read(worker *w, rl_cursor *cursor, bool too_slow) {
  w->db->database.ops->finish(&w->db->database, cursor, too_slow);
}

/* One inline read, in the turn that is. */
static int64_t read_by(worker *w, const char *sql) {
  rl_cursor cursor;
  begin_read(w, sql, &cursor);
  assert_int_equal(step(w, &cursor), 1);
  int64_t value = cursor.row[0].integer;
  end_read(w, &cursor, false);
  return value;
}

#define COUNT "SELECT count(*) FROM t"
#define POINT "SELECT a FROM t WHERE a = 1"

/* Reads until the turn has a snapshot. */
static void take_snapshot(worker *w) {
  for (int i = 0; i < 3; i++) read_by(w, POINT);
  assert_true(w->db->snapshot.open);
}

static void end_turn(worker *w) { uv_run(&w->loop.uv, UV_RUN_NOWAIT); }

static int open_worker(worker *w) {
  if (rl_loop_init(&w->loop)) return -1;
  w->db = (rl_sqlite *)rl_sqlite_open(&w->loop, path, &RL_STORE_OPTIONS_DEFAULT, &error);
  return w->db ? 0 : -1;
}

static int close_worker(worker *w) {
  if (w->db) w->db->database.ops->close(&w->db->database);
  w->db = NULL;
  return rl_loop_free(&w->loop);
}

static int setup(void **state) {
  (void)state;
  strcpy(folder, "/tmp/rille-test-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/test.db", folder);
  if (start_child() || open_worker(&one) || open_worker(&two)) return -1;
  write_by(&one, "CREATE TABLE t (a INTEGER PRIMARY KEY)");
  write_by(&one, "INSERT INTO t VALUES (1)");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  char log[80];
  int failed = close_worker(&one) | close_worker(&two) | stop_child();
  snprintf(log, sizeof log, "%s-wal", path);
  failed |= access(log, F_OK) == 0;
  unlink(path);
  return failed | rmdir(folder);
}

/* ---- how long it lasts ------------------------------------------------------------------------------------------------------------ */

TEST(reads_of_one_turn_share_a_transaction_from_the_second_on) {
  UNUSED;
  end_turn(&one);
  read_by(&one, POINT);
  assert_false(one.db->snapshot.open);
  for (int i = 0; i < 5; i++) {
    read_by(&one, POINT);
    assert_true(one.db->snapshot.open);
  }
  assert_int_equal(sqlite3_get_autocommit(one.db->reader.db), 0);
  end_turn(&one);
  assert_false(one.db->snapshot.open);
  assert_int_equal(sqlite3_get_autocommit(one.db->reader.db), 1);
  read_by(&one, POINT);
  assert_false(one.db->snapshot.open);
}

/* Returns true if the whole log was moved into the database, and nobody reads it. The writer may be at it, and is waited for. */
static bool checkpoint(int patience_ms) {
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "SELECT * FROM t LIMIT 1", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_busy_timeout(db, patience_ms);
  int result = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
  sqlite3_close(db);
  assert_true(result == SQLITE_OK || result == SQLITE_BUSY);
  return result == SQLITE_OK;
}

TEST(a_checkpoint_waits_for_the_end_of_the_turn_and_no_longer) {
  UNUSED;
  write_by(&two, "INSERT INTO t VALUES (2)");
  take_snapshot(&one);
  assert_false(checkpoint(0));
  end_turn(&one);
  assert_true(checkpoint(5000));
}

TEST(closing_ends_it) {
  UNUSED;
  take_snapshot(&two);
  write_by(&one, "INSERT INTO t VALUES (2)");
  two.db->database.ops->close(&two.db->database);
  two.db = NULL;
  assert_true(checkpoint(5000));
}

TEST(closing_inside_a_read_ends_it_with_that_read) {
  UNUSED;
  rl_cursor cursor;
  take_snapshot(&two);
  begin_read(&two, POINT, &cursor);
  assert_int_equal(step(&two, &cursor), 1);
  rl_database *database = &two.db->database;
  database->ops->close(database);
  two.db = NULL;
  end_turn(&two);
  database->ops->finish(database, &cursor, false);
  assert_true(checkpoint(5000));
}

/* ---- what it sees ------------------------------------------------------------------------------------------------------------------ */

TEST(what_another_worker_has_written_is_seen_in_the_same_turn) {
  UNUSED;
  for (int i = 2; i < 20; i++) {
    char sql[64];
    take_snapshot(&one);
    snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d)", i);
    write_by(&two, sql);
    assert_int_equal(read_by(&one, COUNT), i);
  }
}

TEST(what_a_worker_has_written_itself_is_seen_by_it) {
  UNUSED;
  for (int i = 2; i < 20; i++) {
    char sql[64];
    take_snapshot(&one);
    snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d)", i);
    write_by(&one, sql);
    assert_int_equal(read_by(&one, COUNT), i);
  }
}

TEST(what_another_process_has_written_is_seen_in_the_same_turn) {
  UNUSED;
  for (int i = 2; i < 20; i++) {
    char sql[64];
    take_snapshot(&one);
    snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d)", i);
    elsewhere(sql);
    assert_int_equal(read_by(&one, COUNT), i);
  }
}

TEST(a_log_that_starts_from_its_front_again_is_noticed) {
  UNUSED;
  for (int i = 2; i < 10; i++) {
    char sql[64];
    end_turn(&one);
    assert_true(checkpoint(5000));
    take_snapshot(&one);
    snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d)", i);
    elsewhere(sql);
    assert_int_equal(read_by(&one, COUNT), i);
  }
}

TEST(a_table_that_was_made_meanwhile_is_there_and_one_that_was_dropped_is_not) {
  UNUSED;
  rl_cursor cursor;
  take_snapshot(&one);
  elsewhere("CREATE TABLE other (a); INSERT INTO other VALUES (7)");
  assert_int_equal(read_by(&one, "SELECT a FROM other"), 7);
  take_snapshot(&one);
  elsewhere("ALTER TABLE other RENAME COLUMN a TO b");
  assert_int_equal(read_by(&one, "SELECT b FROM other"), 7);
  take_snapshot(&one);
  elsewhere("DROP TABLE other");
  begin_read(&one, "SELECT b FROM other", &cursor);
  assert_int_equal(step(&one, &cursor), RL_ESQL);
  end_read(&one, &cursor, false);
  assert_int_equal(read_by(&one, COUNT), 1);
}

TEST(within_a_turn_nothing_changes_unless_somebody_has_written) {
  UNUSED;
  take_snapshot(&one);
  elsewhere("BEGIN; INSERT INTO t VALUES (5); ROLLBACK");
  assert_int_equal(read_by(&one, COUNT), 1);
  assert_true(one.db->snapshot.open);
}

/* A finalizer may read while a read is under way: it belongs to that one's transaction, which began before the commit. */
TEST(a_read_inside_another_one_is_of_its_transaction) {
  UNUSED;
  rl_cursor outer;
  begin_read(&one, POINT, &outer);
  assert_int_equal(step(&one, &outer), 1);
  write_by(&two, "INSERT INTO t VALUES (2)");
  assert_int_equal(read_by(&one, COUNT), 1);
  assert_int_equal(read_by(&one, COUNT), 1);
  assert_false(one.db->snapshot.open);
  assert_int_equal(step(&one, &outer), 0);
  end_read(&one, &outer, false);
  assert_int_equal(read_by(&one, COUNT), 2);
  assert_int_equal(read_by(&one, COUNT), 2);
}

/* ---- what may go wrong ---------------------------------------------------------------------------------------------------------------- */

TEST(a_read_that_is_ended_or_fails_leaves_the_others_their_transaction) {
  UNUSED;
  rl_cursor cursor;
  take_snapshot(&one);
  begin_read(&one, "SELECT abs(-9223372036854775807 - 1)", &cursor);
  assert_true(step(&one, &cursor) < 0);
  end_read(&one, &cursor, false);
  begin_read(&one, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n", &cursor);
  assert_int_equal(step(&one, &cursor), RL_ETIMEOUT);
  end_read(&one, &cursor, true);
  assert_true(one.db->snapshot.open);
  write_by(&two, "INSERT INTO t VALUES (2)");
  assert_int_equal(read_by(&one, COUNT), 2);
}

/* As SQLite does after an error of the disk. */
TEST(one_that_was_rolled_back_is_nothing_to_end) {
  UNUSED;
  take_snapshot(&one);
  one.db->reader.authorizer.trusted = true;
  assert_int_equal(sqlite3_exec(one.db->reader.db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
  one.db->reader.authorizer.trusted = false;
  assert_int_equal(read_by(&one, COUNT), 1);
  write_by(&two, "INSERT INTO t VALUES (2)");
  assert_int_equal(read_by(&one, COUNT), 2);
  end_turn(&one);
  take_snapshot(&one);
  end_turn(&one);
  assert_true(checkpoint(5000));
}

TEST(a_pragma_runs_in_no_transaction) {
  UNUSED;
  take_snapshot(&one);
  assert_int_equal(read_by(&one, "PRAGMA user_version"), 0);
  assert_false(one.db->snapshot.open);
  take_snapshot(&one);
}

/* Another file, which is not in WAL mode. */
TEST(a_file_without_a_log_is_read_without_sharing) {
  UNUSED;
  sqlite3 *db = NULL;
  char plain[80];
  snprintf(plain, sizeof plain, "%s/plain.db", folder);
  assert_int_equal(sqlite3_open(plain, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (a); INSERT INTO t VALUES (1)", NULL, NULL, NULL), SQLITE_OK);
  rl_store_options options = RL_STORE_OPTIONS_DEFAULT;
  options.read_only = true;
  worker reader = {.db = NULL};
  assert_int_equal(rl_loop_init(&reader.loop), 0);
  reader.db = (rl_sqlite *)rl_sqlite_open(&reader.loop, plain, &options, &error);
  assert_non_null(reader.db);
  assert_null(reader.db->snapshot.header);
  for (int i = 1; i < 5; i++) {
    assert_int_equal(read_by(&reader, COUNT), i);
    assert_int_equal(sqlite3_exec(db, "INSERT INTO t VALUES (1)", NULL, NULL, NULL), SQLITE_OK);
  }
  sqlite3_close(db);
  assert_int_equal(close_worker(&reader), 0);
  unlink(plain);
}

/* ---- all at once ------------------------------------------------------------------------------------------------------------------------ */

static atomic_llong acknowledged;
static atomic_bool over;

/* A worker with turns of many reads. What was acknowledged before a read began is seen by it. */
static void read_for_ever(void *ud) {
  worker *w = ud;
  long long missed = 0;
  while (!atomic_load(&over)) {
    for (int i = 0; i < 20; i++) {
      long long before = atomic_load(&acknowledged);
      if (read_by(w, "SELECT max(a) FROM t") < before) missed++;
    }
    end_turn(w);
  }
  w->loop.worker = missed ? w : NULL;
}

TEST(nobody_misses_what_was_acknowledged_before) {
  UNUSED;
  enum { WRITES = 150 };
  uv_thread_t thread;
  atomic_store(&acknowledged, 1);
  atomic_store(&over, false);
  assert_int_equal(uv_thread_create(&thread, read_for_ever, &two), 0);
  for (int i = 2; i < WRITES; i++) {
    char sql[64];
    snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d)", i);
    if (i % 2) write_by(&one, sql);
    else elsewhere(sql);
    atomic_store(&acknowledged, i);
  }
  atomic_store(&over, true);
  uv_thread_join(&thread);
  assert_null(two.loop.worker);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(reads_of_one_turn_share_a_transaction_from_the_second_on),
      CASE(a_checkpoint_waits_for_the_end_of_the_turn_and_no_longer),
      CASE(closing_ends_it),
      CASE(closing_inside_a_read_ends_it_with_that_read),
      CASE(what_another_worker_has_written_is_seen_in_the_same_turn),
      CASE(what_a_worker_has_written_itself_is_seen_by_it),
      CASE(what_another_process_has_written_is_seen_in_the_same_turn),
      CASE(a_log_that_starts_from_its_front_again_is_noticed),
      CASE(a_table_that_was_made_meanwhile_is_there_and_one_that_was_dropped_is_not),
      CASE(within_a_turn_nothing_changes_unless_somebody_has_written),
      CASE(a_read_inside_another_one_is_of_its_transaction),
      CASE(a_read_that_is_ended_or_fails_leaves_the_others_their_transaction),
      CASE(one_that_was_rolled_back_is_nothing_to_end),
      CASE(a_pragma_runs_in_no_transaction),
      CASE(a_file_without_a_log_is_read_without_sharing),
      CASE(nobody_misses_what_was_acknowledged_before),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
