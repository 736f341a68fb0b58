/* A disk that fails to sync: what was acknowledged is on it, what was refused is not, and writes go on without a restart. */
#include "data/sqlite/recovery.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/lossy_disk.h"
#include "support/store.h"
#include "support/test.h"

static int setup(void **state) {
  lossy_disk_reset();
  return store_setup(state);
}

static int insert(test_store *s, int a) {
  char sql[80];
  snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d)", a);
  return store_run(s, sql);
}

/* What the disk has after the power was cut. */
static void cut_power(test_store *s) {
  store_close(s);
  lossy_disk_cut_power();
  store_forget_index(s);
  assert_int_equal(store_open(s), 0);
  assert_int_equal(store_number(s, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
}

static int64_t sum(test_store *s) { return store_number(s, "SELECT coalesce(sum(a), 0) FROM t"); }

TEST(a_commit_that_is_not_synced_fails_and_is_not_found_later) {
  test_store *s = *state_;
  assert_int_equal(insert(s, 1), 0);
  lossy_disk_fail(LOSSY_LOG, 1);
  assert_int_equal(insert(s, 10), RL_ESQL);
  assert_int_equal(s->error.extended, SQLITE_IOERR_FSYNC);
  assert_int_equal(sum(s), 1);
  assert_int_equal(insert(s, 100), 0); /* it has recovered meanwhile */
  assert_int_equal(sum(s), 101);
  cut_power(s);
  assert_int_equal(sum(s), 101);
}

/* Everything in the process is gone, and the page cache is not: what a process finds that starts after kill -9. */
static int64_t sum_of_copy(test_store *s) {
  char command[300];
  snprintf(command, sizeof command, "cp %s %s/copy.db && cp %s-wal %s/copy.db-wal", s->path, s->folder, s->path,
           s->folder);
  assert_int_equal(system(command), 0);
  sqlite3 *copy;
  sqlite3_stmt *stmt;
  snprintf(command, sizeof command, "%s/copy.db", s->folder);
  assert_int_equal(sqlite3_open(command, &copy), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(copy, "SELECT coalesce(sum(a), 0) FROM t", -1, &stmt, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  int64_t value = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  sqlite3_close(copy);
  unlink(command);
  return value;
}

TEST(what_was_refused_is_not_recovered_by_who_opens_the_file_next) {
  test_store *s = *state_;
  assert_int_equal(insert(s, 1), 0);
  lossy_disk_fail(LOSSY_LOG, 3);
  assert_int_equal(insert(s, 10), RL_ESQL);
  assert_int_equal(sum_of_copy(s), 1);
}

static void fail_the_second(lossy_kind kind) {
  static int count;
  if (kind == LOSSY_LOG && count++ == 1) lossy_disk_fail(LOSSY_LOG, 1000);
}

/* The first commit of a log writes and syncs its header first. */
TEST(nor_is_the_first_commit_of_a_log) {
  test_store *s = *state_;
  assert_int_equal(store_run(s, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
  lossy_disk_hook(fail_the_second);
  assert_int_equal(insert(s, 10), RL_ESQL);
  assert_int_equal(sum_of_copy(s), 0);
  lossy_disk_hook(NULL);
}

TEST(the_whole_group_fails) {
  test_store *s = *state_;
  lossy_disk_delay(20000); /* the others gather meanwhile */
  lossy_disk_fail(LOSSY_LOG, 1);
  for (int i = 0; i < 20; i++) {
    char sql[80];
    snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d)", i);
    store_submit(s, sql);
  }
  store_settle(s);
  assert_in_range(s->failed, 1, 20);
  lossy_disk_delay(0);
  assert_int_equal(store_number(s, "SELECT count(*) FROM t"), 20 - s->failed);
  cut_power(s);
  assert_int_equal(store_number(s, "SELECT count(*) FROM t"), 20 - s->failed);
}

TEST(a_transaction_fails_too_and_the_next_one_is_kept) {
  test_store *s = *state_;
  uint64_t t = 0;
  for (int round = 0; round < 2; round++) {
    assert_int_equal(store_step(s, RL_OP_BEGIN, NULL, &t), 0);
    assert_int_equal(store_step(s, RL_OP_RUN, "INSERT INTO t VALUES (5)", &t), 0);
    if (!round) lossy_disk_fail(LOSSY_LOG, 1);
    assert_int_equal(store_step(s, RL_OP_COMMIT, NULL, &t), round ? 0 : RL_ESQL);
  }
  cut_power(s);
  assert_int_equal(sum(s), 5);
}

TEST(as_long_as_the_disk_fails_writes_are_refused_and_reads_go_on) {
  test_store *s = *state_;
  assert_int_equal(insert(s, 1), 0);
  rl_loop_clock_freeze(&s->loop);
  lossy_disk_fail(LOSSY_LOG, 3); /* the commit, the try at once, the try after a second */
  assert_int_equal(insert(s, 10), RL_ESQL);
  assert_int_equal(insert(s, 20), RL_EBUSY);
  assert_non_null(strstr(s->error.message, "the disk failed to sync the database 0 s ago"));
  assert_non_null(strstr(s->error.message, "the next try is in 1 s"));
  uint64_t t = 0;
  assert_int_equal(store_step(s, RL_OP_BEGIN, NULL, &t), RL_EBUSY);
  assert_int_equal(sum(s), 1);
  rl_loop_advance_to(&s->loop, s->loop.virtual_now + 1000);
  assert_int_equal(insert(s, 30), RL_EBUSY);
  assert_non_null(strstr(s->error.message, "1 s ago"));
  assert_non_null(strstr(s->error.message, "the next try is in 2 s"));
  rl_loop_advance_to(&s->loop, s->loop.virtual_now + 2000);
  assert_int_equal(insert(s, 100), 0);
  cut_power(s);
  assert_int_equal(sum(s), 101);
  rl_loop_clock_thaw(&s->loop);
}

/* A read that lasts keeps a checkpoint from the end, so what it has written is not synced yet. Its pages are lost by the sync
 * that fails later; the log has them. */
TEST(pages_that_an_earlier_checkpoint_wrote_are_written_again) {
  test_store *s = *state_;
  for (int i = 0; i < 50; i++) assert_int_equal(insert(s, i), 0);
  sqlite3 *reader;
  assert_int_equal(sqlite3_open(s->path, &reader), SQLITE_OK);
  assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM t", NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(store_run(s, "CREATE TABLE other (a)"), 0);
  assert_int_equal(store_run(s, "PRAGMA wal_checkpoint"), 0); /* up to where the reader is */
  sqlite3_close(reader);
  assert_int_equal(store_run(s, "INSERT INTO other VALUES (1)"), 0);
  lossy_disk_fail(LOSSY_DATABASE, 1);
  assert_int_equal(store_run(s, "PRAGMA wal_checkpoint"), RL_ESQL);
  assert_int_equal(store_run(s, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
  cut_power(s);
  assert_int_equal(sum(s), 49 * 50 / 2);
  assert_int_equal(store_number(s, "SELECT count(*) FROM other"), 1);
}

TEST(a_checkpoint_that_fails_while_the_file_is_closed_leaves_the_log) {
  test_store *s = *state_;
  for (int i = 0; i < 50; i++) assert_int_equal(insert(s, i), 0);
  lossy_disk_fail(LOSSY_DATABASE, 1);
  cut_power(s);
  assert_int_equal(sum(s), 49 * 50 / 2);
}

/* With NORMAL only a checkpoint syncs the log. If that fails, the log on the disk lacks commits, and a later checkpoint that is
 * cut short leaves a database of which some pages are new: only the log can mend that. */
TEST(commits_that_were_never_synced_are_written_again) {
  test_store *s = *state_;
  store_close(s);
  s->options.synchronous = "NORMAL";
  assert_int_equal(store_open(s), 0);
  for (int i = 0; i < 200; i++) assert_int_equal(insert(s, i), 0);
  rl_loop_clock_freeze(&s->loop);
  lossy_disk_fail(LOSSY_LOG, 1);
  lossy_disk_fail(LOSSY_DATABASE, 1);
  assert_int_equal(store_run(s, "PRAGMA wal_checkpoint"), RL_ESQL); /* and the checkpoint of the recovery fails too */
  assert_int_equal(insert(s, 200), RL_EBUSY);
  cut_power(s);
  assert_int_equal(sum(s), 199 * 200 / 2);
  rl_loop_clock_thaw(&s->loop);
}

TEST(a_log_that_has_lost_pages_is_refused) {
  test_store *s = *state_;
  store_close(s);
  s->options.synchronous = "NORMAL";
  assert_int_equal(store_open(s), 0);
  rl_loop_clock_freeze(&s->loop);
  for (int i = 0; i < 50; i++) assert_int_equal(insert(s, i), 0);
  lossy_disk_fail(LOSSY_LOG, 2);
  assert_int_equal(store_run(s, "PRAGMA wal_checkpoint"), RL_ESQL);
  lossy_disk_evict_logs();
  rl_loop_advance_to(&s->loop, s->loop.virtual_now + 1000);
  assert_int_equal(insert(s, 50), RL_EBUSY);
  rl_loop_advance_to(&s->loop, s->loop.virtual_now + 60000);
  assert_int_equal(insert(s, 50), RL_EBUSY);
  cut_power(s); /* what NORMAL may lose is lost, and the database is whole */
  rl_loop_clock_thaw(&s->loop);
}

static void refuse_memory(lossy_kind kind) {
  if (kind == LOSSY_LOG) rl_alloc_fail_at(1, false);
}

TEST(without_memory_it_recovers_later) {
  test_store *s = *state_;
  assert_int_equal(insert(s, 1), 0);
  rl_loop_clock_freeze(&s->loop);
  lossy_disk_fail(LOSSY_LOG, 1);
  lossy_disk_hook(refuse_memory);
  assert_int_equal(insert(s, 10), RL_ESQL);
  lossy_disk_hook(NULL);
  assert_int_equal(insert(s, 20), RL_EBUSY);
  rl_loop_advance_to(&s->loop, s->loop.virtual_now + 1000);
  assert_int_equal(insert(s, 100), 0);
  cut_power(s);
  assert_int_equal(sum(s), 101);
  rl_loop_clock_thaw(&s->loop);
}

/* ---- kill -9 between the write and the sync ------------------------------------------------------------------------------ */

static int syncs_left;

static void kill_at(lossy_kind kind) {
  if (kind == LOSSY_LOG && syncs_left-- == 0) raise(SIGKILL);
}

/* Writes 1, 2, 3 … and tells each that was acknowledged, until it is killed. */
static void write_until_killed(test_store *s, int out) {
  lossy_disk_hook(kill_at);
  for (int i = 1; i < 1000; i++)
    if (insert(s, i) || write(out, &i, sizeof i) != sizeof i) break;
  _exit(1);
}

TEST(killed_before_a_sync_it_has_every_acknowledged_write_once) {
  test_store *s = *state_;
  for (int round = 0; round < 8; round++) {
    int pipes[2], last = 0, status;
    store_close(s);
    assert_int_equal(pipe(pipes), 0);
    syncs_left = round * 3;
    pid_t pid = fork();
    if (pid == 0) {
      if (store_open(s) || store_run(s, "DELETE FROM t")) _exit(2);
      write_until_killed(s, pipes[1]);
    }
    close(pipes[1]);
    for (int i; read(pipes[0], &i, sizeof i) == sizeof i;) last = i;
    close(pipes[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(store_open(s), 0);
    assert_int_equal(store_number(s, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    int64_t count = store_number(s, "SELECT count(*) FROM t");
    assert_in_range(count, last, last + 1); /* the one under way may be there: nobody was told */
    assert_int_equal(store_number(s, "SELECT coalesce(max(a), 0) FROM t"), count);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, store_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_commit_that_is_not_synced_fails_and_is_not_found_later),
      CASE(what_was_refused_is_not_recovered_by_who_opens_the_file_next),
      CASE(nor_is_the_first_commit_of_a_log),
      CASE(the_whole_group_fails),
      CASE(a_transaction_fails_too_and_the_next_one_is_kept),
      CASE(as_long_as_the_disk_fails_writes_are_refused_and_reads_go_on),
      CASE(pages_that_an_earlier_checkpoint_wrote_are_written_again),
      CASE(a_checkpoint_that_fails_while_the_file_is_closed_leaves_the_log),
      CASE(commits_that_were_never_synced_are_written_again),
      CASE(a_log_that_has_lost_pages_is_refused),
      CASE(without_memory_it_recovers_later),
      CASE(killed_before_a_sync_it_has_every_acknowledged_write_once),
  };
  lossy_disk_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
