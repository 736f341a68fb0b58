/* Listening sockets of every kind (address.h) and accepting from them (listener.h). */
#define _GNU_SOURCE
#include "net/listener.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "support/test.h"

enum { MOST = 300 };

typedef struct door {
  rl_listener listener; /* first */
  int accepted[MOST], count, closed, pause_at;
  char peer[RL_ADDRESS_TEXT];
} door;

static rl_loop loop;
static door d;
static rl_buf why;

static void on_accept(rl_listener *listener, int fd, const char *peer) {
  door *self = (door *)listener;
  assert_true(self->count < MOST);
  self->accepted[self->count++] = fd;
  snprintf(self->peer, sizeof self->peer, "%s", peer);
  if (self->count == self->pause_at) rl_listener_pause(listener);
}
static void on_closed(rl_listener *listener) { ((door *)listener)->closed++; }
static const rl_listener_events events = {.on_accept = on_accept, .on_closed = on_closed};

static int setup(void **state) {
  (void)state;
  memset(&d, 0, sizeof d);
  rl_buf_init(&why, 1000);
  return rl_loop_init(&loop);
}

static void turn(void) {
  for (int i = 0; i < 20; i++) uv_run(&loop.uv, UV_RUN_NOWAIT), usleep(200);
}

static void hang_up(void) {
  while (d.count) close(d.accepted[--d.count]);
}

static int teardown(void **state) {
  (void)state;
  hang_up();
  rl_buf_free(&why);
  return rl_loop_free(&loop);
}

static int listen_tcp(const char *host) {
  int fd = -1;
  assert_int_equal(rl_listen_tcp(host, 0, false, &fd, 1, &why), 1);
  return fd;
}

static void open_door(int fd) {
  assert_int_equal(rl_listener_init(&d.listener, &loop, fd), 0);
  d.listener.events = &events;
  rl_listener_start(&d.listener);
}

static void close_door(void) {
  rl_listener_close(&d.listener);
  rl_listener_close(&d.listener);
  turn();
  assert_int_equal(d.closed, 1);
}

static int dial(int listener) {
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
  int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, len), 0);
  return fd;
}

TEST(it_accepts_and_says_who_has_come) {
  UNUSED;
  int fd = listen_tcp("127.0.0.1");
  open_door(fd);
  int client = dial(fd);
  turn();
  assert_int_equal(d.count, 1);
  assert_string_equal(d.peer, "127.0.0.1");
  assert_true(fcntl(d.accepted[0], F_GETFL) & O_NONBLOCK);
  assert_true(fcntl(d.accepted[0], F_GETFD) & FD_CLOEXEC);
  close(client);
  close_door();
}

TEST(a_pause_leaves_clients_in_the_kernels_queue) {
  UNUSED;
  int fd = listen_tcp("127.0.0.1"), clients[3];
  open_door(fd);
  d.pause_at = 1;
  for (int i = 0; i < 3; i++) clients[i] = dial(fd);
  turn();
  assert_int_equal(d.count, 1);
  rl_listener_start(&d.listener);
  turn();
  assert_int_equal(d.count, 3);
  for (int i = 0; i < 3; i++) close(clients[i]);
  close_door();
}

/* They have a connection as far as they know: a close would reset them. */
TEST(who_waits_when_it_closes_is_still_accepted) {
  UNUSED;
  int fd = listen_tcp("127.0.0.1"), clients[100];
  open_door(fd);
  for (int i = 0; i < 100; i++) clients[i] = dial(fd);
  close_door();
  assert_int_equal(d.count, 100);
  for (int i = 0; i < 100; i++) close(clients[i]);
}

/* No descriptor is left: they are turned away rather than left to wait, and afterwards it goes on. */
TEST(out_of_descriptors_it_sheds_and_recovers) {
  UNUSED;
  enum { CLIENTS = 10 };
  int fd = listen_tcp("127.0.0.1"), clients[CLIENTS];
  struct rlimit before, few;
  open_door(fd);
  for (int i = 0; i < CLIENTS; i++) clients[i] = dial(fd);
  getrlimit(RLIMIT_NOFILE, &before);
  few = before;
  few.rlim_cur = (rlim_t)clients[CLIENTS - 1] + 1;
  rl_log_setup(RL_LOG_TEXT, RL_LOG_ERROR); /* the warning is not for whoever runs tests */
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  turn();
  setrlimit(RLIMIT_NOFILE, &before);
  assert_int_equal(d.count, 0);
  assert_int_equal(d.listener.shed, CLIENTS);
  char byte;
  for (int i = 0; i < CLIENTS; i++) {
    assert_true(recv(clients[i], &byte, 1, 0) <= 0);
    close(clients[i]);
  }
  int again = dial(fd);
  for (int i = 0; !d.count && i < 2000; i++) uv_run(&loop.uv, UV_RUN_NOWAIT), usleep(1000);
  assert_int_equal(d.count, 1);
  close(again);
  close_door();
}

/* ---- opening ------------------------------------------------------------------------------------------------------------ */

TEST(a_port_that_is_taken_is_an_error_unless_it_is_shared) {
  UNUSED;
  int fd = listen_tcp("127.0.0.1"), other = -1;
  int port = rl_listen_port(fd);
  assert_true(port > 0);
  assert_true(rl_listen_tcp("127.0.0.1", port, false, &other, 1, &why) < 0);
  assert_non_null(memmem(why.data, why.len, "in use", 6));
  assert_int_equal(rl_listen_tcp("127.0.0.1", port, true, &other, 1, &why), 1);
  close(other);
  close(fd);
}

TEST(a_name_has_all_its_addresses_at_one_port) {
  UNUSED;
  int fds[8];
  int count = rl_listen_tcp("localhost", 0, false, fds, 8, &why);
  if (count == RL_ENOTFOUND) skip(); /* a machine without /etc/hosts */
  assert_true(count >= 1);
  int port = rl_listen_port(fds[0]);
  assert_true(port > 0);
  for (int i = 0; i < count; i++) {
    assert_int_equal(rl_listen_port(fds[i]), port);
    close(fds[i]);
  }
}

TEST(a_name_that_is_none_is_told_with_the_name) {
  UNUSED;
  int fd;
  assert_int_equal(rl_listen_tcp("no such host", 80, false, &fd, 1, &why), RL_ENOTFOUND);
  assert_non_null(memmem(why.data, why.len, "no such host", 12));
}

TEST(a_unix_socket_replaces_a_stale_file_but_not_a_live_one) {
  UNUSED;
  char folder[] = "/tmp/rille-test-XXXXXX", path[64];
  int fd, other;
  struct stat info;
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/socket", folder);
  assert_int_equal(rl_listen_unix(path, &fd, &why), 0);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0660);
  assert_true(rl_listen_unix(path, &other, &why) < 0); /* somebody answers there */
  open_door(fd);
  int client = dial(fd);
  turn();
  assert_true(d.count >= 1);
  assert_string_equal(d.peer, "");
  close(client);
  close_door();
  assert_int_equal(rl_listen_unix(path, &fd, &why), 0); /* nobody does any more */
  close(fd);
  unlink(path);
  rmdir(folder);
}

/* Refused with these words, and what is there stays. */
static void refuses(const char *path, const char *words) {
  struct stat before, after;
  int fd;
  assert_int_equal(lstat(path, &before), 0);
  assert_true(rl_listen_unix(path, &fd, &why) < 0);
  assert_non_null(memmem(why.data, why.len, words, strlen(words)));
  rl_buf_clear(&why);
  assert_int_equal(lstat(path, &after), 0);
  assert_true(before.st_ino == after.st_ino && before.st_mode == after.st_mode && before.st_size == after.st_size);
}

TEST(what_is_no_socket_is_never_replaced) {
  UNUSED;
  char folder[] = "/tmp/rille-test-XXXXXX", path[64], other[64];
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/blog.db", folder);
  snprintf(other, sizeof other, "%s/socket", folder);
  int fd = open(path, O_CREAT | O_WRONLY, 0600);
  assert_int_equal(write(fd, "precious", 8), 8);
  close(fd);
  refuses(path, "a file of that name is there");
  unlink(path);
  assert_int_equal(symlink(other, path), 0); /* to nothing */
  refuses(path, "a symbolic link of that name is there");
  assert_int_equal(rl_listen_unix(other, &fd, &why), 0);
  close(fd);
  refuses(path, "a symbolic link of that name is there"); /* to a socket that nobody has */
  unlink(other);
  unlink(path);
  assert_int_equal(mkfifo(path, 0600), 0);
  refuses(path, "something of that name is there");
  unlink(path);
  refuses(folder, "a directory of that name is there");
  rmdir(folder);
}

TEST(a_socket_of_another_kind_or_with_a_full_queue_is_somebodys) {
  UNUSED;
  char folder[] = "/tmp/rille-test-XXXXXX";
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int clients[64];
  assert_non_null(mkdtemp(folder));
  snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  refuses(address.sun_path, "another process listens there");
  close(fd);
  unlink(address.sun_path);
  fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1), 0);
  for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
    clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)connect(clients[i], (struct sockaddr *)&address, sizeof address);
  }
  refuses(address.sun_path, "another process listens there");
  for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) close(clients[i]);
  close(fd);
  unlink(address.sun_path);
  rmdir(folder);
}

TEST(only_the_own_file_of_a_socket_is_removed) {
  UNUSED;
  char folder[] = "/tmp/rille-test-XXXXXX", path[64];
  int fd, other;
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/socket", folder);
  assert_int_equal(rl_listen_unix(path, &fd, &why), 0);
  rl_socket_file own = rl_socket_file_of(path);
  close(fd);
  assert_int_equal(rl_listen_unix(path, &other, &why), 0); /* another process has taken its place */
  rl_socket_file theirs = rl_socket_file_of(path);
  rl_socket_file_remove(path, own);
  rl_socket_file_remove(path, theirs); /* as where the number of ours was used again: somebody listens */
  rl_socket_file_remove(path, (rl_socket_file){0, 0});
  assert_int_equal(access(path, F_OK), 0);
  close(other);
  rl_socket_file_remove(path, theirs);
  assert_int_equal(access(path, F_OK), -1);
  rmdir(folder);
}

TEST(a_unix_path_that_is_too_long_is_an_error) {
  UNUSED;
  char path[300];
  int fd;
  memset(path, 'x', sizeof path);
  path[sizeof path - 1] = 0;
  assert_true(rl_listen_unix(path, &fd, &why) < 0);
  assert_true(why.len > 0);
  assert_true(rl_listen_unix("", &fd, &why) < 0); /* which the kernel would take for any name */
}

/* sd_listen_fds(3): descriptors from 3 on, for the process that LISTEN_PID names. */
static void hand_over(int fd, long pid, const char *count) {
  char text[24];
  snprintf(text, sizeof text, "%ld", pid);
  setenv("LISTEN_PID", text, 1);
  setenv("LISTEN_FDS", count, 1);
  assert_int_equal(dup2(fd, 3), 3);
}

TEST(sockets_that_were_handed_over_are_used) {
  UNUSED;
  int kept = dup(3), fd = listen_tcp("127.0.0.1"), fds[4];
  int port = rl_listen_port(fd);
  hand_over(fd, getpid(), "1");
  close(fd);
  assert_int_equal(rl_listen_inherited(fds, 4, &why), 1);
  assert_int_equal(fds[0], 3);
  assert_int_equal(rl_listen_port(3), port);
  assert_true(fcntl(3, F_GETFL) & O_NONBLOCK);
  assert_true(fcntl(3, F_GETFD) & FD_CLOEXEC);
  assert_null(getenv("LISTEN_FDS")); /* they are not our children's */
  assert_int_equal(rl_listen_inherited(fds, 4, &why), 0);
  close(3);
  if (kept >= 0) dup2(kept, 3), close(kept);
}

TEST(those_of_another_process_or_none_at_all_are_not_ours) {
  UNUSED;
  int fds[4];
  setenv("LISTEN_PID", "1", 1);
  setenv("LISTEN_FDS", "1", 1);
  assert_int_equal(rl_listen_inherited(fds, 4, &why), 0);
  unsetenv("LISTEN_PID");
  assert_int_equal(rl_listen_inherited(fds, 4, &why), 0);
  unsetenv("LISTEN_FDS");
}

TEST(what_is_handed_over_and_does_not_listen_is_an_error) {
  UNUSED;
  int kept = dup(3), fd = open("/dev/null", O_RDONLY), fds[4];
  hand_over(fd, getpid(), "1");
  assert_int_equal(rl_listen_inherited(fds, 4, &why), RL_EINVALID);
  assert_non_null(memmem(why.data, why.len, "descriptor 3", 12));
  unsetenv("LISTEN_PID");
  unsetenv("LISTEN_FDS");
  if (fd != 3) close(fd);
  close(3);
  if (kept >= 0) dup2(kept, 3), close(kept);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(it_accepts_and_says_who_has_come),
      CASE(a_pause_leaves_clients_in_the_kernels_queue),
      CASE(who_waits_when_it_closes_is_still_accepted),
      CASE(out_of_descriptors_it_sheds_and_recovers),
      CASE(a_port_that_is_taken_is_an_error_unless_it_is_shared),
      CASE(a_name_has_all_its_addresses_at_one_port),
      CASE(a_name_that_is_none_is_told_with_the_name),
      CASE(a_unix_socket_replaces_a_stale_file_but_not_a_live_one),
      CASE(what_is_no_socket_is_never_replaced),
      CASE(a_socket_of_another_kind_or_with_a_full_queue_is_somebodys),
      CASE(only_the_own_file_of_a_socket_is_removed),
      CASE(a_unix_path_that_is_too_long_is_an_error),
      CASE(sockets_that_were_handed_over_are_used),
      CASE(those_of_another_process_or_none_at_all_are_not_ours),
      CASE(what_is_handed_over_and_does_not_listen_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
