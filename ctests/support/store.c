/* A database for tests; see store.h. */
#include "support/store.h"

#include <stdlib.h>
#include <unistd.h>

#include "support/test.h"

static test_store the;

int store_open(test_store *s) {
  s->db = (rl_sqlite *)rl_sqlite_open(&s->loop, s->path, &s->options, &s->error);
  return s->db ? 0 : s->error.code;
}

void store_close(test_store *s) {
  if (s->db) s->db->database.ops->close(&s->db->database);
  s->db = NULL;
}

static void remove_file(const test_store *s, const char *suffix) {
  char name[80];
  snprintf(name, sizeof name, "%s%s", s->path, suffix);
  unlink(name);
}

void store_forget_index(const test_store *s) { remove_file(s, "-shm"); }

int store_setup(void **state) {
  the = (test_store){.options = RL_STORE_OPTIONS_DEFAULT, .folder = "/tmp/rille-test-XXXXXX"};
  *state = &the;
  if (!mkdtemp(the.folder) || rl_loop_init(&the.loop)) return -1;
  snprintf(the.path, sizeof the.path, "%s/test.db", the.folder);
  return store_open(&the) || store_run(&the, "CREATE TABLE t (a INTEGER UNIQUE)") ? -1 : 0;
}

int store_teardown(void **state) {
  test_store *s = *state;
  store_settle(s);
  store_close(s);
  for (int i = 0; i < 3; i++) remove_file(s, (const char *const[]){"", "-wal", "-shm"}[i]);
  rmdir(s->folder);
  return rl_loop_free(&s->loop);
}

static void done(rl_op *op) {
  test_store *s = op->owner;
  s->ended++;
  if (op->error.code) s->failed++, s->error = op->error;
  rl_op_del(op);
}

static rl_op *new_op(test_store *s, int kind, const char *sql) {
  rl_op *op = rl_op_new(kind, 1);
  assert_non_null(op);
  op->owner = s;
  op->done = done;
  if (sql) assert_int_equal(rl_op_add(op, RL_SLICE(""), rl_slice_str(sql), NULL), 0);
  s->sent++;
  return op;
}

void store_settle(test_store *s) {
  while (s->ended < s->sent) uv_run(&s->loop.uv, UV_RUN_ONCE);
}

static int wait_for(test_store *s) {
  int failed = s->failed;
  store_settle(s);
  return s->failed > failed ? s->error.code : 0;
}

rl_op *store_submit(test_store *s, const char *sql) {
  rl_op *op = new_op(s, RL_OP_RUN, sql);
  rl_database_submit(&s->db->database, op, false);
  return op;
}

int store_run(test_store *s, const char *sql) {
  store_settle(s);
  store_submit(s, sql);
  return wait_for(s);
}

int store_step(test_store *s, int kind, const char *sql, uint64_t *transaction) {
  rl_op *op = new_op(s, kind, sql);
  op->transaction = *transaction;
  if (kind == RL_OP_BEGIN) rl_database_begin(&s->db->database, op), *transaction = op->transaction;
  else if (kind == RL_OP_COMMIT || kind == RL_OP_ROLLBACK) rl_database_end(&s->db->database, op);
  else rl_database_submit(&s->db->database, op, false);
  return wait_for(s);
}

static void keep_number(rl_op *op) {
  int64_t *number = op->owner;
  if (op->error.code) fail_msg("%s", op->error.message);
  rl_rows_cursor cursor = rl_rows_values(&op->rows);
  *number = op->rows.count ? rl_rows_next(&cursor).integer : -1;
  rl_op_del(op);
}

int64_t store_number(test_store *s, const char *sql) {
  int64_t number = INT64_MIN;
  rl_op *op = new_op(s, RL_OP_RUN, sql);
  s->sent--;
  op->owner = &number;
  op->done = keep_number;
  rl_database_submit(&s->db->database, op, true);
  while (number == INT64_MIN) uv_run(&s->loop.uv, UV_RUN_ONCE);
  return number;
}
