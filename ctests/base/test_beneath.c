#define _GNU_SOURCE
#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

typedef int (*opener)(int root, const char *path, int flags);

static char base[64];
static int root;

static int setup(void **state) {
  (void)state;
  char command[400];
  snprintf(base, sizeof base, "/tmp/rille-beneath-XXXXXX");
  if (!mkdtemp(base)) return -1;
  snprintf(command, sizeof command,
           "cd %s && mkdir -p root/sub root/.dot && echo in > root/sub/file && echo out > outside && "
           "ln -s ../outside root/out && ln -s sub root/in && ln -s / root/slash && echo d > root/.dot/x",
           base);
  if (system(command)) return -1;
  snprintf(command, sizeof command, "%s/root", base);
  root = open(command, O_PATH | O_DIRECTORY);
  return root < 0 ? -1 : 0;
}

static int teardown(void **state) {
  (void)state;
  char command[100];
  close(root);
  snprintf(command, sizeof command, "rm -r %s", base);
  return system(command);
}

/* Returns "in", "out", or "" if it was refused. */
static const char *content(opener open_it, const char *path) {
  static char text[8];
  memset(text, 0, sizeof text);
  int fd = open_it(root, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  if (read(fd, text, sizeof text - 1) < 0) strcpy(text, "dir");
  text[strcspn(text, "\n")] = 0;
  close(fd);
  return text;
}

static const opener openers[] = {rl_open_beneath, rl_open_beneath_by_steps};

TEST(what_is_below_is_opened) {
  UNUSED;
  for (int i = 0; i < 2; i++) {
    assert_string_equal(content(openers[i], "sub/file"), "in");
    assert_string_equal(content(openers[i], ".dot/x"), "d");
  }
  assert_string_equal(content(rl_open_beneath, "in/file"), "in"); /* a link that stays inside */
}

TEST(nothing_else_is) {
  UNUSED;
  static const char *const paths[] = {"../outside",
                                      "sub/../../outside",
                                      "/etc/hostname",
                                      "out",
                                      "slash/etc/hostname",
                                      "in/../../outside",
                                      "sub/file/../../../outside",
                                      "..",
                                      "/",
                                      "",
                                      "sub/nothing"};
  for (int i = 0; i < 2; i++)
    for (size_t k = 0; k < sizeof paths / sizeof *paths; k++)
      if (*content(openers[i], paths[k])) fail_msg("%d: %s", i, paths[k]);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(what_is_below_is_opened), RUN(nothing_else_is)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
