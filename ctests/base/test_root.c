#define _GNU_SOURCE
#include "base/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "support/test.h"

static char base[64], folder[96];
static rl_root root;
static rl_buf buf;

static int setup(void **state) {
  (void)state;
  char command[500];
  rl_buf_init(&buf, RL_BUF_NO_LIMIT);
  snprintf(base, sizeof base, "/tmp/rille-root-XXXXXX");
  if (!mkdtemp(base)) return -1;
  snprintf(command, sizeof command,
           "cd %s && mkdir -p root/sub root/empty && printf in > root/sub/file && printf out > outside && "
           "ln -s ../outside root/out && ln -s sub root/inside && ln -s / root/slash && ln -s nowhere root/dangling && "
           "printf b > root/b && printf B > root/B && printf dot > root/.dot && mkfifo root/pipe",
           base);
  if (system(command)) return -1;
  snprintf(folder, sizeof folder, "%s/root", base);
  return rl_root_beneath(&root, folder);
}

static int teardown(void **state) {
  (void)state;
  char command[100];
  rl_root_close(&root);
  rl_root_close(&root);
  rl_buf_free(&buf);
  snprintf(command, sizeof command, "rm -r %s", base);
  return system(command);
}

/* Code, and the bytes in `buf`. */
static int read_file(const rl_root *from, const char *path) {
  rl_buf_clear(&buf);
  return rl_root_read(from, path, &buf);
}

static const char *in_base(const char *name) {
  static char path[200];
  snprintf(path, sizeof path, "%s/%s", base, name);
  return path;
}

TEST(a_file_below_is_read_whole) {
  UNUSED;
  assert_int_equal(read_file(&root, "sub/file"), 0);
  assert_slice(rl_buf_slice(&buf), "in");
  assert_int_equal(read_file(&root, "inside/file"), 0); /* a link that stays inside */
  assert_slice(rl_buf_slice(&buf), "in");
}

static const char *const hostile[] = {
    "../outside", "sub/../../outside",    "/etc/passwd", "out",          "slash/etc/passwd", "..",
    "sub/../..",  "inside/../../outside", "/",           "//etc/passwd", "dangling",         "sub/file/x",
    "sub/file/",  "no\xff\xfe",           "\n"};

TEST(names_of_a_stranger_lead_nowhere) {
  UNUSED;
  for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
    struct stat info;
    int fd = 99;
    errno = 0;
    if (rl_root_open(&root, hostile[i], &fd) == 0) fail_msg("%s was opened", hostile[i]);
    assert_int_equal(fd, -1);
    assert_int_not_equal(errno, 0); /* for messages */
    assert_int_not_equal(rl_root_stat(&root, hostile[i], true, &info), 0);
    assert_int_not_equal(rl_root_list(&root, hostile[i], &buf), 0);
    assert_int_equal(buf.len, 0);
    assert_int_not_equal(read_file(&root, hostile[i]), 0);
  }
}

TEST(a_name_that_goes_up_is_not_looked_at) {
  UNUSED;
  static const char *const out[] = {"../outside", "sub/../../outside", "/etc/passwd", "..", "sub/..", "/", "//etc"};
  static const char *const in[] = {"..b", "sub/...", "a..", "a../b"};
  struct stat info;
  for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
    if (rl_root_stat(&root, out[i], false, &info) == 0) fail_msg("%s was looked at", out[i]);
    assert_int_equal(errno, EXDEV);
  }
  for (size_t i = 0; i < sizeof in / sizeof *in; i++)
    assert_int_equal(rl_root_stat(&root, in[i], false, &info), RL_ENOTFOUND); /* names like others */
}

/* Makes openat2 fail as an old kernel does, in this process for good. */
static bool forbid_openat2(void) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
  return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* 0, or a number for what is wrong. */
static int use_without_openat2(void) {
  struct stat info;
  if (!forbid_openat2()) return 77;
  if (rl_root_stat(&root, "", true, &info) || !S_ISDIR(info.st_mode)) return 1;
  if (rl_root_list(&root, "", &buf) || !buf.len) return 2;
  if (rl_root_list(&root, "sub", &buf)) return 3;
  for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
    if (rl_root_list(&root, hostile[i], &buf) == 0 || read_file(&root, hostile[i]) == 0) return 4;
  return read_file(&root, "sub/file") ? 5 : 0;
}

TEST(a_root_serves_without_openat2) {
  UNUSED;
  int status;
  pid_t child = fork();
  if (child == 0) _exit(use_without_openat2());
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) skip();
  assert_int_equal(WEXITSTATUS(status), 0);
}

TEST(a_name_that_is_too_long_is_an_error) {
  UNUSED;
  char name[5000];
  memset(name, 'a', sizeof name - 1);
  name[sizeof name - 1] = 0;
  assert_int_not_equal(read_file(&root, name), 0);
  assert_int_equal(errno, ENAMETOOLONG);
}

TEST(a_directory_and_a_file_of_nobody_are_no_text) {
  UNUSED;
  assert_int_not_equal(read_file(&root, "sub"), 0);
  assert_int_equal(errno, EISDIR);
  assert_int_equal(read_file(&root, "gone"), RL_ENOTFOUND);
  assert_int_equal(errno, ENOENT);
}

TEST(a_pipe_does_not_hold_up_who_opens_it) {
  UNUSED;
  int fd;
  struct stat info;
  assert_int_equal(rl_root_open(&root, "pipe", &fd), 0);
  assert_int_equal(fstat(fd, &info), 0);
  assert_true(S_ISFIFO(info.st_mode));
  assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  close(fd);
}

static void *write_late(void *path) {
  int fd = open(path, O_WRONLY); /* waits for the reader */
  if (fd < 0 || write(fd, "late", 4) != 4) abort();
  close(fd);
  return NULL;
}

/* rille serve <(echo …): a program may be one. */
TEST(a_pipe_is_read_to_its_end) {
  UNUSED;
  pthread_t writer;
  assert_int_equal(pthread_create(&writer, NULL, write_late, (void *)(intptr_t)in_base("root/pipe")), 0);
  assert_int_equal(read_file(&root, "pipe"), 0);
  assert_slice(rl_buf_slice(&buf), "late");
  pthread_join(writer, NULL);
}

TEST(more_than_the_buffer_takes_is_refused) {
  UNUSED;
  rl_buf_init(&buf, 2);
  assert_int_equal(read_file(&rl_root_files, in_base("outside")), RL_ETOOBIG);
}

/* Everything but "." and "..", by bytes whatever the language. */
TEST(names_are_listed_in_order) {
  UNUSED;
  static const char *const names[] = {"f.dot",   "fB",   "fb",    "ldangling", "dempty",
                                      "linside", "lout", "?pipe", "lslash",    "dsub"};
  size_t at = 0;
  rl_root_entry entry;
  assert_int_equal(rl_root_list(&root, "", &buf), 0);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    assert_true(rl_root_next(&buf, &at, &entry));
    assert_int_equal(entry.kind, names[i][0]);
    assert_string_equal(entry.name, names[i] + 1);
  }
  assert_false(rl_root_next(&buf, &at, &entry));
}

TEST(a_folder_is_listed_through_a_link_that_stays_inside) {
  UNUSED;
  size_t at = 0;
  rl_root_entry entry;
  assert_int_equal(rl_root_list(&root, "inside", &buf), 0);
  assert_true(rl_root_next(&buf, &at, &entry));
  assert_string_equal(entry.name, "file");
  assert_false(rl_root_next(&buf, &at, &entry));
  rl_buf_clear(&buf);
  assert_int_equal(rl_root_list(&root, "empty", &buf), 0);
  assert_int_equal(buf.len, 0);
  assert_int_not_equal(rl_root_list(&root, "b", &buf), 0);
  assert_int_equal(errno, ENOTDIR);
}

TEST(a_link_is_looked_at_or_through) {
  UNUSED;
  struct stat info;
  assert_int_equal(rl_root_stat(&root, "inside", true, &info), 0);
  assert_true(S_ISDIR(info.st_mode));
  assert_int_equal(rl_root_stat(&root, "inside", false, &info), 0);
  assert_true(S_ISLNK(info.st_mode));
  assert_int_equal(rl_root_stat(&root, "sub/file", true, &info), 0);
  assert_int_equal(info.st_size, 2);
}

TEST(a_root_that_is_no_directory_cannot_be_opened) {
  UNUSED;
  rl_root other;
  assert_int_not_equal(rl_root_beneath(&other, in_base("outside")), 0);
  rl_root_close(&other);
  assert_int_equal(rl_root_beneath(&other, in_base("gone")), RL_ENOTFOUND);
  rl_root_close(&other);
}

TEST(a_program_names_files_anywhere) {
  UNUSED;
  struct stat info;
  size_t at = 0;
  rl_root_entry entry;
  assert_int_equal(read_file(&rl_root_files, in_base("root/out")), 0);
  assert_slice(rl_buf_slice(&buf), "out");
  assert_int_equal(rl_root_stat(&rl_root_files, in_base("root/slash"), true, &info), 0);
  assert_true(S_ISDIR(info.st_mode));
  assert_int_equal(rl_root_stat(&rl_root_files, in_base("root/slash"), false, &info), 0);
  assert_true(S_ISLNK(info.st_mode));
  rl_buf_clear(&buf);
  assert_int_equal(rl_root_list(&rl_root_files, in_base("root/sub"), &buf), 0);
  assert_true(rl_root_next(&buf, &at, &entry));
  assert_string_equal(entry.name, "file");
  assert_int_equal(read_file(&rl_root_files, in_base("gone")), RL_ENOTFOUND);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_file_below_is_read_whole),
      CASE(names_of_a_stranger_lead_nowhere),
      CASE(a_name_that_goes_up_is_not_looked_at),
      CASE(a_root_serves_without_openat2),
      CASE(a_name_that_is_too_long_is_an_error),
      CASE(a_directory_and_a_file_of_nobody_are_no_text),
      CASE(a_pipe_does_not_hold_up_who_opens_it),
      CASE(a_pipe_is_read_to_its_end),
      CASE(more_than_the_buffer_takes_is_refused),
      CASE(names_are_listed_in_order),
      CASE(a_folder_is_listed_through_a_link_that_stays_inside),
      CASE(a_link_is_looked_at_or_through),
      CASE(a_root_that_is_no_directory_cannot_be_opened),
      CASE(a_program_names_files_anywhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
