/* Asking the machine; see machine.h. */
#define _GNU_SOURCE
#include "base/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/os_error.h"
#include "base/slice.h"
#include "base/tempfile.h"

enum { PAGE = 4096 };

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Some file systems have no files without names. */
static int open_nameless(const char *folder) {
  char path[4096];
  int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
  if (snprintf(path, sizeof path, "%s/.rille-doctor-XXXXXX", folder) >= (int)sizeof path) return -1;
  fd = mkostemp(path, O_CLOEXEC);
  if (fd >= 0) unlink(path);
  return fd;
}

/* Writes each one at an offset of its own, so that the file grows too, as a log does. */
static int flush_once(int fd, unsigned i) {
  static const char page[PAGE] = {1};
  int code = rl_write_all_at(fd, (uint64_t)i * PAGE, (rl_slice){page, PAGE});
  if (code) return code;
  return fdatasync(fd) ? rl_error_from_errno(errno) : RL_OK;
}

int rl_machine_time_flushes(const char *folder, unsigned most, unsigned budget_ms, uint64_t *ns) {
  int fd = open_nameless(folder), code = RL_OK;
  if (fd < 0) return rl_error_from_errno(errno);
  uint64_t start = now_ns(), before = start;
  unsigned count = 0;
  while (count < most && before - start < (uint64_t)budget_ms * 1000000u && !(code = flush_once(fd, count))) {
    uint64_t now = now_ns();
    ns[count++] = now - before;
    before = now;
  }
  close(fd);
  return code ? code : (int)count;
}

int rl_machine_space_of(const char *path, rl_machine_space *space) {
  struct statvfs info;
  if (statvfs(path, &info)) return rl_error_from_errno(errno);
  space->free = (uint64_t)info.f_bavail * info.f_frsize;
  space->total = (uint64_t)info.f_blocks * info.f_frsize;
  space->read_only = (info.f_flag & ST_RDONLY) != 0;
  return RL_OK;
}

bool rl_machine_clock_is_kept(void) {
  struct timex state = {.modes = 0};
  int answer = adjtimex(&state);
  return answer >= 0 && answer != TIME_ERROR && !(state.status & STA_UNSYNC);
}
