/* .env and the environment: who counts, what a reload takes back, and files that cannot be used. */
#define _GNU_SOURCE
#include "cli/dotenv.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "support/test.h"

static char folder[] = "/tmp/rille-test-dotenv-XXXXXX", path[64];
static rl_buf why;

static int setup(void **state) {
  (void)state;
  static const char *const names[] = {"T_A", "T_B", "T_C", "T_GIVEN", "T_EMPTY"};
  unlink(path);
  assert_int_equal(rl_dotenv_reload(folder, &why), 0); /* forgets what the test before has set */
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
  rl_buf_clear(&why);
  return 0;
}

static void save_bytes(const char *text, size_t len) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, len, file), len);
  fclose(file);
}
static void save(const char *text) { save_bytes(text, strlen(text)); }

static void assert_is_at(const char *name, const char *value, int line) {
  const char *got = getenv(name);
  if (value ? got && strcmp(got, value) == 0 : !got) return;
  print_error("%s is '%s', not '%s'\n", name, got ? got : "(unset)", value ? value : "(unset)");
  _fail(__FILE__, line);
}
#define IS(name, value) assert_is_at((name), (value), __LINE__)

TEST(a_folder_without_one_changes_nothing) {
  UNUSED;
  assert_int_equal(rl_dotenv_load(folder, &why), 0);
  assert_int_equal(rl_dotenv_load("/nowhere/at/all", &why), 0);
  assert_int_equal(rl_dotenv_load("/dev/null", &why), 0); /* not even a folder */
  assert_int_equal(why.len, 0);
}

TEST(it_sets_what_the_environment_lacks) {
  UNUSED;
  setenv("T_GIVEN", "by hand", 1);
  setenv("T_EMPTY", "", 1);
  save("T_A=1\nT_GIVEN=2\nT_EMPTY=3\n");
  assert_int_equal(rl_dotenv_load(folder, &why), 0);
  IS("T_A", "1");
  IS("T_GIVEN", "by hand");
  IS("T_EMPTY", ""); /* empty is set */
}

TEST(of_two_lines_with_one_name_the_last_counts) {
  UNUSED;
  save("T_A=1\nT_A=2\nT_A=3\n");
  assert_int_equal(rl_dotenv_load(folder, &why), 0);
  IS("T_A", "3");
}

TEST(a_reload_changes_and_takes_back_its_own_variables_alone) {
  UNUSED;
  setenv("T_GIVEN", "by hand", 1);
  save("T_A=1\nT_B=1\nT_GIVEN=1\n");
  assert_int_equal(rl_dotenv_load(folder, &why), 0);
  save("T_B=2\nT_C=2\n");
  assert_int_equal(rl_dotenv_reload(folder, &why), 0);
  IS("T_A", NULL);
  IS("T_B", "2");
  IS("T_C", "2");
  IS("T_GIVEN", "by hand");
  unlink(path);
  assert_int_equal(rl_dotenv_reload(folder, &why), 0);
  IS("T_B", NULL);
  IS("T_C", NULL);
  IS("T_GIVEN", "by hand");
}

TEST(a_file_with_a_mistake_sets_nothing_and_says_where_it_is) {
  UNUSED;
  char wanted[128];
  save("T_A=1\nT_B=\"open\n");
  assert_int_equal(rl_dotenv_load(folder, &why), RL_ESYNTAX);
  snprintf(wanted, sizeof wanted, "%s:2: ", path);
  assert_true(rl_slice_starts(rl_buf_slice(&why), rl_slice_str(wanted)));
  IS("T_A", NULL);
}

TEST(a_reload_with_a_mistake_leaves_the_values_before) {
  UNUSED;
  save("T_A=1\n");
  assert_int_equal(rl_dotenv_load(folder, &why), 0);
  save("T_A=2\nno line\n");
  assert_int_equal(rl_dotenv_reload(folder, &why), RL_ESYNTAX);
  IS("T_A", "1");
  save("T_A=3\n");
  assert_int_equal(rl_dotenv_reload(folder, &why), 0); /* it is still known as its own */
  IS("T_A", "3");
}

TEST(one_that_cannot_be_read_is_an_error) {
  UNUSED;
  assert_int_equal(mkdir(path, 0755), 0);
  assert_true(rl_dotenv_load(folder, &why) < 0);
  rl_buf_add_char(&why, 0);
  assert_non_null(strstr(why.data, "cannot read"));
  assert_non_null(strstr(why.data, path));
  rmdir(path);
}

TEST(one_that_is_too_large_is_an_error) {
  UNUSED;
  size_t size = (1 << 20) + 1;
  char *large = malloc(size);
  memset(large, '\n', size);
  save_bytes(large, size);
  assert_true(rl_dotenv_load(folder, &why) < 0);
  large[0] = '#';
  save_bytes(large, 1 << 19); /* half of it is not */
  assert_int_equal(rl_dotenv_load(folder, &why), 0);
  free(large);
}

TEST(a_null_byte_sets_nothing) {
  UNUSED;
  save_bytes("T_A=1\0002\nT_B=1\n", 14);
  assert_int_equal(rl_dotenv_load(folder, &why), RL_ESYNTAX);
  IS("T_B", NULL);
}

TEST(many_variables) {
  UNUSED;
  char name[32], text[16384];
  size_t len = 0;
  for (int i = 0; i < 500; i++) len += (size_t)snprintf(text + len, sizeof text - len, "T_MANY_%d=%d\n", i, i);
  save(text);
  assert_int_equal(rl_dotenv_load(folder, &why), 0);
  IS("T_MANY_499", "499");
  save("");
  assert_int_equal(rl_dotenv_reload(folder, &why), 0);
  for (int i = 0; i < 500; i++) {
    snprintf(name, sizeof name, "T_MANY_%d", i);
    IS(name, NULL);
  }
}

int main(void) {
#define EACH(name) cmocka_unit_test_setup(name, setup)
  const struct CMUnitTest tests[] = {
      EACH(a_folder_without_one_changes_nothing),
      EACH(it_sets_what_the_environment_lacks),
      EACH(of_two_lines_with_one_name_the_last_counts),
      EACH(a_reload_changes_and_takes_back_its_own_variables_alone),
      EACH(a_file_with_a_mistake_sets_nothing_and_says_where_it_is),
      EACH(a_reload_with_a_mistake_leaves_the_values_before),
      EACH(one_that_cannot_be_read_is_an_error),
      EACH(one_that_is_too_large_is_an_error),
      EACH(a_null_byte_sets_nothing),
      EACH(many_variables),
  };
  rl_buf_init(&why, 4096);
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/.env", folder);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  setup(NULL);
  rmdir(folder);
  rl_buf_free(&why);
  return failed;
}
