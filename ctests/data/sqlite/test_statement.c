#include "data/sqlite/statement.h"

#include "base/error.h"
#include "support/test.h"

static rl_connection connection;
static rl_sql_error error;

static int setup(void **state) {
  (void)state;
  error = (rl_sql_error){0};
  return rl_connection_open(&connection, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &error);
}

static int teardown(void **state) {
  (void)state;
  rl_connection_close(&connection);
  return 0;
}

static rl_statement *get(const char *sql) {
  rl_statement *s = rl_statement_get(&connection, rl_slice_str(sql), &error);
  assert_non_null(s);
  return s;
}

/* As SQLite's functions of a column answer. */
static void check_value(rl_statement *s, int column, const rl_value *value) {
  switch (sqlite3_column_type(s->stmt, column)) {
    case SQLITE_INTEGER:
      assert_int_equal(value->type, RL_VALUE_INTEGER);
      assert_int_equal(value->integer, sqlite3_column_int64(s->stmt, column));
      break;
    case SQLITE_FLOAT:
      assert_int_equal(value->type, RL_VALUE_REAL);
      assert_true(value->real == sqlite3_column_double(s->stmt, column));
      break;
    case SQLITE_NULL: assert_int_equal(value->type, RL_VALUE_NULL); break;
    default:
      assert_int_equal(value->type,
                       sqlite3_column_type(s->stmt, column) == SQLITE_TEXT ? RL_VALUE_TEXT : RL_VALUE_BLOB);
      assert_int_equal(value->bytes.len, sqlite3_column_bytes(s->stmt, column));
      assert_memory_equal(value->bytes.data, sqlite3_column_blob(s->stmt, column), value->bytes.len);
  }
}

/* Returns how many rows there were. */
static int check_rows(const char *sql, int columns) {
  rl_statement *s = get(sql);
  int rows = 0, code, count;
  for (; (code = rl_statement_step(&connection, s, &error)) == 1; rows++) {
    const rl_value *row = rl_statement_row(s, &count);
    assert_non_null(row);
    assert_int_equal(count, columns);
    assert_true(s->value_size > 0); /* what is read without asking is compared here */
    for (int i = 0; i < count; i++) check_value(s, i, &row[i]);
  }
  assert_int_equal(code, 0);
  rl_statement_end(&connection, s);
  return rows;
}

#define NUMBERS "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) "

TEST(values_that_stand_side_by_side_are_those_of_each_column) {
  UNUSED;
  for (int again = 0; again < 2; again++) {
    assert_int_equal(check_rows(NUMBERS "SELECT i FROM n", 1), 50);
    assert_int_equal(check_rows(NUMBERS "SELECT i, 'text ' || i FROM n", 2), 50);
    assert_int_equal(
        check_rows(NUMBERS "SELECT i, iif(i % 2, i / 3.0, 'a'), iif(i % 3, NULL, x'00ff'), '', x'', i << 40 FROM n", 6),
        50);
    /* rows from several places of one program */
    assert_int_equal(
        check_rows("SELECT 1, 'a', NULL UNION ALL SELECT 'b', 2.5, x'01' UNION ALL VALUES (7, 8, 9), (1, 2, 3)", 3), 4);
    assert_int_equal(check_rows(NUMBERS "SELECT i, 'x' || i, -i FROM n ORDER BY i % 7, i DESC", 3), 50);
    assert_int_equal(check_rows(NUMBERS "SELECT max(i), i % 5, group_concat(i) FROM n GROUP BY i % 5", 3), 5);
    assert_int_equal(check_rows("PRAGMA table_xinfo(sqlite_schema)", 7), 5);
  }
}

TEST(a_statement_that_gets_more_columns_is_measured_again) {
  UNUSED;
  assert_int_equal(
      rl_connection_run(&connection, "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x'), (2, 'y')", &error), 0);
  assert_int_equal(check_rows("SELECT * FROM t", 2), 2);
  assert_int_equal(rl_connection_run(&connection, "ALTER TABLE t ADD c DEFAULT 'z'", &error), 0);
  assert_int_equal(check_rows("SELECT * FROM t", 3), 2);
  assert_int_equal(rl_connection_run(&connection, "ALTER TABLE t DROP a", &error), 0);
  assert_int_equal(check_rows("SELECT * FROM t", 2), 2);
}

TEST(values_that_stand_elsewhere_are_asked_for_one_by_one) {
  UNUSED;
  rl_statement *s = get("SELECT 1, 'two', 3.5 UNION ALL SELECT 4, 'five', 6.5");
  int count;
  assert_int_equal(rl_statement_step(&connection, s, &error), 1);
  assert_non_null(rl_statement_row(s, &count));
  s->value_size = 0; /* as if SQLite had them elsewhere */
  assert_int_equal(rl_statement_step(&connection, s, &error), 1);
  const rl_value *row = rl_statement_row(s, &count);
  for (int i = 0; i < 3; i++) check_value(s, i, &row[i]);
  assert_slice(row[1].bytes, "five");
  rl_statement_end(&connection, s);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(values_that_stand_side_by_side_are_those_of_each_column),
                                     CASE(a_statement_that_gets_more_columns_is_measured_again),
                                     CASE(values_that_stand_elsewhere_are_asked_for_one_by_one)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
