#include "base/machine.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "support/test.h"

static char folder[64];

static int setup(void **state) {
  (void)state;
  strcpy(folder, "/tmp/rille-test-XXXXXX");
  return mkdtemp(folder) ? 0 : 1;
}

static int teardown(void **state) {
  (void)state;
  return rmdir(folder); /* fails if a file is left */
}

TEST(flushes_are_timed_one_by_one_and_leave_no_file) {
  UNUSED;
  uint64_t ns[4] = {0};
  int count = rl_machine_time_flushes(folder, 4, 60000, ns);
  assert_int_equal(count, 4);
  for (int i = 0; i < count; i++) assert_true(ns[i] > 0);
}

TEST(no_flush_is_begun_after_the_budget) {
  UNUSED;
  uint64_t ns[4];
  assert_int_equal(rl_machine_time_flushes(folder, 4, 0, ns), 0);
}

TEST(a_folder_that_is_none_is_an_error) {
  UNUSED;
  uint64_t ns[1];
  rl_machine_space space;
  assert_true(rl_machine_time_flushes("/nonexistent/folder", 1, 1000, ns) < 0);
  assert_true(rl_machine_time_flushes("/proc", 1, 1000, ns) < 0); /* nothing can be made there */
  assert_true(rl_machine_space_of("/nonexistent/folder", &space) < 0);
}

TEST(a_disk_has_room_within_its_size) {
  UNUSED;
  rl_machine_space space;
  assert_int_equal(rl_machine_space_of(folder, &space), 0);
  assert_true(space.total > 0 && space.free <= space.total);
  assert_false(space.read_only);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(flushes_are_timed_one_by_one_and_leave_no_file, setup, teardown),
      cmocka_unit_test_setup_teardown(no_flush_is_begun_after_the_budget, setup, teardown),
      cmocka_unit_test_setup_teardown(a_folder_that_is_none_is_an_error, setup, teardown),
      cmocka_unit_test_setup_teardown(a_disk_has_room_within_its_size, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
