/* What a process remembers of its start, and how it starts itself again. */
#define _GNU_SOURCE
#include "cli/self.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "support/test.h"

static char us[PATH_MAX]; /* this program, as the kernel has it */
static char *saved_argv[] = {us, "--an-argument", NULL};

static const char *find(char **environment, const char *name) {
  size_t len = strlen(name);
  for (; *environment; environment++)
    if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=') return *environment + len + 1;
  return NULL;
}

TEST(the_environment_is_that_of_the_start) {
  UNUSED;
  setenv("T_LATER", "1", 1); /* as .env does */
  char **all = rl_self_environment("MORE=2");
  assert_string_equal(find(all, "T_KEPT"), "yes");
  assert_string_equal(find(all, "MORE"), "2");
  assert_null(find(all, "T_LATER"));
  rl_free(all);
}

TEST(what_concerned_this_process_alone_is_not_passed_on) {
  UNUSED;
  static const char *const names[] = {"RILLE_HANDOVER", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};
  char **all = rl_self_environment("MORE=2");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) assert_null(find(all, names[i]));
  rl_free(all);
}

TEST(an_environment_without_memory_is_none) {
  UNUSED;
  pid_t pid;
  rl_alloc_fail_at(1, true);
  assert_null(rl_self_environment("MORE=2"));
  assert_int_equal(rl_self_start("/bin/true", "MORE=2", NULL, 0, &pid), ENOMEM);
  rl_alloc_fail_at(0, false);
}

/* ---- which file is run again ----------------------------------------------------------------------------------------------- */

/* Notes a start under `name`, and returns the binary that it found. */
static const char *binary_of(const char *name) {
  static char *argv[] = {NULL, NULL};
  argv[0] = (char *)(uintptr_t)name;
  rl_self_note(1, argv);
  return rl_self_binary();
}

TEST(a_start_by_path) {
  UNUSED;
  char before[PATH_MAX], folder[PATH_MAX], relative[PATH_MAX];
  assert_string_equal(binary_of(us), us);
  assert_non_null(getcwd(before, sizeof before));
  snprintf(folder, sizeof folder, "%s", us);
  *strrchr(folder, '/') = 0;
  assert_int_equal(chdir(folder), 0);
  snprintf(relative, sizeof relative, "./%s", strrchr(us, '/') + 1);
  const char *found = binary_of(relative);
  assert_int_equal(chdir(before), 0);
  assert_int_equal(access(found, X_OK), 0);
  assert_int_equal(*found, '/'); /* so that a later chdir does not matter */
}

/* An upgrade puts a file in the place of a link's target, or the link onto another file: the name counts. */
TEST(a_start_by_a_link_is_the_link) {
  UNUSED;
  char folder[] = "/tmp/rille-test-self-XXXXXX", link_name[64], found_by[64];
  assert_non_null(mkdtemp(folder));
  snprintf(link_name, sizeof link_name, "%s/rille-test", folder);
  assert_int_equal(symlink(us, link_name), 0);
  assert_string_equal(binary_of(link_name), link_name);
  char *path = strdup(getenv("PATH"));
  snprintf(found_by, sizeof found_by, "/nowhere::%s", folder);
  setenv("PATH", found_by, 1);
  assert_string_equal(binary_of("rille-test"), link_name);
  setenv("PATH", path, 1);
  free(path);
  unlink(link_name);
  rmdir(folder);
}

TEST(a_name_that_says_nothing_is_the_file_that_runs) {
  UNUSED;
  assert_string_equal(binary_of("no-such-program"), us);
  assert_string_equal(binary_of(""), us);
  assert_string_equal(rl_self_image(), "/proc/self/exe");
}

TEST(a_path_counts_while_its_file_is_being_replaced) {
  UNUSED;
  assert_string_equal(binary_of("/no/such/program"), "/no/such/program");
}

/* ---- starting ----------------------------------------------------------------------------------------------------------------- */

static int run(const char *script, const int *fds, int count) {
  static char *argv[] = {"sh", "-c", NULL, NULL};
  pid_t pid;
  int status;
  argv[2] = (char *)(uintptr_t)script;
  rl_self_note(3, argv);
  assert_int_equal(rl_self_start("/bin/sh", "MORE=more", fds, count, &pid), 0);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(it_starts_with_our_arguments_and_that_environment) {
  UNUSED;
  assert_int_equal(run("[ \"$MORE\" = more ] && [ \"$T_KEPT\" = yes ] && exit 7", NULL, 0), 7);
}

TEST(descriptors_keep_their_numbers_and_others_are_closed) {
  UNUSED;
  int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), other = open("/dev/null", O_RDONLY | O_CLOEXEC);
  char script[128];
  snprintf(script, sizeof script, "[ -e /proc/self/fd/%d ] && ! [ -e /proc/self/fd/%d ]", fd, other);
  assert_int_equal(run(script, &fd, 1), 0);
  assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC); /* ours is as it was */
  close(fd);
  close(other);
}

TEST(signals_that_reload_are_held_back_and_none_is_ignored) {
  UNUSED;
  signal(SIGTERM, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  assert_int_equal(run("kill -HUP $$; kill -USR1 $$; kill -USR2 $$; exit 3", NULL, 0), 3);
  assert_int_equal(run("kill -TERM $$; exit 3", NULL, 0), 128 + SIGTERM);
  signal(SIGTERM, SIG_DFL);
  signal(SIGPIPE, SIG_DFL);
}

TEST(holding_and_releasing) {
  UNUSED;
  sigset_t set;
  rl_self_hold_signals();
  sigprocmask(SIG_BLOCK, NULL, &set);
  assert_true(sigismember(&set, SIGHUP) && sigismember(&set, SIGUSR1) && sigismember(&set, SIGUSR2));
  assert_false(sigismember(&set, SIGTERM));
  rl_self_release_signals();
  sigprocmask(SIG_BLOCK, NULL, &set);
  assert_false(sigismember(&set, SIGHUP) || sigismember(&set, SIGUSR1) || sigismember(&set, SIGUSR2));
}

TEST(a_file_that_cannot_be_run) {
  UNUSED;
  pid_t pid;
  assert_int_equal(rl_self_start("/no/such/file", "MORE=more", NULL, 0, &pid), ENOENT);
  assert_int_equal(rl_self_start("/etc/passwd", "MORE=more", NULL, 0, &pid), EACCES);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(the_environment_is_that_of_the_start),
      RUN(what_concerned_this_process_alone_is_not_passed_on),
      RUN(an_environment_without_memory_is_none),
      RUN(a_start_by_path),
      RUN(a_start_by_a_link_is_the_link),
      RUN(a_name_that_says_nothing_is_the_file_that_runs),
      RUN(a_path_counts_while_its_file_is_being_replaced),
      RUN(it_starts_with_our_arguments_and_that_environment),
      RUN(descriptors_keep_their_numbers_and_others_are_closed),
      RUN(signals_that_reload_are_held_back_and_none_is_ignored),
      RUN(holding_and_releasing),
      RUN(a_file_that_cannot_be_run),
  };
  ssize_t len = readlink("/proc/self/exe", us, sizeof us - 1);
  if (len < 0) return 1;
  setenv("T_KEPT", "yes", 1);
  setenv("RILLE_HANDOVER", "x", 1);
  setenv("LISTEN_PID", "1", 1);
  setenv("LISTEN_FDS", "1", 1);
  setenv("LISTEN_FDNAMES", "a", 1);
  rl_self_note(2, saved_argv);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
