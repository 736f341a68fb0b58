#include "base/tempfile.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/test.h"

static char folder[64], path[96];

static int setup(void **state) {
  (void)state;
  strcpy(folder, "/tmp/rille-test-XXXXXX");
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/file", folder);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  unlink(path);
  return rmdir(folder); /* fails if a file is left */
}

static int entries(void) {
  int count = 0;
  DIR *dir = opendir(folder);
  while (readdir(dir)) count++;
  closedir(dir);
  return count - 2;
}

TEST(a_file_without_a_name_holds_bytes_and_leaves_nothing) {
  UNUSED;
  char out[8];
  setenv("TMPDIR", folder, 1);
  int fd = rl_tempfile_open();
  unsetenv("TMPDIR");
  assert_true(fd >= 0);
  assert_int_equal(entries(), 0);
  assert_int_equal(rl_write_all(fd, RL_SLICE("hello")), 0);
  assert_int_equal(rl_write_all(fd, RL_SLICE("!")), 0);
  assert_int_equal(rl_read_at(fd, 0, out, sizeof out), 6);
  assert_memory_equal(out, "hello!", 6);
  assert_int_equal(rl_read_at(fd, 4, out, 1), 1);
  assert_int_equal(out[0], 'o');
  assert_int_equal(rl_read_at(fd, 6, out, sizeof out), 0);
  close(fd);
}

TEST(a_folder_that_is_not_there_is_passed_over) {
  UNUSED;
  setenv("TMPDIR", "/nowhere/at/all", 1);
  int fd = rl_tempfile_open();
  unsetenv("TMPDIR");
  assert_true(fd >= 0);
  close(fd);
}

TEST(a_committed_file_is_there_whole_and_replaces_another) {
  UNUSED;
  char *name, out[8];
  struct stat info;
  mode_t before = umask(022);
  for (int round = 0; round < 2; round++) {
    int fd = rl_tempfile_open_beside(path, 0666, &name);
    assert_true(fd >= 0);
    rl_write_all(fd, round ? RL_SLICE("second") : RL_SLICE("first"));
    assert_int_equal(entries(), round + 1);
    assert_int_equal(rl_tempfile_commit(fd, name, path), 0);
    close(fd);
    rl_free(name);
  }
  umask(before);
  assert_int_equal(entries(), 1);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0644);
  int fd = open(path, O_RDONLY);
  assert_int_equal(read(fd, out, sizeof out), 6);
  close(fd);
}

TEST(a_file_for_few_can_be_opened_by_nobody_else_from_the_first_moment_on) {
  UNUSED;
  char *name;
  struct stat info;
  mode_t before = umask(0);
  int fd = rl_tempfile_open_beside(path, 0600, &name);
  umask(before);
  assert_true(fd >= 0);
  assert_int_equal(fstat(fd, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  unlink(name);
  close(fd);
  rl_free(name);
}

TEST(what_cannot_be_opened_says_why) {
  UNUSED;
  char *name;
  assert_int_equal(rl_tempfile_open_beside("/nowhere/at/all", 0666, &name), RL_ENOTFOUND);
  assert_null(name);
}

TEST(a_disk_that_is_full_is_told) {
  UNUSED;
  int fd = open("/dev/full", O_WRONLY);
  if (fd < 0) skip();
  assert_int_equal(rl_write_all(fd, RL_SLICE("hello")), RL_EFULL);
  close(fd);
}

int main(void) {
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      EACH(a_file_without_a_name_holds_bytes_and_leaves_nothing),
      EACH(a_folder_that_is_not_there_is_passed_over),
      EACH(a_committed_file_is_there_whole_and_replaces_another),
      EACH(a_file_for_few_can_be_opened_by_nobody_else_from_the_first_moment_on),
      EACH(what_cannot_be_opened_says_why),
      EACH(a_disk_that_is_full_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
