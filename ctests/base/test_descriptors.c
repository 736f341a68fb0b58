#include "base/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/os_error.h"
#include "support/test.h"

/* Runs `check` in a process with these limits. Returns the line that was wrong, or 0. */
static void in_process(rlim_t soft, rlim_t hard, int (*check)(void)) {
  pid_t child = fork();
  if (child == 0) {
    struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
    _exit(setrlimit(RLIMIT_NOFILE, &limit) ? 255 : check());
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

#define WRONG_IF(condition) \
  if (condition) return __LINE__ & 0x7F ? __LINE__ & 0x7F : 1

static int take(void) { return open("/dev/null", O_RDONLY); }

static int raises(void) {
  rl_descriptors_raise();
  WRONG_IF(rl_descriptors_limit() != 80);
  return 0;
}

TEST(the_soft_limit_becomes_the_hard_one) {
  UNUSED;
  in_process(40, 80, raises);
}

static int reserves(void) {
  WRONG_IF(rl_descriptor_is_spare(99)); /* nobody has asked for a reserve */
  unsigned allowed = rl_descriptors_reserve(2), taken = 0;
  WRONG_IF(!rl_descriptors_have_room());
  for (int fd = 0; !rl_descriptor_is_spare(fd); taken++) {
    fd = take();
    WRONG_IF(fd < 0);
  }
  WRONG_IF(rl_descriptors_have_room());
  WRONG_IF(taken < allowed || taken > allowed + 1); /* the last one has taken from the reserve */
  for (unsigned i = 0; i < RL_LIMIT_DESCRIPTORS_SPARE; i++) WRONG_IF(take() < 0);
  return 0;
}

TEST(a_reserve_stays_for_files) {
  UNUSED;
  in_process(100, 100, reserves);
}

static int reserves_little(void) {
  unsigned allowed = rl_descriptors_reserve(1);
  WRONG_IF(allowed < 1 || allowed > 10);
  WRONG_IF(!rl_descriptors_have_room());
  return 0;
}

TEST(of_a_few_descriptors_half_are_left_to_connections) {
  UNUSED;
  in_process(20, 20, reserves_little);
}

static char last[1024];
static unsigned lines;
static void on_line(void *ud, rl_log_level level, rl_slice line) {
  (void)ud, (void)level;
  snprintf(last, sizeof last, "%.*s", RL_FMT(line));
  lines++;
}

static int says(void) {
  rl_log_capture(on_line, NULL);
  WRONG_IF(rl_descriptors_check() != RL_OK);
  while (take() >= 0) {
  }
  for (int i = 0; i < 100; i++) WRONG_IF(rl_descriptors_check() != RL_ENOFILES);
  WRONG_IF(rl_error_from_errno(EMFILE) != RL_ENOFILES);
  WRONG_IF(lines < 1 || lines > 3); /* once a second */
  WRONG_IF(!strstr(last, "out of file descriptors") || !strstr(last, "limit=60"));
  return 0;
}

TEST(having_none_is_told_and_logged_seldom) {
  UNUSED;
  in_process(60, 60, says);
}

TEST(other_errors_are_no_matter) {
  UNUSED;
  assert_int_equal(rl_descriptors_check_errno(ENOENT), RL_OK);
  assert_int_equal(rl_descriptors_check_errno(0), RL_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(the_soft_limit_becomes_the_hard_one),
      RUN(a_reserve_stays_for_files),
      RUN(of_a_few_descriptors_half_are_left_to_connections),
      RUN(having_none_is_told_and_logged_seldom),
      RUN(other_errors_are_no_matter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
