/* sd_notify(3): one datagram, to a file or an abstract name, and nothing if nobody listens. */
#include "cli/notify.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/test.h"

static int listener;

/* Listens on a path; '@' stands for the NUL of an abstract one. */
static void listen_on(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t len = strlen(path);
  memcpy(address.sun_path, path, len);
  if (*path == '@') address.sun_path[0] = 0;
  listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  assert_int_equal(
      bind(listener, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)), 0);
  setenv("NOTIFY_SOCKET", path, 1);
}

/* What has come, or "". */
static const char *heard(void) {
  static char text[64];
  ssize_t n = recv(listener, text, sizeof text - 1, 0);
  text[n > 0 ? n : 0] = 0;
  return text;
}

TEST(a_socket_with_a_path) {
  UNUSED;
  char folder[] = "/tmp/rille-test-notify-XXXXXX", path[64];
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/s", folder);
  listen_on(path);
  assert_true(rl_notify_wanted());
  rl_notify("READY=1");
  assert_string_equal(heard(), "READY=1");
  rl_notify("MAINPID=7");
  assert_string_equal(heard(), "MAINPID=7");
  close(listener);
  rl_notify("STOPPING=1"); /* nobody listens any more */
  unlink(path);
  rl_notify("STOPPING=1");
  rmdir(folder);
}

TEST(an_abstract_socket) {
  UNUSED;
  char name[64];
  snprintf(name, sizeof name, "@rille-test-notify-%d", (int)getpid());
  listen_on(name);
  rl_notify("READY=1");
  assert_string_equal(heard(), "READY=1");
  close(listener);
}

TEST(values_that_are_no_socket) {
  UNUSED;
  char long_path[512];
  memset(long_path, 'a', sizeof long_path);
  long_path[0] = '/';
  long_path[sizeof long_path - 1] = 0;
  setenv("NOTIFY_SOCKET", long_path, 1);
  rl_notify("READY=1"); /* does not fit an address: nothing happens */
  static const char *const none[] = {"", "/", "@", "relative", "vsock:2:1234"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    setenv("NOTIFY_SOCKET", none[i], 1);
    assert_false(rl_notify_wanted());
    rl_notify("READY=1");
  }
  unsetenv("NOTIFY_SOCKET");
  assert_false(rl_notify_wanted());
  rl_notify("READY=1");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(a_socket_with_a_path),
      RUN(an_abstract_socket),
      RUN(values_that_are_no_socket),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
