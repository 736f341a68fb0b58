/* The writer under many clients: how many syncs it needs, who waits for whom, and what it leaves when it is closed. */
#include "data/sqlite/writer.h"

#include "base/alloc.h"
#include "base/error.h"
#include "support/lossy_disk.h"
#include "support/store.h"
#include "support/test.h"

static int setup(void **state) {
  lossy_disk_reset();
  return store_setup(state);
}

/* ---- group commit ------------------------------------------------------------------------------------------------------- */

enum { CLIENTS = 64, EACH = 40 };

typedef struct client {
  test_store *store;
  int number, written;
} client;

static int clients_running;

static void write_next(client *c);

static void on_written(rl_op *op) {
  client *c = op->owner;
  assert_int_equal(op->error.code, 0);
  rl_op_del(op);
  c->written++;
  if (c->written < EACH) write_next(c);
  else clients_running--;
}

static void write_next(client *c) {
  char sql[80];
  rl_op *op = rl_op_new(RL_OP_RUN, 1);
  assert_non_null(op);
  snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d)", c->number * EACH + c->written);
  assert_int_equal(rl_op_add(op, RL_SLICE(""), rl_slice_str(sql), NULL), 0);
  op->owner = c;
  op->done = on_written;
  rl_database_submit(&c->store->db->database, op, false);
}

/* A sync takes 3 ms here, as it does on a disk; meanwhile the others gather. */
TEST(of_64_clients_a_dozen_and_more_share_each_sync) {
  test_store *s = *state_;
  client clients[CLIENTS];
  lossy_disk_delay(3000);
  int before = lossy_disk_syncs(LOSSY_LOG) + lossy_disk_syncs(LOSSY_DATABASE);
  clients_running = CLIENTS;
  for (int i = 0; i < CLIENTS; i++) {
    clients[i] = (client){.store = s, .number = i};
    write_next(&clients[i]);
  }
  while (clients_running) uv_run(&s->loop.uv, UV_RUN_ONCE);
  int syncs = lossy_disk_syncs(LOSSY_LOG) + lossy_disk_syncs(LOSSY_DATABASE) - before;
  print_message("%d writes, %d syncs\n", CLIENTS * EACH, syncs);
  assert_int_equal(store_number(s, "SELECT count(*) FROM t"), CLIENTS * EACH);
  assert_true(syncs * 12 <= CLIENTS * EACH);
}

/* One that comes later is not kept waiting by all that come after it. */
TEST(writes_are_made_in_the_order_in_which_they_came) {
  test_store *s = *state_;
  lossy_disk_delay(1000);
  for (int i = 0; i < 1000; i++) store_submit(s, "INSERT INTO t VALUES ((SELECT coalesce(max(a), 0) + 1 FROM t))");
  store_submit(s, "INSERT INTO t SELECT 1000000 + count(*) FROM t");
  for (int i = 0; i < 1000; i++) store_submit(s, "INSERT INTO t SELECT -count(*) FROM t");
  store_settle(s);
  assert_int_equal(s->failed, 0);
  assert_int_equal(store_number(s, "SELECT max(a) FROM t"), 1001000);
}

/* ---- given up while it is committed -------------------------------------------------------------------------------------- */

static atomic_int in_sync, may_sync;

static void hold_sync(lossy_kind kind) {
  if (kind != LOSSY_LOG) return;
  atomic_store(&in_sync, 1);
  while (!atomic_load(&may_sync)) uv_sleep(1);
}

TEST(one_that_is_committed_cannot_be_given_up_and_is_answered) {
  test_store *s = *state_;
  atomic_store(&in_sync, 0);
  atomic_store(&may_sync, 0);
  lossy_disk_hook(hold_sync);
  rl_op *op = store_submit(s, "INSERT INTO t VALUES (1)");
  while (!atomic_load(&in_sync)) uv_sleep(1);
  assert_false(rl_op_try_drop(op));
  rl_op *late = store_submit(s, "INSERT INTO t VALUES (2)"); /* of the next group: it has not begun */
  assert_true(rl_op_try_drop(late));
  s->sent--;
  assert_int_equal(s->ended, s->sent - 1); /* nothing is answered before the sync */
  atomic_store(&may_sync, 1);
  store_settle(s);
  lossy_disk_hook(NULL);
  assert_int_equal(s->failed, 0);
  assert_int_equal(store_number(s, "SELECT sum(a) FROM t"), 1);
}

/* A worker that stops while its writes are queued: they are made, and answered to nobody. */
TEST(writes_of_a_worker_that_is_gone_are_made) {
  test_store *s = *state_;
  rl_loop worker;
  assert_int_equal(rl_loop_init(&worker), 0);
  rl_database *handle = rl_sqlite_open(&worker, s->path, &s->options, &s->error);
  assert_non_null(handle);
  lossy_disk_delay(5000);
  for (int i = 0; i < 50; i++) {
    char sql[80];
    snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d)", i);
    rl_op *op = rl_op_new(RL_OP_RUN, 1);
    assert_int_equal(rl_op_add(op, RL_SLICE(""), rl_slice_str(sql), NULL), 0);
    op->done = rl_op_del;
    rl_database_submit(handle, op, false);
  }
  handle->ops->close(handle);
  rl_loop_settle(&worker); /* waits for those under way */
  assert_int_equal(rl_loop_free(&worker), 0);
  assert_int_equal(store_number(s, "SELECT count(*) FROM t"), 50);
}

/* ---- memory --------------------------------------------------------------------------------------------------------------- */

/* On the writer's thread SQLite's allocations are refused from the n-th after a sync on, so many, and the n-th of ours. */
static _Thread_local int counted = -1; /* since that sync; -1: of another thread */
static sqlite3_mem_methods real_memory;
static atomic_int refuse_at, refuse_count;

static bool refuses(void) {
  int from = atomic_load(&refuse_at);
  if (counted < 0 || !from) return false;
  counted++;
  return counted >= from && counted < from + atomic_load(&refuse_count);
}

static void *give(int size) { return refuses() ? NULL : real_memory.xMalloc(size); }
static void *give_again(void *block, int size) { return refuses() ? NULL : real_memory.xRealloc(block, size); }

static void install_memory(void) {
  assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
  sqlite3_mem_methods ours = real_memory;
  ours.xMalloc = give;
  ours.xRealloc = give_again;
  assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours), SQLITE_OK);
}

static void arm(lossy_kind kind) {
  (void)kind;
  counted = 0;
  rl_alloc_fail_at(atomic_load(&refuse_at), false);
}

/* A group, a statement that is new to the connection, a transaction; what of them was acknowledged is there. */
static int write_without_memory(test_store *s, int n) {
  static const char *const forms[] = {"INSERT INTO t VALUES (%d) RETURNING a, hex(randomblob(500))",
                                      "INSERT INTO t VALUES (%d)", "INSERT INTO t SELECT %d"};
  int failed = s->failed, code = 0;
  uint64_t t = 0;
  for (int i = 0; i < 6; i++) {
    char sql[100];
    snprintf(sql, sizeof sql, forms[i % 3], n * 10 + i);
    store_submit(s, sql);
  }
  store_settle(s);
  int acknowledged = 6 - (s->failed - failed);
  char sql[100];
  snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d)", n * 10 + 9);
  code = store_step(s, RL_OP_BEGIN, NULL, &t);
  if (!code && (code = store_step(s, RL_OP_RUN, sql, &t))) store_step(s, RL_OP_ROLLBACK, NULL, &t);
  else if (!code) code = store_step(s, RL_OP_COMMIT, NULL, &t);
  return acknowledged + !code;
}

TEST(memory_that_is_refused_at_any_step_loses_nothing_that_was_acknowledged) {
  test_store *s = *state_;
  int expected = 0, refused = 0;
  lossy_disk_hook(arm);
  for (int i = 0; i < 240; i++) {
    atomic_store(&refuse_count, i % 2 ? 1 : 1000);
    int before = s->failed;
    atomic_store(&refuse_at, i / 2 + 1);
    expected += !store_run(s, "INSERT INTO t SELECT -1 - count(*) FROM t"); /* its sync arms */
    expected += write_without_memory(s, i);
    refused += s->failed > before;
    atomic_store(&refuse_at, 0);
    assert_int_equal(store_number(s, "SELECT count(*) FROM t"), expected);
  }
  lossy_disk_hook(NULL);
  print_message("%d of 240 rounds were refused memory\n", refused);
  assert_true(refused > 50);
  assert_int_equal(store_number(s, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
}

/* ---- two handles of one file ---------------------------------------------------------------------------------------------- */

TEST(handles_of_one_file_have_limits_of_their_own_for_waiting_only) {
  test_store *s = *state_;
  rl_store_options other = s->options;
  other.idle_timeout_ms = 7;
  other.busy_timeout_ms = 8;
  rl_database *handle = rl_sqlite_open(&s->loop, s->path, &other, &s->error);
  assert_non_null(handle);
  assert_int_equal(handle->idle_ms, 7);
  assert_int_equal(s->db->database.idle_ms, RL_STORE_IDLE_TIMEOUT_MS);
  assert_ptr_equal(handle->exclusive, s->db->database.exclusive);
  handle->ops->close(handle);
  other.queue = 9;
  assert_null(rl_sqlite_open(&s->loop, s->path, &other, &s->error));
  assert_non_null(strstr(s->error.message, "queue = 10000, not 9"));
}

/* ---- closing --------------------------------------------------------------------------------------------------------------- */

TEST(tables_whose_statistics_it_has_missed_are_analysed_when_it_is_closed) {
  test_store *s = *state_;
  static const char *const sql[] = {"CREATE TABLE u (a, b)", "CREATE INDEX ua ON u (a)", "CREATE INDEX ub ON u (b)"};
  for (int i = 0; i < 3; i++) assert_int_equal(store_run(s, sql[i]), 0);
  assert_int_equal(store_run(s,
                             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
                             "INSERT INTO u SELECT i, i % 3 FROM n"),
                   0);
  assert_int_equal(store_run(s, "UPDATE u SET b = 7 WHERE a = 5 AND b = 2"), 0);
  store_close(s);
  assert_int_equal(store_open(s), 0);
  assert_int_equal(store_number(s, "SELECT count(*) > 0 FROM sqlite_master WHERE name = 'sqlite_stat1'"), 1);
  int before = lossy_disk_syncs(LOSSY_LOG) + lossy_disk_syncs(LOSSY_DATABASE);
  store_close(s); /* nothing was written: nothing is done */
  assert_int_equal(lossy_disk_syncs(LOSSY_LOG) + lossy_disk_syncs(LOSSY_DATABASE), before);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, store_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(of_64_clients_a_dozen_and_more_share_each_sync),
      CASE(writes_are_made_in_the_order_in_which_they_came),
      CASE(one_that_is_committed_cannot_be_given_up_and_is_answered),
      CASE(writes_of_a_worker_that_is_gone_are_made),
      CASE(memory_that_is_refused_at_any_step_loses_nothing_that_was_acknowledged),
      CASE(handles_of_one_file_have_limits_of_their_own_for_waiting_only),
      CASE(tables_whose_statistics_it_has_missed_are_analysed_when_it_is_closed),
  };
  install_memory();
  lossy_disk_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
