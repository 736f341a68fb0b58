/* A worker whose supervisor has gone stops: first by itself, then by force. */
#include "cli/lifeline.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "support/test.h"

/* Starts a worker that waits for ever. Returns its pid, and our end of its line. */
static pid_t start(double most_s, bool ignores, int *line) {
  int ends[2];
  char byte;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    signal(SIGTERM, ignores ? SIG_IGN : SIG_DFL);
    if (rl_lifeline_watch(ends[1], most_s) || write(ends[1], "!", 1) != 1) _exit(1);
    for (;;) pause();
  }
  close(ends[1]);
  assert_int_equal(read(ends[0], &byte, 1), 1); /* it watches */
  *line = ends[0];
  return pid;
}

static int signal_that_ended(pid_t pid) {
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

TEST(the_end_of_the_line_stops_the_process) {
  UNUSED;
  int line;
  pid_t pid = start(3600, false, &line);
  close(line);
  assert_int_equal(signal_that_ended(pid), SIGTERM);
}

TEST(words_on_the_line_do_not) {
  UNUSED;
  int line, status;
  pid_t pid = start(3600, false, &line);
  assert_int_equal(write(line, "hello\n", 6), 6);
  assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
  close(line);
  assert_int_equal(signal_that_ended(pid), SIGTERM);
}

TEST(one_that_does_not_stop_in_its_time_is_killed) {
  UNUSED;
  int line;
  pid_t pid = start(0, true, &line);
  close(line);
  assert_int_equal(signal_that_ended(pid), SIGKILL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(the_end_of_the_line_stops_the_process),
      RUN(words_on_the_line_do_not),
      RUN(one_that_does_not_stop_in_its_time_is_killed),
  };
  rl_log_setup(RL_LOG_OFF, RL_LOG_ERROR);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
