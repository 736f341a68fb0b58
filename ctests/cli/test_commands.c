/* The table of commands, their help, and words that are nearly one. */
#include "cli/commands.h"

#include "cli/options.h"
#include "support/test.h"

TEST(each_command_has_a_help_that_begins_with_its_usage) {
  UNUSED;
  const rl_command *c;
  unsigned count = 0;
  for (; (c = rl_command_at(count)); count++) {
    char usage[64];
    snprintf(usage, sizeof usage, "usage: rille %s", c->name);
    assert_int_equal(strncmp(c->help, usage, strlen(usage)), 0);
    assert_ptr_equal(rl_command_find(c->name), c);
    assert_int_equal(c->help[strlen(c->help) - 1], '\n');
  }
  assert_true(count >= 14);
  assert_null(rl_command_at(count));
}

TEST(help_fits_a_terminal) {
  UNUSED;
  const rl_command *c;
  for (unsigned i = 0; (c = rl_command_at(i)); i++)
    for (const char *line = c->help; *line; line += strcspn(line, "\n") + 1)
      if (strcspn(line, "\n") > 132) fail_msg("%s: %.*s", c->name, (int)strcspn(line, "\n"), line);
}

TEST(help_names_each_option_of_a_command_and_no_other) {
  UNUSED;
  const rl_command *c;
  const char *name;
  for (unsigned i = 0; (c = rl_command_at(i)); i++) {
    unsigned listed = 0;
    for (unsigned k = 0; (name = rl_options_of(c, k)); k++)
      if (!strstr(c->help, name)) fail_msg("rille help %s: nothing of %s", c->name, name);
    for (const char *at = c->help; (at = strstr(at, "\n  --")); at++) listed++;
    for (unsigned k = 0; k < listed; k++) assert_non_null(rl_options_of(c, k));
  }
}

TEST(the_general_help_names_each_command) {
  UNUSED;
  const rl_command *c;
  const char *text = rl_command_help(NULL);
  for (unsigned i = 0; (c = rl_command_at(i)); i++)
    if (!strstr(text, c->name)) fail_msg("rille help: nothing of %s", c->name);
}

TEST(help_of_one_command_and_of_none) {
  UNUSED;
  assert_ptr_equal(rl_command_help("serve"), rl_command_find("serve")->help);
  assert_null(rl_command_help("nonsense"));
  assert_null(rl_command_find(""));
}

TEST(what_may_be_meant) {
  UNUSED;
  assert_string_equal(rl_command_meant("sreve"), "serve");
  assert_string_equal(rl_command_meant("SERVE"), "serve");
  assert_string_equal(rl_command_meant("compleiton"), "completion");
  assert_string_equal(rl_command_meant("repl"), "console");
  assert_null(rl_command_meant("frobnicate"));
  assert_null(rl_command_meant(""));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(each_command_has_a_help_that_begins_with_its_usage),
      RUN(help_fits_a_terminal),
      RUN(help_names_each_option_of_a_command_and_no_other),
      RUN(the_general_help_names_each_command),
      RUN(help_of_one_command_and_of_none),
      RUN(what_may_be_meant),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
