/* What SQLite's errors say: codes by name, SQLSTATE, constraints, places. */
#include "data/sqlite/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/error.h"
#include "base/utf8.h"
#include "data/sqlite/code.h"
#include "support/test.h"

static rl_sql_error error;

static void assert_code(int code, const char *message, const char *name, const char *state) {
  assert_string_equal(rl_sqlite_code_name(code), name);
  assert_string_equal(rl_sqlite_code_state(code, message), state);
}

TEST(codes_have_names_and_states) {
  UNUSED;
  assert_code(SQLITE_BUSY, "", "SQLITE_BUSY", "55P03");
  assert_code(SQLITE_BUSY_SNAPSHOT, "", "SQLITE_BUSY_SNAPSHOT", "40001");
  assert_code(SQLITE_FULL, "", "SQLITE_FULL", "53100");
  assert_code(SQLITE_IOERR_FSYNC, "", "SQLITE_IOERR_FSYNC", "58030");
  assert_code(SQLITE_READONLY_DBMOVED, "", "SQLITE_READONLY_DBMOVED", "25006");
  assert_code(SQLITE_CORRUPT_INDEX, "", "SQLITE_CORRUPT_INDEX", "XX001");
  assert_code(SQLITE_CONSTRAINT_VTAB, "", "SQLITE_CONSTRAINT_VTAB", "23000");
  assert_code(SQLITE_IOERR | (200 << 8), "", "SQLITE_IOERR", "58030"); /* newer than these */
  assert_code(SQLITE_ERROR, "no such table: x", "SQLITE_ERROR", "42P01");
  assert_code(SQLITE_ERROR, "table x already exists", "SQLITE_ERROR", "42P07");
  assert_code(SQLITE_ERROR, "something else", "SQLITE_ERROR", "42000");
  assert_null(rl_sqlite_code_name(0));
  assert_null(rl_sqlite_code_name(SQLITE_ROW));
  assert_null(rl_sqlite_code_name(99));
}

/* Nothing else may have five characters, and nothing may be missing. */
TEST(every_code_has_a_state) {
  UNUSED;
  for (int code = 1; code < 0x2000; code++) assert_int_equal(strlen(rl_sqlite_code_state(code, "")), 5);
}

static void assert_constraint(int extended, const char *message, const char *wanted) {
  rl_sql_refused(&error, RL_ESQL, "%s", message);
  rl_sqlite_set_extended(&error, extended);
  assert_slice(rl_sql_error_constraint(&error), wanted);
}

TEST(constraints_by_name) {
  UNUSED;
  assert_constraint(SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: t.a, t.b", "t.a, t.b");
  assert_constraint(SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: index 'by ''x'", "by ''x");
  assert_constraint(SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: index '", "index '");
  assert_constraint(SQLITE_CONSTRAINT_CHECK, "CHECK constraint failed: a > 1", "a > 1");
  assert_constraint(SQLITE_CONSTRAINT_FOREIGNKEY, "FOREIGN KEY constraint failed", "");
  assert_constraint(SQLITE_CONSTRAINT_TRIGGER, "CHECK constraint failed: what a trigger says", "");
  assert_constraint(SQLITE_ERROR, "UNIQUE constraint failed: t.a", "");
  char message[600];
  snprintf(message, sizeof message, "UNIQUE constraint failed: %0550d", 0);
  assert_constraint(SQLITE_CONSTRAINT_UNIQUE, message, ""); /* half a name is none */
}

TEST(a_message_that_is_cut_ends_with_a_whole_character) {
  UNUSED;
  char message[600];
  for (int lead = 0; lead < 8; lead++) {
    snprintf(message, sizeof message, "%.*s", lead, "xxxxxxxx");
    while (strlen(message) < 560) strcat(message, "\xF0\x9F\x8D\xB0\xE2\x82\xAC\xC3\xA9");
    rl_sql_refused(&error, RL_ESQL, "%s", message);
    assert_true(rl_utf8_valid(rl_slice_str(error.message)));
    assert_true(strlen(error.message) > 507);
  }
}

static int located(const char *message, int offset, const char *sql) {
  rl_sql_refused(&error, RL_ESQL, "%s", message);
  rl_sqlite_set_extended(&error, SQLITE_ERROR);
  error.offset = offset;
  rl_sqlite_locate(&error, rl_slice_str(sql));
  return error.offset;
}

TEST(places) {
  UNUSED;
  assert_int_equal(located("no such column: a.b", 7, "SELECT a.b FROM a"), 7);
  assert_int_equal(located("no such column: b", 9, "SELECT x, b"), 10);             /* another text's */
  assert_int_equal(located("no such column: b", 900, "SELECT x, b; SELECT b"), 10); /* … longer than this one */
  assert_int_equal(located("near \"b\": syntax error", 900, "SELECT x, b"), -1);
  assert_int_equal(located("no such column: b", -1, "SELECT 'b' AS x, :b -- b\n"), -1); /* nowhere */
  assert_int_equal(located("no such column: b", -1, "SELECT b, b"), -1);                /* which? */
  assert_int_equal(located("no such table: main.b", -1, "INSERT INTO `b` VALUES (1)"), 12);
  assert_int_equal(located("incomplete input", -1, "SELECT \n "), 6);
  assert_int_equal(located("no such table: ", -1, "SELECT 1"), -1);
}

/* A buffer of exactly that size: the sanitizer sees a byte too many. */
TEST(nothing_after_the_end_is_read) {
  UNUSED;
  static const char text[] = "SELECT a.b, [c], \"d\", 'e' FROM b -- x\n/* y */; SELECT 1";
  for (size_t len = 0; len < sizeof text; len++) {
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    for (int offset = -1; offset < (int)len + 2; offset++) {
      rl_sql_refused(&error, RL_ESQL, "no such column: b");
      rl_sqlite_set_extended(&error, SQLITE_ERROR);
      error.offset = offset;
      rl_sqlite_locate(&error, rl_slice_of(copy, len));
      assert_true(error.offset < (int)len);
    }
    free(copy);
  }
}

TEST(a_wait_is_told) {
  UNUSED;
  rl_sql_refused(&error, RL_EBUSY, "database is locked");
  rl_sqlite_add_wait(&error, NULL, uv_hrtime() - UINT64_C(2000000000));
  assert_string_equal(error.message, "database is locked, waited 2.0 s");
  rl_sql_refused(&error, RL_EBUSY, "database is locked");
  rl_sqlite_add_wait(&error, NULL, 0);
  assert_string_equal(error.message, "database is locked");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(codes_have_names_and_states),
      RUN(every_code_has_a_state),
      RUN(constraints_by_name),
      RUN(a_message_that_is_cut_ends_with_a_whole_character),
      RUN(places),
      RUN(nothing_after_the_end_is_read),
      RUN(a_wait_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
