/* A database with its writer and reader threads, as a worker sees it. */
#include "data/sqlite/store.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "data/sqlite/sqlite.h"
#include "support/test.h"

static rl_loop loop;
static rl_sqlite *db;
static rl_sql_error error;
static char folder[32], path[64];
static int ended, order[1000];

static void done(rl_op *op) { order[ended++ % 1000] = (int)(intptr_t)op->owner; }

static int open_database(void) {
  db = (rl_sqlite *)rl_sqlite_open(&loop, path, &RL_STORE_OPTIONS_DEFAULT, &error);
  return db ? 0 : error.code;
}

static void close_database(void) {
  if (db) db->database.ops->close(&db->database);
  db = NULL;
}

static int setup(void **state) {
  (void)state;
  ended = 0;
  strcpy(folder, "/tmp/rille-test-XXXXXX");
  if (!mkdtemp(folder) || rl_loop_init(&loop)) return -1;
  snprintf(path, sizeof path, "%s/test.db", folder);
  return open_database();
}

static int teardown(void **state) {
  (void)state;
  char left[80];
  close_database();
  snprintf(left, sizeof left, "%s-wal", path);
  bool log_left = access(left, F_OK) == 0;
  unlink(path);
  rmdir(folder);
  return rl_loop_free(&loop) || log_left ? -1 : 0;
}

static rl_op *new_op(int kind, const char *sql, const rl_sql_params *params) {
  rl_op *op = rl_op_new(kind, 1);
  assert_non_null(op);
  op->done = done;
  if (sql) assert_int_equal(rl_op_add(op, RL_SLICE(""), rl_slice_str(sql), params), 0);
  return op;
}

/* Sends it and waits; the caller deletes it. */
static rl_op *ask(rl_op *op, bool read) {
  int before = ended;
  rl_database_submit(&db->database, op, read);
  while (ended == before) uv_run(&loop.uv, UV_RUN_ONCE);
  return op;
}

static int run(const char *sql) {
  rl_op *op = ask(new_op(RL_OP_RUN, sql, NULL), false);
  int code = op->error.code;
  error = op->error;
  rl_op_del(op);
  return code;
}

static int64_t number(const char *sql, bool read) {
  rl_op *op = ask(new_op(RL_OP_RUN, sql, NULL), read);
  if (op->error.code) fail_msg("%s: %s", sql, op->error.message);
  rl_rows_cursor cursor = rl_rows_values(&op->rows);
  int64_t value = op->rows.count ? rl_rows_next(&cursor).integer : -1;
  rl_op_del(op);
  return value;
}

TEST(what_is_written_is_read_by_everybody) {
  UNUSED;
  assert_int_equal(run("CREATE TABLE t (a INTEGER PRIMARY KEY, b)"), 0);
  rl_value values[] = {{.type = RL_VALUE_TEXT, .bytes = RL_SLICE("x\0y")}};
  rl_sql_params params = {.values = values, .count = 1};
  rl_op *op = ask(new_op(RL_OP_RUN, "INSERT INTO t (b) VALUES (?)", &params), false);
  assert_int_equal(op->changes, 1);
  assert_int_equal(op->last_id, 1);
  rl_op_del(op);
  assert_int_equal(number("SELECT length(CAST(b AS BLOB)) FROM t", true), 3);
  assert_int_equal(number("SELECT count(*) FROM t", false), 1);
}

TEST(values_of_every_type_come_back_as_they_went) {
  UNUSED;
  rl_value values[] = {{.type = RL_VALUE_NULL},
                       {.type = RL_VALUE_INTEGER, .integer = INT64_MIN},
                       {.type = RL_VALUE_REAL, .real = 0.1},
                       {.type = RL_VALUE_TEXT, .bytes = RL_SLICE("")},
                       {.type = RL_VALUE_BLOB, .bytes = RL_SLICE("\0\xff")}};
  rl_sql_params params = {.values = values, .count = 5};
  rl_op *op = ask(new_op(RL_OP_RUN, "SELECT ?1 AS a, ?2, ?3, ?4, ?5", &params), true);
  assert_int_equal(op->error.code, 0);
  assert_int_equal(op->rows.columns, 5);
  rl_rows_cursor names = rl_rows_names(&op->rows), cursor = rl_rows_values(&op->rows);
  assert_slice(rl_rows_next_name(&names), "a");
  for (int i = 0; i < 5; i++) {
    rl_value got = rl_rows_next(&cursor);
    assert_int_equal(got.type, values[i].type);
    if (got.type == RL_VALUE_INTEGER) assert_true(got.integer == values[i].integer);
    if (got.type == RL_VALUE_REAL) assert_true(got.real == values[i].real);
    if (got.type >= RL_VALUE_TEXT) assert_true(rl_slice_eq(got.bytes, values[i].bytes));
  }
  assert_ptr_equal(cursor.at, cursor.end);
  rl_op_del(op);
}

TEST(parameters_by_name_and_those_that_do_not_fit) {
  UNUSED;
  rl_value one = {.type = RL_VALUE_INTEGER, .integer = 7};
  rl_slice name = RL_SLICE("a"), other = RL_SLICE("b");
  rl_op *op = ask(new_op(RL_OP_RUN, "SELECT :a", &(rl_sql_params){.values = &one, .names = &name, .count = 1}), true);
  rl_rows_cursor cursor = rl_rows_values(&op->rows);
  assert_int_equal(rl_rows_next(&cursor).integer, 7);
  rl_op_del(op);
  op = ask(new_op(RL_OP_RUN, "SELECT :a", &(rl_sql_params){.values = &one, .names = &other, .count = 1}), true);
  assert_int_equal(op->error.code, RL_EINVALID);
  rl_op_del(op);
  op = ask(new_op(RL_OP_RUN, "SELECT ?, ?", &(rl_sql_params){.values = &one, .count = 1}), true);
  assert_int_equal(op->error.code, RL_EINVALID);
  rl_op_del(op);
}

/* Many writes that wait together share commits, and one that fails takes nobody with it. */
TEST(writes_are_committed_in_groups_and_fail_alone) {
  UNUSED;
  enum { WRITES = 500 };
  rl_op *ops[WRITES];
  assert_int_equal(run("CREATE TABLE t (a INTEGER UNIQUE)"), 0);
  rl_store_stats before = rl_store_get_stats(db->store);
  for (int i = 0; i < WRITES; i++) {
    rl_value value = {.type = RL_VALUE_INTEGER, .integer = i % 10 == 9 ? 0 : i};
    ops[i] = new_op(RL_OP_RUN, "INSERT INTO t VALUES (?)", &(rl_sql_params){.values = &value, .count = 1});
    ops[i]->owner = (void *)(intptr_t)i;
  }
  ended = 0;
  for (int i = 0; i < WRITES; i++) rl_database_submit(&db->database, ops[i], false);
  while (ended < WRITES) uv_run(&loop.uv, UV_RUN_ONCE);
  for (int i = 0; i < WRITES; i++) {
    assert_int_equal(ops[i]->error.code != 0, i % 10 == 9);
    assert_int_equal(order[i], i);
    rl_op_del(ops[i]);
  }
  rl_store_stats after = rl_store_get_stats(db->store);
  assert_int_equal(number("SELECT count(*) FROM t", true), WRITES - WRITES / 10);
  assert_true(after.groups - before.groups < WRITES / 2);
}

/* INSERT OR ROLLBACK ends the transaction of the whole group. */
TEST(a_statement_that_rolls_back_does_not_lose_its_neighbours) {
  UNUSED;
  assert_int_equal(run("CREATE TABLE t (a INTEGER UNIQUE)"), 0);
  rl_op *ops[20];
  ended = 0;
  for (int i = 0; i < 20; i++) {
    char sql[80];
    snprintf(sql, sizeof sql, "INSERT OR ROLLBACK INTO t VALUES (%d)", i == 10 ? 3 : i);
    ops[i] = new_op(RL_OP_RUN, sql, NULL);
  }
  for (int i = 0; i < 20; i++) rl_database_submit(&db->database, ops[i], false);
  while (ended < 20) uv_run(&loop.uv, UV_RUN_ONCE);
  for (int i = 0; i < 20; i++) {
    assert_int_equal(ops[i]->error.code != 0, i == 10);
    rl_op_del(ops[i]);
  }
  assert_int_equal(number("SELECT count(*) FROM t", true), 19);
}

static rl_op *in_transaction(int kind, const char *sql, uint64_t transaction) {
  rl_op *op = new_op(kind, sql, NULL);
  op->transaction = transaction;
  return op;
}

static int step(int kind, const char *sql, uint64_t transaction) {
  rl_op *op = ask(in_transaction(kind, sql, transaction), false);
  int code = op->error.code;
  rl_op_del(op);
  return code;
}

TEST(a_transaction_has_the_writer_to_itself_until_it_ends) {
  UNUSED;
  assert_int_equal(run("CREATE TABLE t (a)"), 0);
  uint64_t t = rl_store_new_transaction(db->store);
  assert_int_equal(step(RL_OP_BEGIN, NULL, t), 0);
  assert_int_equal(step(RL_OP_RUN, "INSERT INTO t VALUES (1)", t), 0);
  rl_op *waits = new_op(RL_OP_RUN, "INSERT INTO t VALUES (2)", NULL);
  rl_database_submit(&db->database, waits, false);
  assert_int_equal(number("SELECT count(*) FROM t", true), 0); /* readers see what is committed */
  assert_int_equal(step(RL_OP_RUN, "INSERT INTO t VALUES (3)", t), 0);
  int before = ended;
  assert_int_equal(step(RL_OP_ROLLBACK, NULL, t), 0);
  while (ended < before + 2) uv_run(&loop.uv, UV_RUN_ONCE);
  assert_int_equal(waits->error.code, 0);
  rl_op_del(waits);
  assert_int_equal(number("SELECT sum(a) FROM t", true), 2);
}

TEST(programs_may_not_begin_or_attach_themselves) {
  UNUSED;
  static const char *const refused[] = {"BEGIN", "COMMIT", "SAVEPOINT x", "ROLLBACK", "ATTACH ':memory:' AS other"};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) assert_int_not_equal(run(refused[i]), 0);
  assert_int_equal(run("CREATE TABLE t (a)"), 0);
}

TEST(an_error_says_what_sqlite_said) {
  UNUSED;
  assert_int_equal(run("SELEKT 1"), RL_ESQL);
  assert_non_null(strstr(error.message, "SELEKT"));
}

/* It may wait long for a transaction of another loop, and no loop waits for that, least of all one that ends. */
TEST(one_that_was_dropped_never_comes_home) {
  UNUSED;
  assert_int_equal(run("CREATE TABLE t (a)"), 0);
  uint64_t t = rl_store_new_transaction(db->store);
  assert_int_equal(step(RL_OP_BEGIN, NULL, t), 0); /* holds the writer back */
  rl_op *op = new_op(RL_OP_RUN, "INSERT INTO t VALUES (1)", NULL);
  rl_database_submit(&db->database, op, false);
  assert_int_equal(loop.held, 1);
  assert_true(rl_op_drop(op));
  assert_int_equal(loop.held, 0);
  rl_loop_settle(&loop);
  int before = ended;
  assert_int_equal(step(RL_OP_COMMIT, NULL, t), 0);
  assert_int_equal(ended, before + 1);
  assert_int_equal(number("SELECT count(*) FROM t", false), 0);
  assert_int_equal(ended, before + 2);
}

TEST(one_that_nobody_asks_for_is_done_and_holds_no_loop) {
  UNUSED;
  uint64_t t = rl_store_new_transaction(db->store);
  assert_int_equal(step(RL_OP_BEGIN, NULL, t), 0);
  rl_op *op = in_transaction(RL_OP_ROLLBACK, NULL, t);
  op->loop = NULL;
  rl_store_write(db->store, db->line, op);
  assert_int_equal(loop.held, 0);
  assert_int_equal(run("CREATE TABLE t (a)"), 0); /* nothing is in its way */
}

TEST(one_file_is_one_store_and_closing_waits_for_what_is_queued) {
  UNUSED;
  rl_store *again = rl_store_open(path, &RL_STORE_OPTIONS_DEFAULT, &error);
  assert_ptr_equal(again, db->store);
  rl_store_close(again);
  assert_int_equal(run("CREATE TABLE t (a)"), 0);
  rl_op *ops[100];
  ended = 0;
  for (int i = 0; i < 100; i++) ops[i] = new_op(RL_OP_RUN, "INSERT INTO t VALUES (1)", NULL);
  for (int i = 0; i < 100; i++) rl_database_submit(&db->database, ops[i], false);
  close_database();
  while (ended < 100) uv_run(&loop.uv, UV_RUN_ONCE);
  for (int i = 0; i < 100; i++) {
    assert_int_equal(ops[i]->error.code, 0);
    rl_op_del(ops[i]);
  }
  assert_int_equal(open_database(), 0);
  assert_int_equal(number("SELECT count(*) FROM t", true), 100);
}

TEST(a_folder_that_is_not_there_is_an_error) {
  UNUSED;
  assert_null(rl_sqlite_open(&loop, "/no/such/folder/x.db", &RL_STORE_OPTIONS_DEFAULT, &error));
  assert_true(error.code < 0);
  assert_true(strlen(error.message) > 0);
}

#define FOR_EVER "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

static void check_close_ends_reads(void) {
  rl_op *slow = new_op(RL_OP_RUN, FOR_EVER, NULL), *quick = new_op(RL_OP_RUN, "SELECT 7", NULL),
        *write = new_op(RL_OP_RUN, "INSERT INTO t VALUES (1)", NULL);
  assert_int_equal(run("CREATE TABLE t (a)"), 0);
  ended = 0;
  rl_database_submit(&db->database, slow, true);
  rl_database_submit(&db->database, quick, true);
  rl_database_submit(&db->database, write, false);
  while (atomic_load(&slow->state) == RL_OP_QUEUED) uv_sleep(1);
  close_database();
  while (ended < 3) uv_run(&loop.uv, UV_RUN_ONCE);
  assert_int_equal(slow->error.code, RL_ECLOSED);
  assert_string_equal(slow->error.message, "the database was closed");
  assert_int_equal(quick->error.code, 0);
  assert_int_equal(write->error.code, 0);
  rl_op_del(slow);
  rl_op_del(quick);
  rl_op_del(write);
}

/* The loop would stand still until the read ends. */
TEST(closing_does_not_wait_for_a_read_that_takes_long) {
  UNUSED;
  check_close_ends_reads();
  assert_int_equal(open_database(), 0);
  assert_int_equal(number("SELECT count(*) FROM t", true), 1);
}

TEST(closing_a_database_in_memory_does_not_either) {
  UNUSED;
  close_database();
  db = (rl_sqlite *)rl_sqlite_open(&loop, ":memory:", &RL_STORE_OPTIONS_DEFAULT, &error);
  assert_non_null(db);
  check_close_ends_reads();
}

static rl_cursor cursor;

static rl_sql_route place(const char *sql) {
  return db->database.ops->place(&db->database, rl_slice_str(sql), true, 0, &cursor, &error);
}

/* Starts what was placed inline. */
static int start(const rl_sql_params *params) {
  static const rl_sql_params none = {0};
  return db->database.ops->start(&db->database, &cursor, params ? params : &none, &error);
}

static int step_row(void) { return db->database.ops->step(&db->database, &cursor, &error); }

static void finish(bool too_slow) { db->database.ops->finish(&db->database, &cursor, too_slow); }

TEST(reads_run_inline_and_writes_do_not) {
  UNUSED;
  assert_int_equal(run("CREATE TABLE t (a)"), 0);
  assert_int_equal(place("SELECT a FROM t"), RL_ROUTE_INLINE);
  assert_int_equal(start(NULL), 0);
  assert_int_equal(step_row(), 0);
  finish(true); /* too slow: elsewhere the next time */
  assert_int_equal(place("SELECT a FROM t"), RL_ROUTE_READ);
  assert_int_equal(place("DELETE FROM t"), RL_ROUTE_WRITE);
  assert_int_equal(place("SELECT 1; SELECT 2"), RL_ROUTE_REFUSED);
  assert_int_equal(place("SELEKT"), RL_ROUTE_REFUSED);
}

TEST(an_inline_read_gives_its_rows_one_by_one) {
  UNUSED;
  assert_int_equal(run("CREATE TABLE t (a, b)"), 0);
  assert_int_equal(run("INSERT INTO t VALUES (1, 'one'), (2, NULL)"), 0);
  assert_int_equal(place("SELECT a, b FROM t ORDER BY a"), RL_ROUTE_INLINE);
  assert_int_equal(start(NULL), 0);
  assert_int_equal(step_row(), 1);
  assert_int_equal(cursor.columns, 2);
  assert_string_equal(db->database.ops->column(&db->database, &cursor, 1), "b");
  assert_int_equal(cursor.row[0].integer, 1);
  assert_slice(cursor.row[1].bytes, "one");
  assert_int_equal(step_row(), 1);
  assert_int_equal(cursor.row[1].type, RL_VALUE_NULL);
  assert_int_equal(step_row(), 0);
  finish(false);
}

/* SELECT * is prepared anew by a step that meets another schema. */
TEST(an_inline_read_has_the_columns_that_the_table_has_now) {
  UNUSED;
  assert_int_equal(run("CREATE TABLE t (a)"), 0);
  assert_int_equal(run("INSERT INTO t VALUES (1)"), 0);
  for (int columns = 1; columns < 4; columns++) {
    char alter[64];
    assert_int_equal(place("SELECT * FROM t"), RL_ROUTE_INLINE);
    assert_int_equal(start(NULL), 0);
    assert_int_equal(step_row(), 1);
    assert_int_equal(cursor.columns, columns);
    finish(false);
    snprintf(alter, sizeof alter, "ALTER TABLE t ADD COLUMN c%d DEFAULT 7", columns);
    assert_int_equal(run(alter), 0);
  }
}

TEST(large_parameters_and_a_failed_start_leave_nothing_open) {
  UNUSED;
  assert_int_equal(db->database.ops->place(&db->database, RL_SLICE("SELECT ?"), true, 100 << 20, &cursor, &error),
                   RL_ROUTE_READ);
  assert_int_equal(place("SELECT ?"), RL_ROUTE_INLINE);
  assert_int_equal(start(NULL), RL_EINVALID);
  finish(false);
  assert_int_equal(db->running, 0);
}

/* A finalizer may close the database while rows become tables. */
TEST(closing_waits_for_an_inline_read_under_way) {
  UNUSED;
  assert_int_equal(place("SELECT 1 UNION ALL SELECT 2"), RL_ROUTE_INLINE);
  assert_int_equal(start(NULL), 0);
  assert_int_equal(step_row(), 1);
  rl_database *database = &db->database;
  close_database();
  assert_int_equal(database->ops->step(database, &cursor, &error), 1);
  assert_int_equal(cursor.row[0].integer, 2);
  database->ops->finish(database, &cursor, false); /* frees it: the address sanitizer looks on */
}

/* ---- a write that has begun ------------------------------------------------------------------------------------------------ */

#define MANY "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "

static void spin_until_begun(const rl_op *op) {
  while (atomic_load(&op->state) == RL_OP_QUEUED) uv_sleep(1);
}

/* Whoever gave up waiting could not know what became of it. */
TEST(a_write_that_has_begun_cannot_be_dropped) {
  UNUSED;
  assert_int_equal(run("CREATE TABLE t (a)"), 0);
  rl_op *op = new_op(RL_OP_RUN, "INSERT INTO t " MANY "SELECT i FROM n", NULL);
  int before = ended;
  rl_database_submit(&db->database, op, false);
  spin_until_begun(op);
  op->owner = &db;
  assert_false(rl_op_try_drop(op));
  assert_ptr_equal(op->owner, &db);
  while (ended == before) uv_run(&loop.uv, UV_RUN_ONCE);
  assert_int_equal(op->error.code, 0);
  assert_int_equal(op->changes, 300000);
  rl_op_del(op);
}

TEST(a_read_on_the_writer_ends_early_and_says_why) {
  UNUSED;
  uint64_t t = rl_store_new_transaction(db->store);
  assert_int_equal(step(RL_OP_BEGIN, NULL, t), 0);
  rl_op *op = in_transaction(RL_OP_RUN, FOR_EVER, t);
  int before = ended;
  rl_database_submit(&db->database, op, false);
  spin_until_begun(op);
  assert_false(rl_op_try_drop(op));
  while (ended == before) uv_run(&loop.uv, UV_RUN_ONCE);
  assert_int_equal(op->error.code, RL_ECANCELLED);
  rl_op_del(op);
  assert_int_equal(step(RL_OP_COMMIT, NULL, t), 0); /* and the transaction lives on */
}

/* ---- another process has the file: here, another connection ---------------------------------------------------------------- */

static sqlite3 *lock_file(void) {
  sqlite3 *other = NULL;
  assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
  assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
  return other;
}

/* One after another they would wait ten times as long. The bounds leave room for a busy machine. */
TEST(writes_that_wait_for_another_process_wait_together) {
  UNUSED;
  enum { WAITING = 10, PATIENCE_MS = 300 };
  assert_int_equal(run("CREATE TABLE t (a)"), 0);
  rl_op *ops[WAITING];
  db->database.patience_ns = PATIENCE_MS * UINT64_C(1000000);
  sqlite3 *other = lock_file();
  uint64_t from = uv_hrtime();
  ended = 0;
  for (int i = 0; i < WAITING; i++)
    ops[i] = new_op(i == 1 ? RL_OP_BEGIN : RL_OP_RUN, i == 1 ? NULL : "INSERT INTO t VALUES (1)", NULL);
  ops[1]->transaction = rl_store_new_transaction(db->store);
  for (int i = 0; i < WAITING; i++) rl_database_submit(&db->database, ops[i], false);
  while (ended < WAITING) uv_run(&loop.uv, UV_RUN_ONCE);
  assert_true(uv_hrtime() - from < WAITING * PATIENCE_MS / 2 * UINT64_C(1000000));
  for (int i = 0; i < WAITING; i++) {
    static const char words[] = "another process has held it for ";
    const char *found = strstr(ops[i]->error.message, words);
    assert_int_equal(ops[i]->error.code, RL_EBUSY);
    assert_non_null(found);
    assert_true(strtod(found + strlen(words), NULL) > 0.29);
    rl_op_del(ops[i]);
  }
  sqlite3_close(other);
  assert_int_equal(run("INSERT INTO t VALUES (2)"), 0);
}

TEST(a_write_that_waits_for_another_process_has_not_begun) {
  UNUSED;
  assert_int_equal(run("CREATE TABLE t (a)"), 0);
  sqlite3 *other = lock_file();
  rl_op *op = new_op(RL_OP_RUN, "INSERT INTO t VALUES (1)", NULL);
  rl_database_submit(&db->database, op, false);
  uv_sleep(20); /* the writer may have taken it up, or not: it makes no difference */
  assert_true(rl_op_try_drop(op));
  uint64_t from = uv_hrtime();
  op = ask(new_op(RL_OP_COPY_OUT, NULL, NULL), false);        /* sent after it, and in need of no lock */
  assert_true(uv_hrtime() - from < 2500 * UINT64_C(1000000)); /* not after the five seconds of its patience */
  rl_op_del(op);
  sqlite3_close(other);
  assert_int_equal(number("SELECT count(*) FROM t", false), 0);
}

/* ---- options ------------------------------------------------------------------------------------------------------------------ */

TEST(one_file_has_one_set_of_options_by_whatever_path) {
  UNUSED;
  char link[80];
  rl_store_options readers = RL_STORE_OPTIONS_DEFAULT, normal = RL_STORE_OPTIONS_DEFAULT,
                   same = RL_STORE_OPTIONS_DEFAULT;
  readers.readers = 4;
  normal.synchronous = "NORMAL";
  same.readers = 1;
  same.synchronous = "FULL";
  same.busy_timeout_ms = 7; /* each handle's own */
  snprintf(link, sizeof link, "%s/link.db", folder);
  assert_int_equal(symlink(path, link), 0);
  assert_null(rl_store_open(link, &readers, &error));
  assert_non_null(strstr(error.message, "readers = 1, not 4"));
  assert_null(rl_store_open(link, &normal, &error));
  assert_non_null(strstr(error.message, "synchronous = \"FULL\", not \"NORMAL\""));
  rl_store *store = rl_store_open(link, &same, &error);
  assert_ptr_equal(store, db->store);
  rl_store_close(store);
  unlink(link);
}

TEST(who_holds_the_writer_is_known_to_others) {
  UNUSED;
  assert_int_equal(rl_store_holder(db->store).transaction, 0);
  rl_op *op = new_op(RL_OP_BEGIN, NULL, NULL);
  op->transaction = rl_store_new_transaction(db->store);
  assert_int_equal(rl_op_add(op, RL_SLICE("app.lua:12"), RL_SLICE(""), NULL), 0);
  rl_op_del(ask(op, false));
  rl_holder holder = rl_store_holder(db->store);
  assert_string_equal(holder.site, "app.lua:12");
  assert_int_equal(step(RL_OP_COMMIT, NULL, holder.transaction), 0);
  assert_int_equal(rl_store_holder(db->store).transaction, 0);
}

TEST(what_is_temporary_ends_with_its_script) {
  UNUSED;
  assert_int_equal(run("CREATE TEMP TABLE a (x)"), RL_EINVALID);
  static const char script[] =
      "CREATE TABLE t (x); CREATE TEMP TABLE \"a\"\"b\" (x); CREATE TEMP VIEW v AS SELECT 7 AS x;"
      "CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO \"a\"\"b\" VALUES (1); END;"
      "INSERT INTO t SELECT x FROM v";
  for (int i = 0; i < 2; i++) { /* nothing is in its way the second time */
    rl_op *op = ask(new_op(RL_OP_SCRIPT, i ? script + strlen("CREATE TABLE t (x);") : script, NULL), false);
    if (op->error.code) fail_msg("%s", op->error.message);
    rl_op_del(op);
  }
  assert_int_equal(number("SELECT count(*) FROM temp.sqlite_master", false), 0);
  assert_int_equal(number("SELECT sum(x) FROM t", false), 14);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(what_is_written_is_read_by_everybody),
      CASE(values_of_every_type_come_back_as_they_went),
      CASE(parameters_by_name_and_those_that_do_not_fit),
      CASE(writes_are_committed_in_groups_and_fail_alone),
      CASE(a_statement_that_rolls_back_does_not_lose_its_neighbours),
      CASE(a_transaction_has_the_writer_to_itself_until_it_ends),
      CASE(programs_may_not_begin_or_attach_themselves),
      CASE(an_error_says_what_sqlite_said),
      CASE(one_that_was_dropped_never_comes_home),
      CASE(one_that_nobody_asks_for_is_done_and_holds_no_loop),
      CASE(one_file_is_one_store_and_closing_waits_for_what_is_queued),
      CASE(a_folder_that_is_not_there_is_an_error),
      CASE(reads_run_inline_and_writes_do_not),
      CASE(an_inline_read_gives_its_rows_one_by_one),
      CASE(an_inline_read_has_the_columns_that_the_table_has_now),
      CASE(large_parameters_and_a_failed_start_leave_nothing_open),
      CASE(closing_waits_for_an_inline_read_under_way),
      CASE(closing_does_not_wait_for_a_read_that_takes_long),
      CASE(closing_a_database_in_memory_does_not_either),
      CASE(a_write_that_has_begun_cannot_be_dropped),
      CASE(a_read_on_the_writer_ends_early_and_says_why),
      CASE(writes_that_wait_for_another_process_wait_together),
      CASE(a_write_that_waits_for_another_process_has_not_begun),
      CASE(one_file_has_one_set_of_options_by_whatever_path),
      CASE(who_holds_the_writer_is_known_to_others),
      CASE(what_is_temporary_ends_with_its_script),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
