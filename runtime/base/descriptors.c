/* The limit of descriptors, and the reserve; see descriptors.h. */
#define _GNU_SOURCE
#include "base/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"

static atomic_uint reserve;

unsigned rl_descriptors_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > INT32_MAX) return INT32_MAX;
  return (unsigned)limit.rlim_cur;
}

void rl_descriptors_raise(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit); /* not allowed: it stays as it is */
}

/* ---- the reserve ---------------------------------------------------------------------------------------------------------- */

/* Counts those below the limit; an inherited one may be beyond it. */
static unsigned count_open(unsigned limit) {
  unsigned count = 0;
  DIR *directory = opendir("/proc/self/fd");
  if (!directory) return 0;
  for (struct dirent *entry; (entry = readdir(directory));)
    if (entry->d_name[0] != '.' && (unsigned long)atol(entry->d_name) < limit) count++;
  closedir(directory);
  return count - 1; /* the directory itself */
}

unsigned rl_descriptors_reserve(unsigned acceptors) {
  unsigned limit = rl_descriptors_limit(), open = count_open(limit), spare = RL_LIMIT_DESCRIPTORS_SPARE + acceptors;
  unsigned left = limit > open ? limit - open : 0;
  if (spare > left / 2) spare = left / 2;
  atomic_store(&reserve, spare);
  return left - spare;
}

bool rl_descriptor_is_spare(int fd) {
  unsigned spare = atomic_load_explicit(&reserve, memory_order_relaxed);
  return spare && (unsigned)fd + spare >= rl_descriptors_limit();
}

static int take_one(void) { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool rl_descriptors_have_room(void) {
  int fd = take_one();
  if (fd < 0) return false;
  close(fd);
  return !rl_descriptor_is_spare(fd);
}

/* ---- when there are none ---------------------------------------------------------------------------------------------------- */

static long now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec;
}

static void say(int saved_errno) {
  static atomic_long last;
  static atomic_uint unsaid;
  long before = atomic_load(&last), now = now_s() + 1; /* 0: never */
  if (now == before || !atomic_compare_exchange_strong(&last, &before, now)) {
    atomic_fetch_add(&unsaid, 1);
    return;
  }
  rl_log_field fields[] = {RL_LOG_TEXT_FIELD("reason", rl_slice_str(strerror(saved_errno))),
                           RL_LOG_NUMBER_FIELD("limit", rl_descriptors_limit()),
                           RL_LOG_NUMBER_FIELD("unsaid", atomic_exchange(&unsaid, 0))};
  if (saved_errno == EMFILE || saved_errno == ENFILE)
    rl_log(RL_LOG_ERROR, RL_SLICE("out of file descriptors: raise the limit (ulimit -n, LimitNOFILE)"), fields, 3);
  else rl_log(RL_LOG_ERROR, RL_SLICE("the kernel is out of memory"), fields, 1);
}

int rl_descriptors_check_errno(int saved_errno) {
  bool files = saved_errno == EMFILE || saved_errno == ENFILE, memory = saved_errno == ENOMEM || saved_errno == ENOBUFS;
  if (!files && !memory) return RL_OK;
  say(saved_errno);
  return files ? RL_ENOFILES : RL_ENOMEM;
}

int rl_descriptors_check(void) {
  int fd = take_one(), saved = errno;
  if (fd >= 0) close(fd);
  return fd >= 0 ? RL_OK : rl_descriptors_check_errno(saved);
}
