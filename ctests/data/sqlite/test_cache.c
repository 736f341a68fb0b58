/* Prepared statements by their text, wherever the text lies. */
#include "data/sqlite/cache.h"

#include "base/error.h"
#include "base/limits.h"
#include "data/sqlite/statement.h"
#include "support/test.h"

static rl_connection connection;
static rl_sql_error error;

static int setup(void **state) {
  (void)state;
  return rl_connection_open(&connection, ":memory:", SQLITE_OPEN_READWRITE, &error);
}

static int teardown(void **state) {
  (void)state;
  rl_connection_close(&connection);
  return 0;
}

/* Returns the statement of a text, given back already. */
static rl_statement *prepared(const char *sql) {
  rl_statement *s = rl_statement_get(&connection, rl_slice_str(sql), &error);
  assert_non_null(s);
  assert_slice(rl_slice_of(s->sql, s->sql_len), sql);
  rl_statement_end(&connection, s);
  return s;
}

TEST(one_text_is_one_statement_at_whatever_address) {
  UNUSED;
  char here[] = "SELECT 1", there[] = "SELECT 1";
  rl_statement *s = prepared(here);
  assert_ptr_equal(prepared(here), s);
  assert_ptr_equal(prepared(there), s);
  assert_ptr_equal(prepared(here), s);
  assert_int_equal(connection.cache.count, 1);
}

/* A string was collected, and another one has taken its place. */
TEST(another_text_at_the_same_address_is_another_statement) {
  UNUSED;
  char sql[] = "SELECT 1";
  rl_statement *one = prepared(sql);
  strcpy(sql, "SELECT 2");
  rl_statement *two = prepared(sql);
  assert_ptr_not_equal(one, two);
  strcpy(sql, "SELECT 1");
  assert_ptr_equal(prepared(sql), one);
}

TEST(one_that_is_in_use_is_not_found) {
  UNUSED;
  static const char sql[] = "SELECT 1";
  prepared(sql);
  rl_statement *one = rl_statement_get(&connection, rl_slice_str(sql), &error);
  rl_statement *two = rl_statement_get(&connection, rl_slice_str(sql), &error);
  assert_ptr_not_equal(one, two);
  rl_statement_end(&connection, one);
  rl_statement_end(&connection, two);
}

TEST(one_that_is_forgotten_is_found_by_nothing) {
  UNUSED;
  static const char sql[] = "SELECT 1";
  rl_statement_cache_forget(&connection.cache, prepared(sql));
  assert_null(rl_statement_cache_find(&connection.cache, rl_slice_str(sql)));
  prepared(sql);
  for (unsigned i = 0; i < 2 * RL_LIMIT_STATEMENTS; i++) {
    char other[32];
    snprintf(other, sizeof other, "SELECT %u + 1", i);
    prepared(other);
  }
  assert_null(rl_statement_cache_find(&connection.cache, rl_slice_str(sql)));
  assert_int_equal(connection.cache.count, RL_LIMIT_STATEMENTS);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(one_text_is_one_statement_at_whatever_address),
      CASE(another_text_at_the_same_address_is_another_statement),
      CASE(one_that_is_in_use_is_not_found),
      CASE(one_that_is_forgotten_is_found_by_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
