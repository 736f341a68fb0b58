/* Scripts for shells: complete, from the table of commands, and understood by the shells that are here. */
#define _GNU_SOURCE
#include "cli/completion.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/options.h"
#include "support/test.h"

static char script[16384];

/* Runs a function with stdout in `script`. */
static int capture(const char *shell) {
  FILE *file = tmpfile();
  int before, status;
  fflush(stdout);
  before = dup(STDOUT_FILENO);
  dup2(fileno(file), STDOUT_FILENO);
  status = rl_completion_print(shell);
  fflush(stdout);
  dup2(before, STDOUT_FILENO);
  close(before);
  rewind(file);
  script[fread(script, 1, sizeof script - 1, file)] = 0;
  fclose(file);
  return status;
}

static void names_everything(const char *shell) {
  const rl_command *c;
  const char *name;
  assert_int_equal(capture(shell), 0);
  for (unsigned i = 0; (c = rl_command_at(i)); i++) {
    if (!strstr(script, c->name)) fail_msg("%s: no %s", shell, c->name);
    for (unsigned k = 0; (name = rl_options_of(c, k)); k++)
      if (!strstr(script, name)) fail_msg("%s: no %s", shell, name);
  }
  assert_null(strchr(script, '@'));
  assert_null(strstr(script, "~"));
}

TEST(each_shell_gets_each_command_and_option) {
  UNUSED;
  names_everything("bash");
  names_everything("zsh");
  names_everything("fish");
}

/* What bash would offer for the words of a line. */
static void completes(const char *words, const char *wanted) {
  char path[] = "/tmp/rille-test-completion-XXXXXX", command[512], answer[512] = {0};
  FILE *file = fdopen(mkstemp(path), "w");
  assert_non_null(file);
  fputs(script, file);
  fclose(file);
  snprintf(command, sizeof command,
           "bash -c 'source %s; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _rille; "
           "echo -n \"${COMPREPLY[*]}\"'",
           path, words);
  FILE *pipe = popen(command, "r");
  assert_non_null(pipe);
  answer[fread(answer, 1, sizeof answer - 1, pipe)] = 0;
  assert_int_equal(pclose(pipe), 0);
  unlink(path);
  assert_string_equal(answer, wanted);
}

TEST(bash_completes_commands_options_and_shells) {
  UNUSED;
  if (system("command -v bash > /dev/null")) skip();
  assert_int_equal(capture("bash"), 0);
  completes("rille do", "doctor");
  completes("rille help mi", "migrate");
  completes("rille serve --s", "--shutdown-timeout --supervise");
  completes("rille dev --s", "");
  completes("rille doctor --j", "--json");
  completes("rille completion z", "zsh");
}

TEST(another_shell_is_a_mistake) {
  UNUSED;
  int before = dup(STDERR_FILENO);
  assert_non_null(freopen("/dev/null", "w", stderr));
  assert_int_equal(capture("tcsh"), 2);
  assert_string_equal(script, "");
  assert_int_equal(capture(""), 2);
  fflush(stderr);
  dup2(before, STDERR_FILENO);
  close(before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(each_shell_gets_each_command_and_option),
      RUN(bash_completes_commands_options_and_shells),
      RUN(another_shell_is_a_mistake),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
