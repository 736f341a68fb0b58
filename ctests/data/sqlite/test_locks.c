/* Who holds a database: another process is asked to. */
#define _GNU_SOURCE
#include "data/sqlite/locks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

enum { PENDING = 0x40000000, SHM_WRITE = 120 };

static char directory[] = "/tmp/rille-locks-XXXXXX";

static void path_of(char *out, size_t size, const char *name) { snprintf(out, size, "%s/%s", directory, name); }

/* A child that holds a lock of that byte until its pipe is closed. */
static pid_t hold(const char *path, off_t byte, short kind, int *end) {
  int ready[2], stop[2];
  assert_int_equal(pipe(ready), 0);
  assert_int_equal(pipe(stop), 0);
  pid_t pid = fork();
  if (pid == 0) {
    close(stop[1]);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    struct flock lock = {.l_type = kind, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    char c = fcntl(fd, F_SETLK, &lock) == 0;
    if (write(ready[1], &c, 1) != 1 || read(stop[0], &c, 1) < 0) _exit(1);
    _exit(0);
  }
  char c = 0;
  assert_int_equal(read(ready[0], &c, 1), 1);
  assert_int_equal(c, 1);
  close(ready[0]), close(ready[1]), close(stop[0]);
  *end = stop[1];
  return pid;
}

static void let_go(pid_t pid, int end) {
  int status;
  close(end);
  assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* Returns true if the system tells at all: some sandboxes have a list that is always empty. */
static bool tells(void) {
  char path[200], name[32];
  int end;
  path_of(path, sizeof path, "tells.db");
  pid_t pid = hold(path, PENDING, F_WRLCK, &end);
  bool told = rl_locks_holder(path, name, sizeof name) == pid;
  let_go(pid, end);
  return told;
}

TEST(the_writer_of_a_database_is_named) {
  UNUSED;
  char db[200], shm[220], name[32] = "";
  int end;
  if (!tells()) skip();
  path_of(db, sizeof db, "x.db");
  snprintf(shm, sizeof shm, "%s-shm", db);
  assert_int_equal(rl_locks_holder(db, name, sizeof name), 0);
  pid_t pid = hold(db, PENDING + 1, F_WRLCK, &end);
  assert_int_equal(rl_locks_holder(db, name, sizeof name), pid);
  assert_true(name[0] != 0);
  let_go(pid, end);
  assert_int_equal(rl_locks_holder(db, name, sizeof name), 0);
  pid = hold(shm, SHM_WRITE, F_WRLCK, &end);
  assert_int_equal(rl_locks_holder(db, name, sizeof name), pid);
  let_go(pid, end);
}

TEST(who_only_reads_or_holds_something_else_is_not) {
  UNUSED;
  char db[200], shm[220], name[32];
  int end;
  path_of(db, sizeof db, "y.db");
  snprintf(shm, sizeof shm, "%s-shm", db);
  pid_t pid = hold(db, PENDING, F_RDLCK, &end);
  assert_int_equal(rl_locks_holder(db, name, sizeof name), 0);
  let_go(pid, end);
  pid = hold(shm, SHM_WRITE + 3, F_WRLCK, &end);
  assert_int_equal(rl_locks_holder(db, name, sizeof name), 0);
  let_go(pid, end);
}

TEST(a_path_that_is_none_has_no_holder) {
  UNUSED;
  char name[32], *longest = malloc(9000);
  memset(longest, 'x', 8999);
  longest[8999] = 0;
  assert_int_equal(rl_locks_holder(NULL, name, sizeof name), 0);
  assert_int_equal(rl_locks_holder("", name, sizeof name), 0);
  assert_int_equal(rl_locks_holder("/nowhere/x.db", name, sizeof name), 0);
  assert_int_equal(rl_locks_holder(longest, name, sizeof name), 0);
  free(longest);
}

static int make_directory(void **state) {
  (void)state;
  return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state) {
  (void)state;
  char command[100];
  snprintf(command, sizeof command, "rm -r %s", directory);
  return system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(the_writer_of_a_database_is_named),
                                     RUN(who_only_reads_or_holds_something_else_is_not),
                                     RUN(a_path_that_is_none_has_no_holder)};
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
