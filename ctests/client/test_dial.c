/* Sockets that curl connects for us: the descriptor is ours, and no other is left. */
#define _GNU_SOURCE
#include "client/dial.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "net/address.h"
#include "support/test.h"

static rl_loop loop;
static rl_engine *engine;
static rl_address_policy policy;
static int listener, done, fd, code;
static char authority[64], why[400];

static int open_descriptors(void) {
  int count = 0;
  DIR *directory = opendir("/proc/self/fd");
  while (readdir(directory)) count++;
  closedir(directory);
  return count;
}

static int setup(void **state) {
  (void)state;
  rl_buf text;
  done = code = 0;
  fd = -1;
  why[0] = 0;
  rl_buf_init(&text, 1000);
  if (rl_listen_tcp("127.0.0.1", 0, false, &listener, 1, &text) != 1 || rl_loop_init(&loop)) return -1;
  rl_buf_free(&text);
  snprintf(authority, sizeof authority, "127.0.0.1:%d", rl_listen_port(listener));
  rl_address_policy_init(&policy, false);
  const char *ignored;
  engine = rl_engine_new(&loop);
  return rl_engine_open(engine, &ignored);
}

static void turns(int count) {
  for (int i = 0; i < count; i++) uv_run(&loop.uv, UV_RUN_NOWAIT), usleep(500);
}

static int teardown(void **state) {
  (void)state;
  if (fd >= 0) close(fd);
  close(listener);
  rl_address_policy_free(&policy);
  rl_engine_unref(engine);
  turns(3);
  return rl_loop_free(&loop);
}

static void on_done(void *owner, int connected, int error, const char *text) {
  assert_ptr_equal(owner, &loop);
  done++;
  fd = connected;
  code = error;
  if (error) snprintf(why, sizeof why, "%s", text);
}

static rl_dial *dial(const char *to, const char *unix_path) {
  return rl_dial_new(engine, &(rl_dial_to){.authority = rl_slice_str(to), .unix_path = unix_path, .policy = &policy},
                     on_done, &loop);
}

static void wait_for_it(void) {
  for (int i = 0; !done && i < 5000; i++) uv_run(&loop.uv, UV_RUN_NOWAIT), usleep(1000);
  assert_int_equal(done, 1);
}

static void talk(void) {
  char got[3] = {0};
  int server = accept(listener, NULL, NULL);
  assert_true(server >= 0);
  assert_int_equal(write(fd, "hi", 2), 2);
  assert_int_equal(read(server, got, 2), 2);
  assert_string_equal(got, "hi");
  close(server);
}

TEST(a_connected_socket_is_ours) {
  UNUSED;
  int before = open_descriptors();
  assert_non_null(dial(authority, NULL));
  wait_for_it();
  assert_int_equal(code, 0);
  talk();
  turns(3);
  assert_int_equal(open_descriptors(), before + 1);
}

TEST(a_socket_outlives_the_engine) {
  UNUSED;
  dial(authority, NULL);
  wait_for_it();
  rl_engine_unref(engine);
  turns(3);
  engine = rl_engine_new(&loop);
  talk();
}

TEST(a_name_is_resolved) {
  UNUSED;
  char name[64];
  snprintf(name, sizeof name, "localhost:%d", rl_listen_port(listener));
  dial(name, NULL);
  wait_for_it();
  assert_int_equal(code, 0);
  talk();
}

TEST(a_refused_connection_is_told_with_its_reason) {
  UNUSED;
  int before = open_descriptors();
  dial("127.0.0.1:1", NULL);
  wait_for_it();
  assert_int_equal(code, RL_ECONNECT);
  assert_string_equal(why, "could not connect: Connection refused");
  turns(3);
  assert_int_equal(open_descriptors(), before);
}

TEST(the_guard_is_asked_before_a_socket_is_made) {
  UNUSED;
  policy.deny_private = true;
  dial(authority, NULL);
  wait_for_it();
  assert_int_equal(code, RL_EDENIED);
  assert_int_equal(fd, -1);
}

TEST(a_unix_socket_stands_instead_of_the_host) {
  UNUSED;
  char path[64];
  rl_buf text;
  int tcp = listener;
  snprintf(path, sizeof path, "/tmp/rille-dial-%d", getpid());
  rl_buf_init(&text, 1000);
  assert_int_equal(rl_listen_unix(path, &listener, &text), 0);
  rl_buf_free(&text);
  dial("nowhere.invalid", path);
  wait_for_it();
  unlink(path);
  assert_int_equal(code, 0);
  talk();
  close(tcp);
}

TEST(one_that_is_given_up_says_nothing_and_leaves_nothing) {
  UNUSED;
  int before = open_descriptors();
  rl_dial_del(dial(authority, NULL)); /* before anything was done */
  rl_dial *started = dial(authority, NULL);
  turns(1);
  if (!done) rl_dial_del(started);
  else close(fd), fd = -1;
  done = 0;
  turns(20);
  assert_int_equal(done, 0);
  assert_int_equal(open_descriptors(), before);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_connected_socket_is_ours),
      CASE(a_socket_outlives_the_engine),
      CASE(a_name_is_resolved),
      CASE(a_refused_connection_is_told_with_its_reason),
      CASE(the_guard_is_asked_before_a_socket_is_made),
      CASE(a_unix_socket_stands_instead_of_the_host),
      CASE(one_that_is_given_up_says_nothing_and_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
