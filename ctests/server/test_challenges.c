/* runtime/server/challenges.c: a token finds its answer, and leads nowhere else. */
#include "server/challenges.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/tempfile.h"
#include "support/test.h"

static char folder[] = "/tmp/rille-challenges-XXXXXX";

static void put(const char *name, const char *text) {
  char path[200];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(rl_write_all(fd, rl_slice_str(text)), 0);
  close(fd);
}

static int set_up(void **state) {
  (void)state;
  char path[200];
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/challenges", folder);
  if (mkdir(path, 0700)) return -1;
  put("secret", "not to be read");
  put("challenges/a_token-1", "a_token-1.thumbprint");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  static const char *const names[] = {"challenges/a_token-1", "challenges/link", "challenges", "secret", ""};
  char path[200];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    remove(path);
  }
  return 0;
}

TEST(a_token_finds_its_answer) {
  UNUSED;
  rl_buf out;
  rl_buf_init(&out, 2048);
  assert_int_equal(rl_challenges_find(folder, RL_SLICE("a_token-1"), &out), 0);
  assert_slice(rl_buf_slice(&out), "a_token-1.thumbprint");
  rl_buf_free(&out);
}

TEST(nothing_else_is_found) {
  UNUSED;
  static const char *const wrong[] = {"",    ".",   "..", "../secret", "a_token-1/", "A_TOKEN-1", "a_token-1%00",
                                      "x y", "link"};
  char path[200];
  rl_buf out;
  rl_buf_init(&out, 2048);
  snprintf(path, sizeof path, "%s/challenges/link", folder);
  assert_int_equal(symlink("../secret", path), 0);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_int_equal(rl_challenges_find(folder, rl_slice_str(wrong[i]), &out), RL_ENOTFOUND);
  assert_int_equal(rl_challenges_find(folder, rl_slice_of("a_token-1\0x", 11), &out), RL_ENOTFOUND);
  assert_int_equal(rl_challenges_find("/nowhere", RL_SLICE("a_token-1"), &out), RL_ENOTFOUND);
  assert_int_equal(out.len, 0);
  rl_buf_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(a_token_finds_its_answer), RUN(nothing_else_is_found)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
