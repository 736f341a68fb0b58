#include "base/json_keys.h"

#include "base/error.h"
#include "support/test.h"

static rl_buf keys;

static int setup(void **state) {
  (void)state;
  rl_buf_init(&keys, RL_BUF_NO_LIMIT);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_buf_free(&keys);
  return 0;
}

static void add(const char *name) { assert_int_equal(rl_json_keys_add(&keys, rl_slice_str(name)), RL_OK); }

TEST(keys_come_back_as_json_writes_them) {
  UNUSED;
  add("id");
  add("");
  add("a\"b\n");
  rl_slice all = rl_buf_slice(&keys), key = rl_json_keys_take(&all);
  assert_slice(key, ",\"id\":");
  assert_slice(rl_json_key_name(key), "id");
  key = rl_json_keys_take(&all);
  assert_slice(key, ",\"\":");
  assert_slice(rl_json_key_name(key), "");
  assert_slice(rl_json_keys_take(&all), ",\"a\\\"b\\n\":");
  assert_int_equal(all.len, 0);
}

TEST(a_name_that_is_not_utf8_leaves_them_as_they_were) {
  UNUSED;
  add("id");
  size_t before = keys.len;
  assert_int_equal(rl_json_keys_add(&keys, RL_SLICE("a\xff")), RL_EUTF8);
  assert_int_equal(keys.len, before);
  add("b");
  rl_slice all = rl_buf_slice(&keys);
  rl_json_keys_take(&all);
  assert_slice(rl_json_keys_take(&all), ",\"b\":");
}

TEST(a_key_that_comes_twice_is_found) {
  UNUSED;
  add("id");
  add("i");
  add("idx");
  assert_null(rl_json_keys_twice(rl_buf_slice(&keys)).data);
  add("i");
  assert_slice(rl_json_key_name(rl_json_keys_twice(rl_buf_slice(&keys))), "i");
}

TEST(keys_without_room_say_so) {
  UNUSED;
  rl_buf small;
  rl_buf_init(&small, 8);
  assert_int_equal(rl_json_keys_add(&small, RL_SLICE("a long name")), RL_ETOOBIG);
  assert_int_equal(small.len, 0);
  rl_buf_free(&small);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(keys_come_back_as_json_writes_them),
                                     CASE(a_name_that_is_not_utf8_leaves_them_as_they_were),
                                     CASE(a_key_that_comes_twice_is_found), CASE(keys_without_room_say_so)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
