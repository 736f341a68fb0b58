/* A disk without room, and a log that would grow for ever: files of this process may not grow beyond a limit. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/limits.h"
#include "support/store.h"
#include "support/test.h"

static void limit_files(rlim_t size) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int setup(void **state) {
  signal(SIGXFSZ, SIG_IGN);
  int code = store_setup(state);
  return code || store_run(*state, "CREATE TABLE blobs (b)") ? -1 : 0;
}

static int teardown(void **state) {
  limit_files(RLIM_INFINITY);
  return store_teardown(state);
}

static void assert_whole(test_store *s) {
  assert_int_equal(store_number(s, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
}

TEST(without_room_a_write_fails_and_says_so_reads_go_on_and_writes_too_once_there_is_room) {
  test_store *s = *state_;
  int written = 0, code = 0;
  limit_files(1 << 20);
  while (!(code = store_run(s, "INSERT INTO blobs VALUES (zeroblob(100000))"))) assert_true(++written < 100);
  assert_int_equal(code, RL_EFULL);
  assert_true(written >= 4); /* the log was emptied on the way: database and log are below the limit each */
  for (int i = 0; i < 3; i++) {
    assert_int_equal(store_number(s, "SELECT count(*) FROM blobs"), written);
    assert_int_equal(store_run(s, "INSERT INTO blobs VALUES (zeroblob(100000))"), RL_EFULL);
  }
  assert_int_equal(store_run(s, "INSERT INTO t VALUES (1)"), 0); /* a small one fits */
  limit_files(RLIM_INFINITY);
  assert_int_equal(store_run(s, "INSERT INTO blobs VALUES (zeroblob(100000))"), 0);
  assert_int_equal(store_number(s, "SELECT count(*) FROM blobs"), written + 1);
  assert_whole(s);
}

TEST(one_that_does_not_fit_takes_nobody_with_it) {
  test_store *s = *state_;
  limit_files(1 << 20);
  for (int i = 0; i < 20; i++) {
    char sql[80];
    snprintf(sql, sizeof sql, i == 10 ? "INSERT INTO blobs VALUES (zeroblob(3000000))" : "INSERT INTO t VALUES (%d)",
             i);
    store_submit(s, sql);
  }
  store_settle(s);
  assert_int_equal(s->failed, 1);
  assert_int_equal(s->error.code, RL_EFULL);
  assert_int_equal(store_number(s, "SELECT count(*) FROM t"), 19);
  assert_int_equal(store_number(s, "SELECT count(*) FROM blobs"), 0);
  assert_whole(s);
}

TEST(a_transaction_without_room_is_rolled_back) {
  test_store *s = *state_;
  uint64_t t = 0;
  limit_files(1 << 20);
  assert_int_equal(store_step(s, RL_OP_BEGIN, NULL, &t), 0);
  int code = store_step(s, RL_OP_RUN, "INSERT INTO t VALUES (1)", &t);
  if (!code) code = store_step(s, RL_OP_RUN, "INSERT INTO blobs VALUES (zeroblob(3000000))", &t);
  if (!code) code = store_step(s, RL_OP_COMMIT, NULL, &t);
  else store_step(s, RL_OP_ROLLBACK, NULL, &t);
  assert_int_equal(code, RL_EFULL);
  assert_int_equal(store_number(s, "SELECT count(*) FROM t"), 0);
  assert_int_equal(store_run(s, "INSERT INTO t VALUES (2)"), 0);
  assert_whole(s);
}

/* ---- the log ------------------------------------------------------------------------------------------------------------- */

typedef struct reader {
  uv_thread_t thread;
  const char *path;
  atomic_bool *stop;
  int phase;
} reader;

/* Reads in transactions of some milliseconds each, one after another. */
static void read_on(void *ud) {
  reader *r = ud;
  sqlite3 *db;
  if (sqlite3_open_v2(r->path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) abort();
  sqlite3_busy_timeout(db, 60000);
  while (!atomic_load(r->stop)) {
    if (sqlite3_exec(db, "BEGIN; SELECT count(*) FROM blobs", NULL, NULL, NULL) != SQLITE_OK) abort();
    uv_sleep((unsigned)(2 + r->phase));
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
  }
  sqlite3_close(db);
}

TEST(the_log_does_not_grow_for_ever_while_others_read_without_a_pause) {
  enum { READERS = 6, WRITES = 70 };
  test_store *s = *state_;
  reader readers[READERS];
  atomic_bool stop = false;
  char log[80];
  off_t most = 0;
  struct stat info;
  snprintf(log, sizeof log, "%s-wal", s->path);
  assert_int_equal(store_run(s, "INSERT INTO blobs VALUES (zeroblob(1000000))"), 0);
  for (int i = 0; i < READERS; i++) {
    readers[i] = (reader){.path = s->path, .stop = &stop, .phase = i};
    assert_int_equal(uv_thread_create(&readers[i].thread, read_on, &readers[i]), 0);
  }
  for (int i = 0; i < WRITES; i++) {
    assert_int_equal(store_run(s, "UPDATE blobs SET b = randomblob(1000000)"), 0);
    if (stat(log, &info) == 0 && info.st_size > most) most = info.st_size;
  }
  atomic_store(&stop, true);
  for (int i = 0; i < READERS; i++) uv_thread_join(&readers[i].thread);
  assert_true(most < 2 * (off_t)RL_LIMIT_SQL_LOG);
}

/* Each time costs all writers 50 ms. On this thread, so that nothing is copied while the writer is idle. */
TEST(a_reader_that_stays_is_waited_for_less_and_less_often) {
  test_store *s = *state_;
  rl_writer w = {0};
  sqlite3 *other = NULL;
  int tries = 0, last = 0;
  store_close(s);
  assert_int_equal(rl_writer_open(&w, s->path, 0, "OFF", &s->error), 0);
  assert_int_equal(rl_connection_run(&w.connection, "CREATE TABLE u AS SELECT zeroblob(1000000) AS b", &s->error), 0);
  assert_int_equal(sqlite3_open_v2(s->path, &other, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_exec(other, "BEGIN; SELECT count(*) FROM u", NULL, NULL, NULL), SQLITE_OK);
  for (int i = 0; i < 90; i++) {
    assert_int_equal(rl_connection_run(&w.connection, "UPDATE u SET b = randomblob(1000000)", &s->error), 0);
    rl_writer_checkpoint(&w, false);
    tries += w.restart_pages != last;
    last = w.restart_pages;
  }
  assert_true((size_t)w.log_pages * (size_t)w.page_size > 5 * RL_LIMIT_SQL_LOG);
  sqlite3_close(other);
  rl_writer_close(&w);
  assert_int_equal(store_open(s), 0);
  assert_true(tries > 1 && tries <= 12);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(without_room_a_write_fails_and_says_so_reads_go_on_and_writes_too_once_there_is_room),
      CASE(one_that_does_not_fit_takes_nobody_with_it),
      CASE(a_transaction_without_room_is_rolled_back),
      CASE(the_log_does_not_grow_for_ever_while_others_read_without_a_pause),
      CASE(a_reader_that_stays_is_waited_for_less_and_less_often),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
