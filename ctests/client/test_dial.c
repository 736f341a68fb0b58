/* Connected sockets: the descriptor is ours, and no other is left. */
#define _GNU_SOURCE
#include "client/dial.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "net/address.h"
#include "support/test.h"

static rl_loop loop;
static rl_resolver *resolver;
static rl_address_policy policy;
static int listener, port, done, fd, code;
static char why[400];

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
  port = rl_listen_port(listener);
  rl_address_policy_init(&policy, false);
  resolver = rl_resolver_new(&loop);
  return resolver ? 0 : -1;
}

static void turns(int count) {
  for (int i = 0; i < count; i++) uv_run(&loop.uv, UV_RUN_NOWAIT), usleep(500);
}

static int teardown(void **state) {
  (void)state;
  if (fd >= 0) close(fd);
  close(listener);
  rl_address_policy_free(&policy);
  rl_resolver_del(resolver);
  rl_resolver_getaddrinfo = getaddrinfo;
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

static rl_dial *dial(const char *host, const char *unix_path) {
  rl_dial_to way = {.host = rl_slice_str(host), .port = port, .unix_path = unix_path, .policy = &policy};
  rl_dial *started = rl_dial_new(&loop, resolver, &way, on_done, &loop);
  assert_non_null(started);
  return started;
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

static void wait_again(void) {
  if (fd >= 0) close(fd);
  fd = -1;
  done = 0;
}

/* "a,b,c" are the addresses of every name. */
static const char *found;

static int find(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  char text[200], *rest = text;
  struct addrinfo only = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, **at = out;
  (void)name, (void)service, (void)hints;
  *out = NULL;
  snprintf(text, sizeof text, "%s", found);
  for (char *one; (one = strsep(&rest, ",")); at = &(*at)->ai_next)
    if (getaddrinfo(one, NULL, &only, at)) return EAI_FAIL;
  return 0;
}

static void names_are(const char *addresses) {
  found = addresses;
  rl_resolver_getaddrinfo = find;
}

/* Nobody answers at that address: its queue is full. Returns the listener; the others fill it. */
static int deafen(const char *address, int fill[3]) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int deaf = socket(AF_INET, SOCK_STREAM, 0);
  inet_pton(AF_INET, address, &to.sin_addr);
  assert_int_equal(bind(deaf, (struct sockaddr *)&to, sizeof to), 0);
  assert_int_equal(listen(deaf, 0), 0);
  for (int i = 0; i < 3; i++) {
    fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(fill[i], (struct sockaddr *)&to, sizeof to);
  }
  return deaf;
}

static void undeafen(int deaf, const int fill[3]) {
  close(deaf);
  for (int i = 0; i < 3; i++) close(fill[i]);
}

TEST(a_connected_socket_is_ours) {
  UNUSED;
  int before = open_descriptors();
  dial("127.0.0.1", NULL);
  wait_for_it();
  assert_int_equal(code, 0);
  talk();
  turns(3);
  assert_int_equal(open_descriptors(), before + 1);
}

TEST(localhost_needs_no_resolver) {
  UNUSED;
  names_are("203.0.113.1");
  const char *const hosts[] = {"localhost", "api.LOCALHOST"};
  for (int i = 0; i < 2; i++) {
    dial(hosts[i], NULL);
    wait_for_it();
    assert_int_equal(code, 0);
    talk();
    wait_again();
  }
}

TEST(a_name_is_resolved) {
  UNUSED;
  names_are("127.0.0.1");
  dial("name.test", NULL);
  wait_for_it();
  assert_int_equal(code, 0);
  talk();
}

TEST(what_only_looks_like_an_address_goes_by_its_name) {
  UNUSED;
  names_are("127.0.0.1");
  dial("127.0.0.1.example.invalid", NULL);
  wait_for_it();
  assert_int_equal(code, 0);
}

TEST(a_name_that_is_none_is_told) {
  UNUSED;
  names_are("none");
  dial("name.test", NULL);
  wait_for_it();
  assert_int_equal(code, RL_ECONNECT);
  assert_string_equal(why, "the host's name could not be resolved");
}

TEST(the_next_address_follows_one_that_fails) {
  UNUSED;
  names_are("127.0.0.3,::1,127.0.0.2,127.0.0.1");
  dial("name.test", NULL);
  wait_for_it();
  assert_int_equal(code, 0);
  talk();
}

TEST(an_address_that_says_nothing_does_not_hold_up_the_next) {
  UNUSED;
  int fill[3], deaf = deafen("127.0.0.2", fill), before = open_descriptors();
  names_are("127.0.0.2,127.0.0.1");
  uv_update_time(&loop.uv);
  uint64_t begun = uv_now(&loop.uv);
  dial("name.test", NULL);
  wait_for_it();
  assert_int_equal(code, 0);
  assert_true(uv_now(&loop.uv) - begun >= RL_LIMIT_CLIENT_STAGGER_MS - 1);
  talk();
  turns(3);
  assert_int_equal(open_descriptors(), before + 1);
  undeafen(deaf, fill);
}

TEST(the_first_address_is_not_given_up_for_the_second) {
  UNUSED;
  int fill[3], deaf = deafen("127.0.0.2", fill);
  names_are("127.0.0.2,127.0.0.3");
  rl_dial *started = dial("name.test", NULL);
  turns(800); /* the second one has been refused by then */
  assert_int_equal(done, 0);
  rl_dial_del(started);
  undeafen(deaf, fill);
}

TEST(each_address_of_a_name_is_shown_to_the_guard) {
  UNUSED;
  policy.deny_private = true;
  names_are("127.0.0.1,10.0.0.1,::1");
  dial("name.test", NULL);
  wait_for_it();
  assert_int_equal(code, RL_EDENIED);
  assert_int_equal(fd, -1);
}

TEST(that_there_is_no_way_says_less_than_how_it_failed) {
  UNUSED;
  names_are("127.0.0.3,2001:db8::1");
  dial("name.test", NULL);
  wait_for_it();
  assert_int_equal(code, RL_ECONNECT);
  assert_string_equal(why, "could not connect: Connection refused");
}

TEST(a_refused_connection_is_told_with_its_reason) {
  UNUSED;
  int before = open_descriptors();
  port = 1;
  dial("127.0.0.1", NULL);
  wait_for_it();
  assert_int_equal(code, RL_ECONNECT);
  assert_string_equal(why, "could not connect: Connection refused");
  turns(3);
  assert_int_equal(open_descriptors(), before);
}

TEST(the_guard_is_asked_before_a_socket_is_made) {
  UNUSED;
  policy.deny_private = true;
  dial("127.0.0.1", NULL);
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
  const char *const hosts[] = {"127.0.0.1", "localhost", "name.test"};
  names_are("127.0.0.1");
  int before = open_descriptors();
  for (int turned = 0; turned < 3; turned++)
    for (int i = 0; i < 3; i++) {
      rl_dial *started = dial(hosts[i], NULL);
      turns(turned);
      if (!done) rl_dial_del(started);
      wait_again();
      turns(20);
      assert_int_equal(done, 0);
    }
  assert_int_equal(open_descriptors(), before);
}

TEST(an_address_of_ipv6_is_one) {
  UNUSED;
  rl_buf text;
  int v4 = listener;
  rl_buf_init(&text, 1000);
  if (rl_listen_tcp("::1", 0, false, &listener, 1, &text) == 1) {
    port = rl_listen_port(listener);
    dial("[::1]", NULL);
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
  port = 1;
  dial("localhost", NULL);
  wait_for_it();
  assert_int_equal(code, RL_EDENIED);
  done = 0;
  policy.deny_private = false;
  dial("localhost", NULL);
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_connected_socket_is_ours),
      CASE(localhost_needs_no_resolver),
      CASE(a_name_is_resolved),
      CASE(what_only_looks_like_an_address_goes_by_its_name),
      CASE(a_name_that_is_none_is_told),
      CASE(the_next_address_follows_one_that_fails),
      CASE(an_address_that_says_nothing_does_not_hold_up_the_next),
      CASE(the_first_address_is_not_given_up_for_the_second),
      CASE(each_address_of_a_name_is_shown_to_the_guard),
      CASE(that_there_is_no_way_says_less_than_how_it_failed),
      CASE(a_refused_connection_is_told_with_its_reason),
      CASE(the_guard_is_asked_before_a_socket_is_made),
      CASE(one_that_is_given_up_says_nothing_and_leaves_nothing),
      CASE(a_unix_socket_stands_instead_of_the_host),
      CASE(an_address_of_ipv6_is_one),
      CASE(localhost_is_refused_where_all_its_addresses_are),
      CASE(a_socket_file_that_cannot_be_is_told_with_its_reason),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
