/* Tests the text that goes through exec's environment: written, read back, and refused if it is not ours. */
#define _GNU_SOURCE
#include "cli/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "cli/self.h"
#include "support/test.h"

static rl_handover h;
static rl_buf text, why;
static int open_fds[8], open_count;

static bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

static int new_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_true(fd > 2);
  open_fds[open_count++] = fd;
  return fd;
}

static int setup(void **state) {
  (void)state;
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  rl_buf_init(&why, 1024);
  h = (rl_handover){.line = -1};
  open_count = 0;
  unsetenv("RILLE_HANDOVER");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  while (open_count) close(open_fds[--open_count]);
  rl_free(h.sockets.fds);
  rl_free(h.sockets.roles);
  rl_free(h.sockets.path);
  rl_buf_free(&text);
  rl_buf_free(&why);
  return 0;
}

/* Puts a handover into the environment as exec would. */
static void pass_on(const rl_handover *from) {
  rl_buf_clear(&text);
  rl_handover_write(from, &text);
  assert_int_equal(text.error, 0);
  assert_int_equal(strncmp(text.data, "RILLE_HANDOVER=", 15), 0);
  setenv("RILLE_HANDOVER", text.data + 15, 1);
}

/* One of a worker with two sockets. */
static rl_handover of_worker(void) {
  rl_handover from = {
      .role = RL_ROLE_WORKER, .from = 4711, .line = new_socket(), .log = RL_LOG_JSON, .timeout_ms = 30000};
  rl_sockets_add(&from.sockets, new_socket());
  rl_sockets_add(&from.sockets, new_socket());
  rl_sockets_set_roles(&from.sockets, "h", 1);
  return from;
}

TEST(nothing_is_handed_over_to_one_that_is_started_by_hand) {
  UNUSED;
  int other = new_socket();
  assert_int_equal(rl_handover_take(&h, &why), 0);
  assert_int_equal(h.role, RL_ROLE_ALONE);
  assert_int_equal(h.line, -1);
  assert_true(is_open(other));
}

TEST(what_is_written_is_read) {
  UNUSED;
  rl_handover from = of_worker();
  from.sockets.kind = RL_SOCKETS_SYSTEMD;
  rl_sockets_set_roles(&from.sockets, "s2", 2);
  from.sockets.file = (rl_socket_file){UINT64_C(0xFFFFFFFFFF), UINT64_C(0xFFFFFFFFFFFFFFF0)};
  pass_on(&from);
  assert_int_equal(rl_handover_take(&h, &why), 0);
  assert_int_equal(h.role, RL_ROLE_WORKER);
  assert_int_equal(h.from, 4711);
  assert_int_equal(h.line, from.line);
  assert_int_equal(h.log, RL_LOG_JSON);
  assert_int_equal(h.timeout_ms, 30000);
  assert_int_equal(h.child_count, 0);
  assert_int_equal(h.sockets.kind, RL_SOCKETS_SYSTEMD);
  assert_int_equal(h.sockets.count, 2);
  assert_int_equal(h.sockets.addresses, 2);
  assert_memory_equal(h.sockets.roles, "s2", 2);
  assert_memory_equal(h.sockets.fds, from.sockets.fds, 2 * sizeof(int));
  assert_int_equal(h.sockets.file.device, from.sockets.file.device);
  assert_int_equal(h.sockets.file.inode, from.sockets.file.inode);
  rl_free(from.sockets.fds);
  rl_free(from.sockets.roles);
}

TEST(it_is_taken_out_of_the_environment_and_children_do_not_get_the_sockets) {
  UNUSED;
  rl_handover from = of_worker();
  pass_on(&from);
  assert_int_equal(rl_handover_take(&h, &why), 0);
  assert_null(getenv("RILLE_HANDOVER"));
  assert_int_equal(fcntl(from.line, F_GETFD), FD_CLOEXEC);
  for (int i = 0; i < 2; i++) assert_int_equal(fcntl(from.sockets.fds[i], F_GETFD), FD_CLOEXEC);
  rl_free(from.sockets.fds);
  rl_free(from.sockets.roles);
}

TEST(every_other_descriptor_is_closed) {
  UNUSED;
  int before = new_socket();
  rl_handover from = of_worker();
  int after = new_socket(), far = fcntl(after, F_DUPFD, 200);
  pass_on(&from);
  assert_int_equal(rl_handover_take(&h, &why), 0);
  assert_false(is_open(before) || is_open(after) || is_open(far));
  assert_true(is_open(0) && is_open(1) && is_open(2));
  assert_true(is_open(from.line) && is_open(from.sockets.fds[0]) && is_open(from.sockets.fds[1]));
  rl_free(from.sockets.fds);
  rl_free(from.sockets.roles);
}

TEST(a_supervisor_gets_its_children) {
  UNUSED;
  rl_handover from = of_worker();
  from.role = RL_ROLE_SUPERVISOR;
  for (int i = 0; i < 3; i++)
    from.children[from.child_count++] =
        (struct rl_handed_child){100 + i, new_socket(), i == 1, UINT64_C(1) << (20 * i)};
  pass_on(&from);
  assert_int_equal(rl_handover_take(&h, &why), 0);
  assert_int_equal(h.child_count, 3);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(h.children[i].pid, 100 + i);
    assert_int_equal(h.children[i].line, from.children[i].line);
    assert_int_equal(h.children[i].serves, i == 1);
    assert_int_equal(h.children[i].since_ms, from.children[i].since_ms);
    assert_true(is_open(h.children[i].line));
  }
  rl_free(from.sockets.fds);
  rl_free(from.sockets.roles);
}

TEST(the_path_of_a_unix_socket_is_the_kernels) {
  UNUSED;
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/tmp/rille-test-handover-XXXXXX"};
  close(mkstemp(address.sun_path));
  unlink(address.sun_path);
  rl_handover from = {.role = RL_ROLE_SUCCESSOR, .from = 1, .line = -1};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  open_fds[open_count++] = fd;
  rl_sockets_add(&from.sockets, fd);
  rl_sockets_set_roles(&from.sockets, "h", 1);
  from.sockets.kind = RL_SOCKETS_UNIX;
  pass_on(&from);
  assert_int_equal(rl_handover_take(&h, &why), 0);
  assert_string_equal(h.sockets.path, address.sun_path);
  unlink(address.sun_path);
  rl_free(from.sockets.fds);
  rl_free(from.sockets.roles);
}

/* ---- what is not ours ---------------------------------------------------------------------------------------------------------- */

/* Refuses the text and leaves everything as it is. */
static void refuses_at(const char *value, int line) {
  setenv("RILLE_HANDOVER", value, 1);
  rl_buf_clear(&why);
  int code = rl_handover_take(&h, &why);
  if (code != RL_EINVALID) print_error("taken, code %d: %s\n", code, value);
  if (code != RL_EINVALID) _fail(__FILE__, line);
  assert_true(why.len > 0);
  assert_string_equal(getenv("RILLE_HANDOVER"), value);
  assert_int_equal(h.role, RL_ROLE_ALONE);
  assert_null(h.sockets.fds);
  for (int i = 0; i < open_count; i++) assert_true(is_open(open_fds[i]));
}
#define REFUSES(value) refuses_at((value), __LINE__)

TEST(what_no_rille_has_written_is_refused) {
  UNUSED;
  REFUSES("");
  REFUSES("1");
  REFUSES("yes");
  REFUSES("-1 role=1");
  REFUSES("1 sockets=3-3");
  REFUSES("2 sockets=3-3");
  REFUSES("1 role=1 from=4711 line=-1 log=0 timeout=1 kind=0 addresses=1 device=1 inode=1 sockets=3-3"); /* of 0.1 */
}

/* The text of a good handover with one value replaced. */
static void refuses_with(const char *good, const char *name, const char *value, int line) {
  char *bad = NULL, key[32];
  snprintf(key, sizeof key, " %s=", name);
  const char *at = strstr(good, key), *end = at ? at + strlen(key) + strcspn(at + strlen(key), " ") : NULL;
  assert_non_null(at);
  assert_true(asprintf(&bad, "%.*s%s%s", (int)(at - good), good, value, end) > 0);
  refuses_at(bad, line);
  free(bad);
}
#define REFUSES_WITH(name, value) refuses_with(good, name, value, __LINE__)

TEST(each_value_is_checked) {
  UNUSED;
  char good[512];
  rl_handover from = of_worker();
  pass_on(&from);
  snprintf(good, sizeof good, "%s", getenv("RILLE_HANDOVER"));
  REFUSES_WITH("role", "");
  REFUSES_WITH("role", " role=");
  REFUSES_WITH("role", " role=0");
  REFUSES_WITH("role", " role=4");
  REFUSES_WITH("role", " role=-1");
  REFUSES_WITH("role", " role=1x");
  REFUSES_WITH("role", " role=4294967297"); /* 1, if it were cut off to 32 bits */
  REFUSES_WITH("from", " from=0");
  REFUSES_WITH("from", " from=-1"); /* to kill(2), everybody */
  REFUSES_WITH("line", " line=-2");
  REFUSES_WITH("line", " line=0");
  REFUSES_WITH("line", " line=2");
  REFUSES_WITH("line", " line=9999");
  REFUSES_WITH("log", " log=3");
  REFUSES_WITH("log", " log=-1");
  REFUSES_WITH("timeout", " timeout=-1");
  REFUSES_WITH("timeout", " timeout=99999999999999999999");
  REFUSES_WITH("kind", " kind=3");
  REFUSES_WITH("kind", " kind=-1");
  REFUSES_WITH("roles", "");
  REFUSES_WITH("roles", " roles=");
  REFUSES_WITH("roles", " roles=x");
  REFUSES_WITH("roles", " roles=hx");
  REFUSES_WITH("roles", " roles=hhh"); /* two sockets are no sets of three */
  REFUSES_WITH("device", " device=-1");
  REFUSES_WITH("inode", " inode=99999999999999999999");
  REFUSES_WITH("inode", " inode=x");
  REFUSES_WITH("sockets", "");
  REFUSES_WITH("sockets", " sockets=");
  REFUSES_WITH("sockets", " sockets=0-2");
  REFUSES_WITH("sockets", " sockets=5");
  REFUSES_WITH("sockets", " sockets=5-4");
  REFUSES_WITH("sockets", " sockets=-5-5");
  REFUSES_WITH("sockets", " sockets=x-y");
  REFUSES_WITH("sockets", " sockets=3-2147483647");
  REFUSES_WITH("sockets", " sockets=4294967296-4294967301");
  REFUSES_WITH("sockets", " sockets=999-999");
  char cut[64];
  long long beyond = (1LL << 32) + from.sockets.fds[0]; /* a socket, if it were cut off to 32 bits */
  snprintf(cut, sizeof cut, " sockets=%lld-%lld", beyond, beyond);
  REFUSES_WITH("sockets", cut);
  setenv("RILLE_HANDOVER", good, 1);
  assert_int_equal(rl_handover_take(&h, &why), 0); /* it was good */
  rl_free(from.sockets.fds);
  rl_free(from.sockets.roles);
}

TEST(each_value_of_a_child_is_checked) {
  UNUSED;
  static const char *const bad[] = {
      "x",         "1:2",         "100:%d:1",   "0:%d:1:5", "-1:%d:1:5", /* to kill(2), all */
      "100:0:1:5", "100:999:1:5", "100:-1:1:5", "::::",     "100:x:1:5"};
  rl_handover from = of_worker();
  char child[64], value[512];
  pass_on(&from);
  const char *sockets = strstr(text.data, " sockets=");
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(child, sizeof child, bad[i], from.line);
#pragma GCC diagnostic pop
    snprintf(value, sizeof value, "%.*s child=%s%s", (int)(sockets - text.data - 15), text.data + 15, child, sockets);
    REFUSES(value);
  }
  rl_free(from.sockets.fds);
  rl_free(from.sockets.roles);
}

TEST(more_children_than_there_are_places_are_refused) {
  UNUSED;
  rl_handover from = of_worker();
  rl_buf value;
  rl_buf_init(&value, RL_BUF_NO_LIMIT);
  pass_on(&from);
  const char *sockets = strstr(text.data, " sockets=");
  rl_buf_add(&value, text.data + 15, (size_t)(sockets - text.data - 15));
  for (int i = 0; i <= RL_HANDOVER_CHILDREN; i++) rl_buf_addf(&value, " child=%d:%d:0:5", 100 + i, from.line);
  rl_buf_addf(&value, "%s", sockets);
  rl_buf_add_char(&value, 0);
  REFUSES(value.data);
  rl_buf_free(&value);
  rl_free(from.sockets.fds);
  rl_free(from.sockets.roles);
}

TEST(a_file_is_no_socket) {
  UNUSED;
  rl_handover from = of_worker();
  int file = open("/dev/null", O_RDONLY);
  open_fds[open_count++] = file;
  from.sockets.fds[1] = file;
  pass_on(&from);
  char value[512];
  snprintf(value, sizeof value, "%s", getenv("RILLE_HANDOVER"));
  REFUSES(value);
  rl_free(from.sockets.fds);
  rl_free(from.sockets.roles);
}

/* ---- the line -------------------------------------------------------------------------------------------------------------------- */

TEST(a_word_goes_out_whole_or_not_at_all) {
  UNUSED;
  int ends[2];
  char got[16] = {0};
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  rl_line_say(ends[0], "ready 2\n");
  assert_int_equal(read(ends[1], got, sizeof got), 8);
  assert_string_equal(got, "ready 2\n");
  close(ends[1]);
  rl_line_say(ends[0], "ready 2\n"); /* nobody hears it: no SIGPIPE */
  rl_line_say(-1, "ready 2\n");
  close(ends[0]);
}

TEST(one_that_cannot_be_started_leaves_no_descriptor) {
  UNUSED;
  rl_handover from = {.role = RL_ROLE_WORKER, .from = getpid()};
  pid_t pid = 0;
  int line, next = new_socket();
  close(open_fds[--open_count]);
  rl_sockets_add(&from.sockets, new_socket());
  rl_sockets_set_roles(&from.sockets, "h", 1);
  assert_int_equal(rl_handover_start(&from, "/nowhere/rille", &pid, &line), ENOENT);
  assert_int_equal(rl_handover_start(&from, "/tmp", &pid, &line), EACCES);
  assert_false(is_open(next + 1));
  assert_false(is_open(next + 2));
  rl_free(from.sockets.fds);
  rl_free(from.sockets.roles);
}

/* Starts this program again; main answers on the line that it was handed. */
TEST(a_process_gets_the_sockets_and_the_other_end_of_the_line) {
  UNUSED;
  rl_handover from = {.role = RL_ROLE_WORKER, .from = getpid()};
  char word[64] = {0};
  pid_t pid;
  int line, status;
  int secret = fcntl(new_socket(), F_DUPFD, 100); /* open across exec; nobody hands it over */
  open_fds[open_count++] = secret;
  rl_sockets_add(&from.sockets, new_socket());
  rl_sockets_set_roles(&from.sockets, "h", 1);
  assert_int_equal(rl_handover_start(&from, rl_self_image(), &pid, &line), 0);
  assert_true(fcntl(line, F_GETFL) & O_NONBLOCK);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
  assert_int_equal(read(line, word, sizeof word - 1), strlen("ready 2 socket alone"));
  assert_string_equal(word, "ready 2 socket alone");
  assert_int_equal(read(line, word, 1), 0); /* its end went with it */
  close(line);
  rl_free(from.sockets.fds);
  rl_free(from.sockets.roles);
}

/* Runs in the process that the last test starts. Returns its exit status. */
static int answer(void) {
  char word[64];
  if (rl_handover_take(&h, &why) || h.role != RL_ROLE_WORKER || h.from != getppid()) return 1;
  snprintf(word, sizeof word, "ready 2 %s%s", is_open(h.sockets.fds[0]) ? "socket" : "", is_open(100) ? "" : " alone");
  rl_line_say(h.line, word);
  return 0;
}

int main(int argc, char **argv) {
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  if (getenv("RILLE_HANDOVER")) return answer();
  rl_self_note(argc, argv);
  const struct CMUnitTest tests[] = {
      EACH(nothing_is_handed_over_to_one_that_is_started_by_hand),
      EACH(what_is_written_is_read),
      EACH(it_is_taken_out_of_the_environment_and_children_do_not_get_the_sockets),
      EACH(every_other_descriptor_is_closed),
      EACH(a_supervisor_gets_its_children),
      EACH(the_path_of_a_unix_socket_is_the_kernels),
      EACH(what_no_rille_has_written_is_refused),
      EACH(each_value_is_checked),
      EACH(each_value_of_a_child_is_checked),
      EACH(more_children_than_there_are_places_are_refused),
      EACH(a_file_is_no_socket),
      EACH(a_word_goes_out_whole_or_not_at_all),
      EACH(one_that_cannot_be_started_leaves_no_descriptor),
      EACH(a_process_gets_the_sockets_and_the_other_end_of_the_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
