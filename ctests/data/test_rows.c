#include "data/rows.h"

#include "base/error.h"
#include "support/test.h"

static rl_rows rows;

static int setup(void **state) {
  (void)state;
  rl_rows_init(&rows);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_rows_free(&rows);
  return 0;
}

TEST(what_is_packed_comes_back) {
  UNUSED;
  const rl_value values[] = {{.type = RL_VALUE_NULL},
                             {.type = RL_VALUE_INTEGER, .integer = INT64_MIN},
                             {.type = RL_VALUE_REAL, .real = -0.0},
                             {.type = RL_VALUE_TEXT, .bytes = RL_SLICE("")},
                             {.type = RL_VALUE_BLOB, .bytes = RL_SLICE("\0\xff")}};
  enum { COUNT = sizeof values / sizeof *values };
  for (int i = 0; i < COUNT; i++) assert_int_equal(rl_rows_add(&rows, &values[i]), 0);
  rl_rows_cursor cursor = rl_rows_values(&rows);
  for (int i = 0; i < COUNT; i++) {
    rl_value got = rl_rows_next(&cursor);
    assert_int_equal(got.type, values[i].type);
    if (rl_value_has_bytes(&got)) assert_true(rl_slice_eq(got.bytes, values[i].bytes));
    else if (got.type != RL_VALUE_NULL) assert_true(got.integer == values[i].integer);
  }
  assert_ptr_equal(cursor.at, cursor.end);
}

TEST(names_come_back_in_their_order) {
  UNUSED;
  assert_int_equal(rl_rows_add_name(&rows, RL_SLICE("id")), 0);
  assert_int_equal(rl_rows_add_name(&rows, RL_SLICE("")), 0);
  assert_int_equal(rows.columns, 2);
  rl_rows_cursor cursor = rl_rows_names(&rows);
  assert_slice(rl_rows_next_name(&cursor), "id");
  assert_slice(rl_rows_next_name(&cursor), "");
  assert_ptr_equal(cursor.at, cursor.end);
}

TEST(freed_rows_take_others) {
  UNUSED;
  rl_rows_add_name(&rows, RL_SLICE("id"));
  rows.count = 1;
  rl_rows_free(&rows);
  assert_int_equal(rows.columns, 0);
  assert_int_equal(rows.count, 0);
  assert_int_equal(rl_rows_add_name(&rows, RL_SLICE("id")), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(what_is_packed_comes_back), CASE(names_come_back_in_their_order),
                                     CASE(freed_rows_take_others)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
