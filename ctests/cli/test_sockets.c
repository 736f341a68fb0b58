/* The sockets of a process: opened, shared between workers, described. */
#define _GNU_SOURCE
#include "cli/sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "support/test.h"

static rl_options o;
static rl_sockets s;
static rl_buf why;
static int taken[64], taken_count;
static char roles[64];

static int setup(void **state) {
  (void)state;
  rl_buf_init(&why, 1024);
  o = (rl_options){
      .hosts = {"127.0.0.1"}, .host_count = 1, .threads = 1, .ports = {{RL_PORT_HTTP, 0}}, .port_count = 1};
  s = (rl_sockets){0};
  taken_count = 0;
  return 0;
}

static int teardown(void **state) {
  (void)state;
  while (taken_count) close(taken[--taken_count]);
  rl_sockets_free(&s);
  rl_buf_free(&why);
  return 0;
}

static void take(void *ud, int fd, rl_port_role role) {
  (void)ud;
  roles[taken_count] = (char)role;
  taken[taken_count++] = fd;
}

static bool can_connect(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  bool connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
  close(fd);
  return connected;
}

TEST(each_worker_has_a_set_and_all_share_one_port) {
  UNUSED;
  o.threads = 3;
  assert_int_equal(rl_sockets_open(&s, &o, &why), 0);
  assert_int_equal(s.count, 3);
  assert_int_equal(s.addresses, 1);
  int port = rl_listen_port(s.fds[0]);
  assert_true(port > 0);
  for (int i = 0; i < 3; i++) assert_int_equal(rl_listen_port(s.fds[i]), port);
  assert_false(can_connect(port)); /* bound, not listening */
  assert_int_equal(rl_sockets_listen(&s), 0);
  assert_true(can_connect(port));
  rl_sockets_close(&s);
  assert_int_equal(s.count, 0);
  assert_false(can_connect(port));
}

TEST(several_addresses_make_a_set) {
  UNUSED;
  o.hosts[o.host_count++] = "127.0.0.2";
  o.threads = 2;
  assert_int_equal(rl_sockets_open(&s, &o, &why), 0);
  assert_int_equal(s.addresses, 2);
  assert_int_equal(s.count, 4);
}

TEST(each_port_has_its_role_in_every_set) {
  UNUSED;
  o.ports[0].role = RL_PORT_HTTPS;
  o.ports[o.port_count++] = (rl_port){RL_PORT_HTTP, 0};
  o.ports[o.port_count++] = (rl_port){RL_PORT_H2C, 0};
  o.hosts[o.host_count++] = "127.0.0.2";
  o.threads = 2;
  assert_int_equal(rl_sockets_open(&s, &o, &why), 0);
  assert_int_equal(s.count, 12);
  assert_int_equal(s.addresses, 6);
  assert_memory_equal(s.roles, "sshhcc", 6);
  for (int i = 0; i < 12; i++) assert_int_equal(rl_listen_port(s.fds[i]), rl_listen_port(s.fds[i % 6 / 2 * 2]));
  assert_true(rl_sockets_are_secure(&s));
  assert_int_equal(rl_sockets_share(&s, 2, 2, take, NULL), 0);
  assert_int_equal(taken_count, 6);
  assert_memory_equal(roles, "sshhcc", 6);
  char where[64], others[128], wanted[128];
  rl_sockets_describe(&s, &o, where, sizeof where);
  snprintf(wanted, sizeof wanted, "https://127.0.0.1:%d", rl_listen_port(s.fds[0]));
  assert_string_equal(where, wanted);
  rl_sockets_describe_others(&s, &o, others, sizeof others);
  snprintf(wanted, sizeof wanted, "http://127.0.0.1:%d http://127.0.0.1:%d", rl_listen_port(s.fds[2]),
           rl_listen_port(s.fds[4]));
  assert_string_equal(others, wanted);
  rl_sockets_describe_others(&s, &o, others, 10); /* cut off, not beyond */
  assert_string_equal(others, "http://12");
}

TEST(a_port_that_is_taken_is_explained) {
  UNUSED;
  rl_sockets other;
  assert_int_equal(rl_sockets_open(&other, &o, &why), 0);
  assert_int_equal(rl_sockets_listen(&other), 0);
  o.ports[0].number = rl_listen_port(other.fds[0]);
  o.hosts[0] = "127.0.0.2"; /* free there */
  o.hosts[o.host_count++] = "127.0.0.1";
  assert_true(rl_sockets_open(&s, &o, &why) < 0);
  rl_buf_add_char(&why, 0);
  assert_non_null(
      strstr(why.data, "already in use (another program has it: rille doctor says which, --port takes another"));
  assert_int_equal(s.count, 0); /* nothing stays open */
  rl_sockets_free(&other);
}

TEST(another_error_is_left_as_it_is) {
  UNUSED;
  rl_buf_add_str(&why, "cannot listen on x");
  rl_sockets_explain(&why);
  assert_slice(rl_buf_slice(&why), "cannot listen on x");
}

/* ---- sharing -------------------------------------------------------------------------------------------------------------------- */

/* Makes `sets` sets of `addresses` sockets; no two are the same file. */
static void make(int sets, int addresses) {
  for (int i = 0; i < sets * addresses; i++) rl_sockets_add(&s, socket(AF_INET, SOCK_STREAM, 0));
  rl_sockets_set_roles(&s, "hhhh", addresses);
}

static bool same_file(int a, int b) {
  struct stat x, y;
  return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino;
}

/* Shares them between workers. Returns how many times the least and the most used socket was given. */
static void share(int workers, int *least, int *most) {
  taken_count = 0;
  *least = 1000, *most = 0;
  for (int w = 1; w <= workers; w++) {
    int before = taken_count;
    assert_int_equal(rl_sockets_share(&s, w, workers, take, NULL), 0);
    assert_true(taken_count > before); /* every worker has one */
  }
  for (int i = 0; i < s.count; i++) {
    int uses = 0;
    for (int k = 0; k < taken_count; k++) uses += same_file(s.fds[i], taken[k]);
    if (uses < *least) *least = uses;
    if (uses > *most) *most = uses;
  }
  while (taken_count) close(taken[--taken_count]);
}

TEST(every_set_has_a_worker_and_every_worker_a_set_however_many_there_are) {
  UNUSED;
  int least, most;
  make(3, 2);
  share(3, &least, &most);
  assert_true(least == 1 && most == 1);
  share(7, &least, &most); /* after an upgrade to more workers */
  assert_true(least == 2 && most == 3);
  share(2, &least, &most); /* and to fewer */
  assert_true(least == 1 && most == 1);
  share(1, &least, &most);
  assert_true(least == 1 && most == 1);
}

TEST(duplicates_do_not_go_to_children) {
  UNUSED;
  make(1, 1);
  assert_int_equal(rl_sockets_share(&s, 1, 1, take, NULL), 0);
  assert_int_not_equal(taken[0], s.fds[0]);
  assert_int_equal(fcntl(taken[0], F_GETFD), FD_CLOEXEC);
}

TEST(sharing_without_descriptors_is_an_error) {
  UNUSED;
  struct rlimit before, none;
  make(1, 2);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  none = before;
  none.rlim_cur = 0;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  int code = rl_sockets_share(&s, 1, 1, take, NULL);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_int_equal(code, RL_EIO);
}

/* ---- unix sockets, systemd's, and how they are described --------------------------------------------------------------------------- */

TEST(the_file_of_a_unix_socket_goes_with_us_unless_it_is_another_processs) {
  UNUSED;
  char folder[] = "/tmp/rille-test-sockets-XXXXXX", path[64];
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/s", folder);
  o.unix_path = path;
  o.threads = 4;
  assert_int_equal(rl_sockets_open(&s, &o, &why), 0);
  assert_int_equal(s.count, 1); /* which all workers share */
  assert_string_equal(s.path, path);
  char where[128];
  rl_sockets_describe(&s, &o, where, sizeof where);
  assert_string_equal(where, path);
  rl_sockets_free(&s);
  assert_int_equal(access(path, F_OK), -1);

  assert_int_equal(rl_sockets_open(&s, &o, &why), 0);
  s.file.inode = 0; /* handed on */
  rl_sockets_free(&s);
  assert_int_equal(access(path, F_OK), 0);
  unlink(path);
  rmdir(folder);
}

TEST(urls) {
  UNUSED;
  char where[64], small[10];
  rl_sockets_url(RL_PORT_HTTP, "127.0.0.1", 80, where, sizeof where);
  assert_string_equal(where, "http://127.0.0.1:80");
  rl_sockets_url(RL_PORT_HTTP, "::1", 8080, where, sizeof where);
  assert_string_equal(where, "http://[::1]:8080");
  rl_sockets_url(RL_PORT_HTTP, "localhost", 80, small, sizeof small);
  assert_string_equal(small, "http://lo");
}

TEST(what_is_told_of_them) {
  UNUSED;
  char where[64], wanted[64];
  assert_int_equal(rl_sockets_open(&s, &o, &why), 0);
  rl_sockets_describe(&s, &o, where, sizeof where);
  snprintf(wanted, sizeof wanted, "http://127.0.0.1:%d", rl_listen_port(s.fds[0]));
  assert_string_equal(where, wanted);
  s.kind = RL_SOCKETS_SYSTEMD;
  s.addresses = 1;
  rl_sockets_describe(&s, &o, where, sizeof where);
  assert_string_equal(where, "1 inherited");
}

/* Puts a listening socket at descriptor 3, as systemd does, and opens it with that name. */
static int opens_inherited(const char *name) {
  char pid[16];
  int saved = fcntl(3, F_DUPFD_CLOEXEC, 10), fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(listen(fd, 1), 0);
  if (fd != 3) dup2(fd, 3), close(fd);
  snprintf(pid, sizeof pid, "%d", getpid());
  setenv("LISTEN_PID", pid, 1);
  setenv("LISTEN_FDS", "1", 1);
  setenv("LISTEN_FDNAMES", name, 1);
  int code = rl_sockets_open(&s, &o, &why), role = code ? 0 : s.roles[0];
  if (!code) assert_null(getenv("LISTEN_FDNAMES"));
  rl_sockets_free(&s);
  if (saved >= 0) dup2(saved, 3), close(saved);
  return code ? code : role;
}

TEST(a_socket_of_systemd_is_what_its_name_says) {
  UNUSED;
  assert_int_equal(opens_inherited("rille@blog.socket"), RL_PORT_HTTP);
  assert_int_equal(opens_inherited("h2c:other"), RL_PORT_H2C);
  assert_int_equal(opens_inherited("https"), RL_EINVALID); /* without a certificate */
  assert_true(why.len > 0);
  o.ports[0].role = RL_PORT_HTTPS;
  assert_int_equal(opens_inherited("https"), RL_PORT_HTTPS);
  assert_int_equal(opens_inherited("http"), RL_PORT_HTTP);
  assert_int_equal(opens_inherited("rille@blog.socket"), RL_PORT_HTTPS);
  assert_int_equal(opens_inherited(""), RL_PORT_HTTPS);
}

int main(void) {
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      EACH(each_worker_has_a_set_and_all_share_one_port),
      EACH(several_addresses_make_a_set),
      EACH(each_port_has_its_role_in_every_set),
      EACH(a_port_that_is_taken_is_explained),
      EACH(another_error_is_left_as_it_is),
      EACH(every_set_has_a_worker_and_every_worker_a_set_however_many_there_are),
      EACH(duplicates_do_not_go_to_children),
      EACH(sharing_without_descriptors_is_an_error),
      EACH(the_file_of_a_unix_socket_goes_with_us_unless_it_is_another_processs),
      EACH(urls),
      EACH(what_is_told_of_them),
      EACH(a_socket_of_systemd_is_what_its_name_says),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
