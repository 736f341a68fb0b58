#include "base/alloc.h"

#include <pthread.h>

#include "support/test.h"

TEST(fails_once_where_it_was_told_to) {
  UNUSED;
  rl_alloc_fail_at(2, false);
  void *first = rl_alloc(1), *second = rl_alloc(1), *third = rl_calloc(1, 1);
  assert_int_equal(rl_alloc_fail_at(0, false), 3);
  assert_non_null(first);
  assert_null(second);
  assert_non_null(third);
  rl_free(first);
  rl_free(third);
}

TEST(fails_for_ever_from_there) {
  UNUSED;
  char *kept = rl_alloc(4);
  memcpy(kept, "kept", 4);
  rl_alloc_fail_at(1, true);
  void *block = rl_alloc(1), *zeroed = rl_calloc(1, 1), *moved = rl_realloc(kept, 100), *copy = rl_strndup("a", 1);
  rl_alloc_fail_at(0, false);
  assert_null(block);
  assert_null(zeroed);
  assert_null(moved);
  assert_null(copy);
  assert_memory_equal(kept, "kept", 4); /* a block that could not grow is still the caller's */
  rl_free(kept);
}

TEST(what_a_worker_needs_to_start_never_fails) {
  UNUSED;
  rl_alloc_fail_at(1, true);
  char *block = rl_must_alloc(16), *text = rl_must_strdup("text");
  rl_alloc_fail_at(0, false);
  for (int i = 0; i < 16; i++) assert_int_equal(block[i], 0);
  assert_string_equal(text, "text");
  rl_free(block);
  rl_free(text);
}

TEST(nothing_is_still_a_block) {
  UNUSED;
  void *block = rl_alloc(0), *zeroed = rl_calloc(0, 8);
  char *empty = rl_strndup(NULL, 0);
  assert_non_null(block);
  assert_non_null(zeroed);
  assert_string_equal(empty, "");
  rl_free(block);
  rl_free(zeroed);
  rl_free(empty);
}

static void *allocate(void *ud) {
  (void)ud;
  return rl_alloc(1);
}

TEST(a_fault_is_of_one_thread) {
  UNUSED;
  pthread_t thread;
  void *block = NULL;
  rl_alloc_fail_at(1, true);
  pthread_create(&thread, NULL, allocate, NULL);
  pthread_join(thread, &block);
  rl_alloc_fail_at(0, false);
  assert_non_null(block);
  rl_free(block);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(fails_once_where_it_was_told_to),
      RUN(fails_for_ever_from_there),
      RUN(what_a_worker_needs_to_start_never_fails),
      RUN(nothing_is_still_a_block),
      RUN(a_fault_is_of_one_thread),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
