/* The certificates of a process: what the log is told of them, when they are read again, and that a bad pair keeps the one before. */
#define _GNU_SOURCE
#include "cli/certificates.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "support/certificates.h"
#include "support/server.h"
#include "support/test.h"

static rl_certificates certificates;
static rl_loop loop;
static rl_buf why, log_lines;
static char folder[64];

static void on_line(void *ud, rl_log_level level, rl_slice line) {
  (void)ud, (void)level;
  rl_buf_add_slice(&log_lines, line);
  rl_buf_add_char(&log_lines, '\n');
}

static bool was_told(const char *text) {
  rl_buf_add_char(&log_lines, 0);
  bool found = strstr(log_lines.data, text) != NULL;
  rl_buf_clear(&log_lines);
  return found;
}

static const char *path_of(const char *name) {
  static char path[2][128];
  static int turn;
  turn = !turn;
  snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
  return path[turn];
}

static void write_text(const char *name, rl_slice text) {
  FILE *file = fopen(path_of(name), "w");
  assert_non_null(file);
  assert_int_equal(fwrite(text.data, 1, text.len, file), text.len);
  fclose(file);
  chmod(path_of(name), 0600);
}

static void write_pair(const char *names) {
  test_certificate one;
  test_certificate_make(&one, &(test_certificate_options){.names = names});
  write_text("c.pem", rl_buf_slice(&one.certificate));
  write_text("k.pem", rl_buf_slice(&one.key));
  test_certificate_free(&one);
}

static int setup(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/rille-test-certificates-XXXXXX");
  assert_non_null(mkdtemp(folder));
  rl_buf_init(&why, 4096);
  rl_buf_init(&log_lines, RL_BUF_NO_LIMIT);
  rl_log_capture(on_line, NULL);
  return rl_loop_init(&loop);
}

static int teardown(void **state) {
  (void)state;
  rl_certificates_unwatch(&certificates);
  rl_certificates_close(&certificates);
  rl_loop_free(&loop);
  rl_log_capture(NULL, NULL);
  rl_buf_free(&why);
  rl_buf_free(&log_lines);
  unlink(path_of("c.pem"));
  unlink(path_of("k.pem"));
  return rmdir(folder);
}

static int open_pair(void) {
  rl_tls_options o = {.h2c_port = -1};
  char text[300];
  snprintf(text, sizeof text, "%s,%s", path_of("c.pem"), path_of("k.pem"));
  assert_null(rl_tls_options_add_pair(&o, text));
  int code = rl_certificates_open(&certificates, &o, &why);
  rl_tls_options_free(&o);
  return code;
}

TEST(without_options_there_is_no_store) {
  UNUSED;
  const rl_tls_options none = {.h2c_port = -1};
  assert_int_equal(rl_certificates_open(&certificates, &none, &why), 0);
  assert_null(certificates.store);
  rl_certificates_watch(&certificates, &loop);
  rl_certificates_reload(&certificates);
  assert_int_equal(log_lines.len, 0);
}

TEST(a_file_that_is_missing_ends_the_start) {
  UNUSED;
  assert_true(open_pair() < 0);
  rl_buf_add_char(&why, 0);
  assert_non_null(strstr(why.data, "c.pem: No such file"));
  assert_null(certificates.store);
}

TEST(what_acme_will_write_may_be_missing) {
  UNUSED;
  const rl_tls_options o = {.acme = {"a.example,b.example"}, .acme_count = 1, .acme_directory = folder, .h2c_port = -1};
  assert_int_equal(rl_certificates_open(&certificates, &o, &why), 0);
  assert_true(rl_tls_store_is_empty(certificates.store));
}

TEST(the_log_is_told_what_there_is_and_what_is_new) {
  UNUSED;
  write_pair("a.example,*.a.example");
  assert_int_equal(open_pair(), 0);
  assert_int_equal(log_lines.len, 0);
  rl_certificates_watch(&certificates, &loop);
  assert_true(was_told("names=a.example,*.a.example"));
  write_pair("b.example");
  rl_certificates_reload(&certificates);
  assert_true(was_told("names=b.example"));
}

TEST(a_bad_pair_keeps_the_one_before_and_is_told_of_once) {
  UNUSED;
  write_pair("a.example");
  assert_int_equal(open_pair(), 0);
  rl_certificates_watch(&certificates, &loop);
  write_text("c.pem", RL_SLICE("nothing"));
  rl_certificates_reload(&certificates);
  assert_true(was_told("holds no certificate"));
  rl_certificates_reload(&certificates);
  assert_false(was_told("holds no certificate"));
  assert_false(rl_tls_store_is_empty(certificates.store));
  write_pair("a.example");
  rl_certificates_reload(&certificates);
  write_text("c.pem", RL_SLICE("nothing"));
  rl_certificates_reload(&certificates);
  assert_true(was_told("holds no certificate")); /* it is news again */
}

static void pass(uint64_t ms) {
  for (uint64_t until = rl_loop_now(&loop) + ms, next; (next = rl_loop_next_timer(&loop)) <= until;) {
    rl_loop_advance_to(&loop, next);
    test_turn(&loop);
  }
}

TEST(a_change_is_noticed_and_read_a_moment_later) {
  UNUSED;
  write_pair("a.example");
  assert_int_equal(open_pair(), 0);
  rl_loop_clock_freeze(&loop);
  rl_certificates_watch(&certificates, &loop);
  was_told("");
  write_pair("b.example");
  pass(RL_CERTIFICATES_LOOK_MS);
  assert_false(was_told("b.example")); /* its neighbour may still be on the way */
  pass(RL_CERTIFICATES_LOOK_MS);
  assert_true(was_told("b.example"));
  pass(3 * RL_CERTIFICATES_LOOK_MS);
  assert_false(was_told("example"));
  rl_loop_clock_thaw(&loop);
}

int main(void) {
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      EACH(without_options_there_is_no_store),
      EACH(a_file_that_is_missing_ends_the_start),
      EACH(what_acme_will_write_may_be_missing),
      EACH(the_log_is_told_what_there_is_and_what_is_new),
      EACH(a_bad_pair_keeps_the_one_before_and_is_told_of_once),
      EACH(a_change_is_noticed_and_read_a_moment_later),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
