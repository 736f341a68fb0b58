#include "data/row_json.h"

#include <math.h>

#include "base/error.h"
#include "base/json_keys.h"
#include "support/test.h"

static rl_buf keys, out;
static rl_sql_error error;

static int setup(void **state) {
  (void)state;
  rl_buf_init(&keys, RL_BUF_NO_LIMIT);
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  error = (rl_sql_error){0};
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_buf_free(&keys);
  rl_buf_free(&out);
  return 0;
}

static void add_key(const char *name) { assert_int_equal(rl_json_keys_add(&keys, rl_slice_str(name)), RL_OK); }

static int write_one(rl_value value) {
  rl_buf_clear(&out);
  return rl_row_json_add(&out, rl_buf_slice(&keys), &value, &error);
}

TEST(a_row_is_an_object_in_the_order_of_its_columns) {
  UNUSED;
  const rl_value row[] = {{.type = RL_VALUE_TEXT, .bytes = RL_SLICE("a\"b")},
                          {.type = RL_VALUE_NULL},
                          {.type = RL_VALUE_INTEGER, .integer = INT64_MIN},
                          {.type = RL_VALUE_REAL, .real = 5}};
  add_key("z"), add_key("b"), add_key("a\n"), add_key("c");
  assert_int_equal(rl_buf_add_char(&out, '['), 0);
  assert_int_equal(rl_row_json_add(&out, rl_buf_slice(&keys), row, &error), RL_OK);
  assert_slice(rl_buf_slice(&out), "[{\"z\":\"a\\\"b\",\"b\":null,\"a\\n\":-9223372036854775808,\"c\":5.0}");
}

TEST(a_row_without_columns_is_an_empty_object) {
  UNUSED;
  assert_int_equal(rl_row_json_add(&out, rl_buf_slice(&keys), NULL, &error), RL_OK);
  assert_slice(rl_buf_slice(&out), "{}");
}

TEST(what_json_cannot_hold_is_refused_by_its_column) {
  UNUSED;
  add_key("picture");
  assert_int_equal(write_one((rl_value){.type = RL_VALUE_BLOB, .bytes = RL_SLICE("x")}), RL_EINVALID);
  assert_non_null(strstr(error.message, "column 'picture' is a blob"));
  assert_non_null(strstr(error.message, "hex(picture) AS picture"));
  assert_int_equal(write_one((rl_value){.type = RL_VALUE_TEXT, .bytes = RL_SLICE("\xc3")}), RL_ESQL);
  assert_non_null(strstr(error.message, "column 'picture' is text that is not UTF-8"));
  assert_int_equal(write_one((rl_value){.type = RL_VALUE_REAL, .real = -INFINITY}), RL_ESQL);
  assert_non_null(strstr(error.message, "column 'picture' is infinite"));
  assert_int_equal(write_one((rl_value){.type = RL_VALUE_INTEGER, .integer = 7}), RL_OK);
  assert_slice(rl_buf_slice(&out), "{\"picture\":7}");
}

TEST(two_columns_of_one_name_are_refused) {
  UNUSED;
  add_key("id"), add_key("x");
  assert_int_equal(rl_row_keys_check(rl_buf_slice(&keys), &error), RL_OK);
  add_key("id");
  assert_int_equal(rl_row_keys_check(rl_buf_slice(&keys), &error), RL_EINVALID);
  assert_non_null(strstr(error.message, "two columns are named 'id'"));
}

TEST(a_buffer_that_is_full_is_out_of_memory) {
  UNUSED;
  add_key("id");
  for (size_t limit = 0; limit < strlen("{\"id\":1}"); limit++) {
    rl_buf small;
    rl_buf_init(&small, limit);
    rl_value one = {.type = RL_VALUE_INTEGER, .integer = 1};
    assert_int_equal(rl_row_json_add(&small, rl_buf_slice(&keys), &one, &error), RL_ENOMEM);
    rl_buf_free(&small);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_row_is_an_object_in_the_order_of_its_columns), CASE(a_row_without_columns_is_an_empty_object),
      CASE(what_json_cannot_hold_is_refused_by_its_column), CASE(two_columns_of_one_name_are_refused),
      CASE(a_buffer_that_is_full_is_out_of_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
