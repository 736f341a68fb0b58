/* Sessions in a database: what every store does, in a file and in memory; and what waiting for a database adds. */
#include "bind/data/session_store.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "crypto/digest.h"
#include "data/sqlite/sqlite.h"
#include "support/fake_database.h"
#include "support/session.h"
#include "support/test.h"

static rl_loop loop;
static rl_database *db;
static char folder[32], path[64];
static bool in_memory;

static void on_op(rl_op *op) { *(int *)op->owner = 1 - op->error.code; }

/* Runs SQL to its end. */
static int run(int kind, const char *sql, rl_op **out) {
  int ended = 0;
  rl_op *op = rl_op_new(kind, 1);
  op->done = on_op;
  op->owner = &ended;
  rl_op_add(op, RL_SLICE(""), rl_slice_str(sql), NULL);
  rl_database_submit(db, op, false);
  while (!ended) uv_run(&loop.uv, UV_RUN_ONCE);
  if (out) *out = op;
  else rl_op_del(op);
  return 1 - ended;
}

static int64_t number(const char *sql) {
  rl_op *op;
  assert_int_equal(run(RL_OP_RUN, sql, &op), 0);
  rl_rows_cursor cursor = rl_rows_values(&op->rows);
  int64_t value = rl_rows_next(&cursor).integer;
  rl_op_del(op);
  return value;
}

static const char table[] =
    "CREATE TABLE rille_sessions (key BLOB PRIMARY KEY, data TEXT NOT NULL, created REAL NOT NULL, saved REAL NOT "
    "NULL, "
    "expires REAL NOT NULL, version INTEGER NOT NULL)";

static rl_session_store *open_store(void) {
  rl_sql_error error;
  strcpy(folder, "/tmp/rille-test-XXXXXX");
  if (!mkdtemp(folder) || rl_loop_init(&loop)) return NULL;
  session_loop = &loop;
  snprintf(path, sizeof path, "%s/test.db", folder);
  db = rl_sqlite_open(&loop, in_memory ? ":memory:" : path, &RL_STORE_OPTIONS_DEFAULT, &error);
  if (!db || run(RL_OP_RUN, table, NULL)) return NULL;
  return rl_session_database_new(&db);
}

static void close_store(rl_session_store *store) {
  store->del(store);
  if (db) db->ops->close(db);
  db = NULL;
  unlink(path);
  rmdir(folder);
  rl_loop_free(&loop);
}

/* ---- in a file ------------------------------------------------------------------------------------------------------------- */

static rl_session_store *store;
static rl_session session;
static rl_buf token;
static rl_session_rules rules;

static int setup(void **state) {
  (void)state;
  in_memory = false;
  store = open_store();
  rules = (rl_session_rules){
      .name = RL_SLICE("rille"), .now_ms = INT64_C(1700000000000), .max_age_ms = 10000, .lifetime_ms = 50000};
  rl_session_init(&session);
  rl_session_renew(&session, rules.now_ms);
  rl_buf_add_str(&session.data, "hello");
  rl_buf_init(&token, RL_BUF_NO_LIMIT);
  return store ? session_save(store, &rules, &session, &token) : -1;
}

static int teardown(void **state) {
  (void)state;
  close_store(store);
  rl_session_free(&session);
  rl_buf_free(&token);
  return 0;
}

TEST(a_load_is_answered_at_once) {
  UNUSED;
  rl_session_call call;
  rl_session_call_init(&call, &rules);
  assert_int_equal(store->load(store, &call, rl_buf_slice(&token)), 0);
  assert_slice(rl_buf_slice(&call.session.data), "hello");
  rl_session_call_free(&call);
}

TEST(whoever_reads_the_table_learns_no_id) {
  UNUSED;
  char sql[300], hex[65];
  for (int i = 0; i < RL_SESSION_ID; i++) snprintf(hex + 2 * i, 3, "%02x", session.id[i]);
  snprintf(sql, sizeof sql, "SELECT count(*) FROM rille_sessions WHERE key = x'%s' OR instr(data, '%.*s')", hex,
           RL_FMT(rl_buf_slice(&token)));
  assert_int_equal(number(sql), 0);
  assert_int_equal(number("SELECT length(key) FROM rille_sessions"), 32);
}

TEST(saves_take_expired_rows_along_once_a_minute) {
  UNUSED;
  rl_session other;
  rl_session_init(&other);
  rules.now_ms += 20000;
  rl_session_renew(&other, rules.now_ms);
  assert_int_equal(session_save(store, &rules, &other, &token), 0);
  assert_int_equal(number("SELECT count(*) FROM rille_sessions"),
                   2); /* the one before was saved less than a minute ago */
  rules.now_ms += 60000;
  rl_session_renew(&other, rules.now_ms);
  assert_int_equal(session_save(store, &rules, &other, &token), 0);
  assert_int_equal(number("SELECT count(*) FROM rille_sessions"), 1);
  rl_session_free(&other);
}

TEST(a_database_that_fails_says_why) {
  UNUSED;
  rl_session_call call;
  assert_int_equal(run(RL_OP_RUN, "DROP TABLE rille_sessions", NULL), 0);
  rl_session_call_init(&call, &rules);
  assert_int_equal(store->load(store, &call, rl_buf_slice(&token)), RL_ESQL);
  const rl_session_fault *fault = call.fault;
  assert_non_null(strstr(fault->error.message, "no such table"));
  rl_session_call_free(&call);
}

TEST(a_database_that_was_closed_says_so) {
  UNUSED;
  rl_session_call call;
  db->ops->close(db);
  db = NULL;
  rl_session_call_init(&call, &rules);
  assert_int_equal(store->load(store, &call, rl_buf_slice(&token)), RL_EINVALID);
  rl_session_call_free(&call);
}

/* ---- an engine that answers when the test says so ------------------------------------------------------------------------- */

static fake_database fake;
static rl_session_call call;
static int answers;

static void on_answer(rl_session_call *answered) {
  assert_ptr_equal(answered, &call);
  answers++;
}

static int setup_fake(void **state) {
  (void)state;
  answers = 0;
  if (rl_loop_init(&loop)) return -1;
  db = fake_database_open(&fake, &loop, 1);
  store = rl_session_database_new(&db);
  rules = (rl_session_rules){
      .name = RL_SLICE("rille"), .now_ms = INT64_C(1700000000000), .max_age_ms = 10000, .lifetime_ms = 50000};
  rl_session_call_init(&call, &rules);
  rl_session_renew(&call.session, rules.now_ms);
  call.done = on_answer;
  return store ? 0 : -1;
}

static int teardown_fake(void **state) {
  (void)state;
  rl_session_call_free(&call);
  while (fake_database_answer(&fake, RL_OK) >= 0) continue;
  store->del(store);
  return rl_loop_free(&loop);
}

TEST(nothing_is_sent_before_the_call_is_started) {
  UNUSED;
  assert_int_equal(store->save(store, &call), RL_SESSION_LATER);
  assert_string_equal(fake.log, "");
  assert_true(store->cancel(store, &call, false));
  assert_null(call.work);
}

static void save(void) {
  assert_int_equal(store->save(store, &call), RL_SESSION_LATER);
  store->start(store, &call);
  fake_database_answer(&fake, RL_OK);
}

static void check_saved(void) {
  assert_int_equal(answers, 1);
  assert_int_equal(call.code, 0);
  assert_null(call.fault);
  assert_null(call.work);
  assert_int_equal(call.session.version, 1);
}

/* It takes expired rows along, which is nothing to wait for. */
TEST(a_save_is_answered_before_its_sweep) {
  UNUSED;
  save();
  check_saved();
  assert_string_equal(fake.log, "run, run");
  fake_database_answer(&fake, RL_EBUSY);
  check_saved();
}

TEST(an_update_of_nothing_asks_whether_it_is_a_conflict) {
  UNUSED;
  call.session.version = 3;
  assert_int_equal(store->save(store, &call), RL_SESSION_LATER);
  store->start(store, &call);
  fake_database_answer(&fake, RL_OK); /* no row was changed */
  fake_database_answer(&fake, RL_OK); /* none is there */
  assert_int_equal(answers, 1);
  assert_int_equal(call.code, RL_ENOTFOUND);
  assert_int_equal(call.session.version, 3);
}

TEST(a_failure_of_any_step_is_the_answer) {
  UNUSED;
  assert_int_equal(store->save(store, &call), RL_SESSION_LATER);
  store->start(store, &call);
  fake_database_answer(&fake, RL_EBUSY);
  assert_int_equal(answers, 1);
  assert_int_equal(call.code, RL_EBUSY);
  assert_string_equal(((rl_session_fault *)call.fault)->error.message, "the server said no");
}

TEST(a_write_that_has_begun_is_waited_for_unless_the_caller_must_go) {
  UNUSED;
  assert_int_equal(store->save(store, &call), RL_SESSION_LATER);
  store->start(store, &call);
  rl_op *op = fake_database_take(&fake);
  assert_false(store->cancel(store, &call, false));
  assert_true(store->cancel(store, &call, true));
  rl_op_finish(op);
  fake_database_deliver(&fake);
  assert_int_equal(answers, 0);
}

TEST(one_that_has_not_begun_is_dropped) {
  UNUSED;
  assert_int_equal(store->revoke(store, &call), RL_SESSION_LATER);
  store->start(store, &call);
  assert_true(store->cancel(store, &call, false));
  assert_int_equal(fake_database_answer(&fake, RL_OK), -1);
  assert_int_equal(answers, 0);
}

TEST(a_database_that_is_closed_between_two_steps_ends_the_call) {
  UNUSED;
  call.session.version = 3; /* no row is changed: the next step asks why */
  assert_int_equal(store->save(store, &call), RL_SESSION_LATER);
  store->start(store, &call);
  db = NULL;
  fake_database_answer(&fake, RL_OK);
  assert_int_equal(answers, 1);
  assert_int_equal(call.code, RL_EINVALID);
}

TEST(a_database_that_is_closed_before_the_sweep_has_saved) {
  UNUSED;
  assert_int_equal(store->save(store, &call), RL_SESSION_LATER);
  store->start(store, &call);
  db = NULL;
  fake_database_answer(&fake, RL_OK);
  check_saved();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define FAKE(name) cmocka_unit_test_setup_teardown(name, setup_fake, teardown_fake)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_load_is_answered_at_once),
      CASE(whoever_reads_the_table_learns_no_id),
      CASE(saves_take_expired_rows_along_once_a_minute),
      CASE(a_database_that_fails_says_why),
      CASE(a_database_that_was_closed_says_so),
      FAKE(nothing_is_sent_before_the_call_is_started),
      FAKE(a_save_is_answered_before_its_sweep),
      FAKE(an_update_of_nothing_asks_whether_it_is_a_conflict),
      FAKE(a_failure_of_any_step_is_the_answer),
      FAKE(a_write_that_has_begun_is_waited_for_unless_the_caller_must_go),
      FAKE(one_that_has_not_begun_is_dropped),
      FAKE(a_database_that_is_closed_between_two_steps_ends_the_call),
      FAKE(a_database_that_is_closed_before_the_sweep_has_saved),
  };
  if (!rl_crypto_init()) return 1;
  session_suite = (session_suite_ops){.open = open_store, .close = close_store, .keeps = true};
  int failed = cmocka_run_group_tests(tests, NULL, NULL) + session_suite_run();
  in_memory = true;
  return failed + session_suite_run();
}
