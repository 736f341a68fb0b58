/* Connected sockets, to addresses and by curl: the descriptor is ours, and no other is left. */
#define _GNU_SOURCE
#include "client/dial.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "client/libcurl.h"
#include "client/name_dial.h"
#include "net/address.h"
#include "support/test.h"

static rl_loop loop;
static rl_engine *engine;
static rl_address_policy policy;
static int listener, done, fd, code;
static bool by_curl;
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
  engine = rl_engine_new(&loop);
  return engine ? 0 : -1;
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

/* A dial of either kind. */
static void *dial(const char *to, const char *unix_path) {
  const char *ignored;
  rl_dial_to way = {.authority = rl_slice_str(to), .unix_path = unix_path, .policy = &policy};
  if (!by_curl) return rl_dial_new(engine, &way, on_done, &loop);
  assert_int_equal(rl_engine_open(engine, &ignored), 0);
  return rl_name_dial_new(engine, way.authority, way.policy, 0, on_done, &loop);
}

static void give_up(void *dialled) {
  if (by_curl) rl_name_dial_del(dialled);
  else rl_dial_del(dialled);
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
  give_up(dial(authority, NULL));
  turns(3);
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
  give_up(dial(authority, NULL));
  turns(3);
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
  give_up(dial(authority, NULL)); /* before anything was done; it opens the engine too */
  turns(3);
  int before = open_descriptors();
  void *started = dial(authority, NULL);
  if (by_curl) turns(1);
  if (!done) give_up(started);
  else close(fd), fd = -1;
  done = 0;
  turns(20);
  assert_int_equal(done, 0);
  assert_int_equal(open_descriptors(), before);
}

TEST(an_address_needs_no_curl) {
  UNUSED;
  char name[64];
  snprintf(name, sizeof name, "api.LOCALHOST:%d", rl_listen_port(listener));
  const char *const hosts[] = {authority, name};
  for (int i = 0; i < 2; i++) {
    dial(hosts[i], NULL);
    wait_for_it();
    assert_int_equal(code, 0);
    talk();
    close(fd);
    fd = -1;
    done = 0;
  }
  assert_null(rl_curl.easy_init);
}

TEST(an_address_of_ipv6_is_one) {
  UNUSED;
  rl_buf text;
  int v4 = listener;
  rl_buf_init(&text, 1000);
  if (rl_listen_tcp("::1", 0, false, &listener, 1, &text) == 1) {
    snprintf(authority, sizeof authority, "[::1]:%d", rl_listen_port(listener));
    dial(authority, NULL);
    wait_for_it();
    assert_int_equal(code, 0);
    talk();
    close(v4);
  }
  rl_buf_free(&text);
}

TEST(localhost_is_refused_where_all_its_addresses_are) {
  UNUSED;
  policy.deny_private = true;
  dial("localhost:1", NULL);
  wait_for_it();
  assert_int_equal(code, RL_EDENIED);
  done = 0;
  policy.deny_private = false;
  dial("localhost:1", NULL);
  wait_for_it();
  assert_int_equal(code, RL_ECONNECT);
  assert_string_equal(why, "could not connect: Connection refused");
}

TEST(a_socket_file_that_cannot_be_is_told_with_its_reason) {
  UNUSED;
  char path[200];
  dial("container", "/nowhere/socket");
  wait_for_it();
  assert_int_equal(code, RL_ECONNECT);
  assert_string_equal(why, "could not connect: No such file or directory");
  done = 0;
  memset(path, 'a', sizeof path - 1);
  path[sizeof path - 1] = 0;
  dial("container", path);
  wait_for_it();
  assert_string_equal(why, "could not connect: File name too long");
}

TEST(what_only_looks_like_an_address_goes_by_its_name) {
  UNUSED;
  rl_dial_del(dial("127.0.0.1.example.invalid:80", NULL));
  assert_non_null(rl_curl.easy_init);
}

static int start_curl(void **state) {
  (void)state;
  by_curl = true;
  return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest direct[] = {
      CASE(an_address_needs_no_curl),
      CASE(a_connected_socket_is_ours),
      CASE(a_socket_outlives_the_engine),
      CASE(a_name_is_resolved),
      CASE(a_refused_connection_is_told_with_its_reason),
      CASE(the_guard_is_asked_before_a_socket_is_made),
      CASE(one_that_is_given_up_says_nothing_and_leaves_nothing),
      CASE(a_unix_socket_stands_instead_of_the_host),
      CASE(an_address_of_ipv6_is_one),
      CASE(localhost_is_refused_where_all_its_addresses_are),
      CASE(a_socket_file_that_cannot_be_is_told_with_its_reason),
      CASE(what_only_looks_like_an_address_goes_by_its_name),
  };
  const struct CMUnitTest named[] = {
      CASE(a_connected_socket_is_ours),
      CASE(a_socket_outlives_the_engine),
      CASE(a_name_is_resolved),
      CASE(a_refused_connection_is_told_with_its_reason),
      CASE(the_guard_is_asked_before_a_socket_is_made),
      CASE(one_that_is_given_up_says_nothing_and_leaves_nothing),
  };
  return cmocka_run_group_tests(direct, NULL, NULL) + cmocka_run_group_tests(named, start_curl, NULL);
}
