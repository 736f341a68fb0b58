/* openat2, and a walk by segments in its place; see beneath.h. */
#define _GNU_SOURCE
#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SEGMENT_ROOM = 256 };

/* Copies the first segment. Returns false with errno if it is not allowed. */
static bool take_segment(const char *path, size_t len, char out[SEGMENT_ROOM]) {
  if (len >= SEGMENT_ROOM) return errno = ENAMETOOLONG, false;
  memcpy(out, path, len);
  out[len] = 0;
  if (!len || strcmp(out, ".") == 0 || strcmp(out, "..") == 0) return errno = ENOENT, false;
  return true;
}

int rl_open_beneath_by_steps(int root, const char *path, int flags) {
  int at = root;
  for (;;) {
    const char *slash = strchr(path, '/');
    char segment[SEGMENT_ROOM];
    int fd = -1;
    if (take_segment(path, slash ? (size_t)(slash - path) : strlen(path), segment))
      fd = openat(at, segment, slash ? O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC : flags | O_NOFOLLOW);
    int saved = errno;
    if (at != root) close(at);
    errno = saved;
    if (fd < 0 || !slash) return fd;
    at = fd;
    path = slash + 1;
  }
}

int rl_open_beneath(int root, const char *path, int flags) {
  static bool missing;
  struct open_how how = {.flags = (unsigned)flags, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  if (!missing) {
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return fd;
    missing = errno == ENOSYS; /* EPERM: a seccomp filter of an old container runtime */
  }
  return rl_open_beneath_by_steps(root, path, flags);
}
