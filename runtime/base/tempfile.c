/* Temporary files; see tempfile.h. */
#define _GNU_SOURCE /* O_TMPFILE, mkostemp, renameat2 */
#include "base/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/os_error.h"

static int error_of(int saved) { return rl_error_from_errno(saved); }

/* ---- without a name ---------------------------------------------------------------------------------------------------------- */

/* For file systems without O_TMPFILE: the file has a name for a moment. */
static int open_unlinked(const char *folder) {
  char path[4096];
  int len = snprintf(path, sizeof path, "%s/rille-XXXXXX", folder);
  if (len < 0 || (size_t)len >= sizeof path) return -1;
  int fd = mkostemp(path, O_CLOEXEC);
  if (fd >= 0) unlink(path);
  return fd;
}

int rl_tempfile_open(void) {
  const char *const folders[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
  int saved = ENOENT;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    if (!folders[i] || !*folders[i]) continue;
    int fd = open(folders[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) fd = open_unlinked(folders[i]);
    if (fd >= 0) return fd;
    saved = errno;
  }
  return error_of(saved);
}

/* ---- on the way to a name ------------------------------------------------------------------------------------------------------ */

/* Returns the length of "dir/" in "dir/name"; 0 for the working directory. */
static size_t folder_len(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

static char *hidden_name(const char *path) {
  uint64_t number;
  size_t folder = folder_len(path), size = folder + 32;
  if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) return NULL;
  char *name = rl_alloc(size);
  if (name) snprintf(name, size, "%.*s.rille-%016llx", (int)folder, path, (unsigned long long)number);
  return name;
}

/* Does not use mkstemp, which gives the owner's permissions only. */
int rl_tempfile_open_beside(const char *path, mode_t mode, char **name) {
  *name = hidden_name(path);
  if (!*name) return RL_ENOMEM;
  int fd = open(*name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
  if (fd >= 0) return fd;
  int saved = errno;
  rl_free(*name);
  *name = NULL;
  return error_of(saved);
}

static int sync_folder(const char *path) {
  char *folder = rl_strndup(folder_len(path) ? path : ".", folder_len(path) ? folder_len(path) : 1);
  if (!folder) return RL_ENOMEM;
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  rl_free(folder);
  if (fd < 0) return error_of(errno);
  int code = fsync(fd) ? error_of(errno) : RL_OK;
  close(fd);
  return code == RL_EINVALID ? RL_OK : code; /* a file system that cannot sync folders does not need it */
}

int rl_tempfile_commit(int fd, const char *name, const char *path) {
  if (fsync(fd) || rename(name, path)) return error_of(errno);
  return sync_folder(path);
}

/* For file systems without RENAME_NOREPLACE. */
static int link_new(const char *name, const char *path) {
  if (link(name, path)) return error_of(errno);
  unlink(name);
  return RL_OK;
}

static int rename_new(const char *name, const char *path) {
  if (renameat2(AT_FDCWD, name, AT_FDCWD, path, RENAME_NOREPLACE) == 0) return RL_OK;
  return errno == EINVAL || errno == ENOSYS ? link_new(name, path) : error_of(errno);
}

int rl_tempfile_commit_new(int fd, const char *name, const char *path) {
  if (fsync(fd)) return error_of(errno);
  int code = rename_new(name, path);
  return code ? code : sync_folder(path);
}

/* ---- bytes ----------------------------------------------------------------------------------------------------------------------- */

int rl_write_all(int fd, rl_slice bytes) {
  while (bytes.len) {
    ssize_t n = write(fd, bytes.data, bytes.len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return error_of(errno);
    bytes.data += n;
    bytes.len -= (size_t)n;
  }
  return RL_OK;
}

int rl_write_all_at(int fd, uint64_t offset, rl_slice bytes) {
  while (bytes.len) {
    ssize_t n = pwrite(fd, bytes.data, bytes.len, (off_t)offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return error_of(errno);
    bytes.data += n;
    bytes.len -= (size_t)n;
    offset += (uint64_t)n;
  }
  return RL_OK;
}

long rl_read_at(int fd, uint64_t offset, char *out, size_t size) {
  for (;;) {
    ssize_t n = pread(fd, out, size, (off_t)offset);
    if (n >= 0) return (long)n;
    if (errno != EINTR) return error_of(errno);
  }
}
