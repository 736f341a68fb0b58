/* Reads small files and remembers their state; see pem_file.h. */
#include "net/tls/pem_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"

int rl_pem_file_init(rl_pem_file *file, const char *path) {
  *file = (rl_pem_file){.path = rl_strndup(path, strlen(path))};
  return file->path ? RL_OK : RL_ENOMEM;
}

void rl_pem_file_free(rl_pem_file *file) {
  rl_free(file->path);
  file->path = NULL;
}

static int refuse(const rl_pem_file *file, rl_buf *why, int code, const char *what) {
  rl_buf_addf(why, "%s: %s", file->path, what);
  return code;
}

static int64_t changed_ns(const struct stat *state) {
  return (int64_t)state->st_ctim.tv_sec * 1000000000 + state->st_ctim.tv_nsec;
}

static void note(rl_pem_file *file, const struct stat *state) {
  file->device = state->st_dev;
  file->inode = state->st_ino;
  file->size = (uint64_t)state->st_size;
  file->changed_ns = changed_ns(state);
  file->mode = state->st_mode;
}

static int read_all(int fd, rl_buf *out, size_t size) {
  while (size) {
    if (rl_buf_reserve(out, size)) return RL_ENOMEM;
    ssize_t n = read(fd, out->data + out->len, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return RL_EIO;
    if (n == 0) break;
    out->len += (size_t)n;
    size -= (size_t)n;
  }
  return RL_OK;
}

static int read_open(rl_pem_file *file, int fd, rl_buf *out, rl_buf *why) {
  struct stat state;
  if (fstat(fd, &state)) return refuse(file, why, RL_EIO, strerror(errno));
  if (!S_ISREG(state.st_mode)) return refuse(file, why, RL_EINVALID, "is no file");
  if (state.st_size > RL_PEM_FILE_MOST) return refuse(file, why, RL_EINVALID, "is larger than 1 MiB");
  note(file, &state);
  int code = read_all(fd, out, (size_t)state.st_size);
  return code ? refuse(file, why, code, code == RL_EIO ? strerror(errno) : rl_error_text(code)) : RL_OK;
}

/* Opened without waiting, for it might be a pipe. */
int rl_pem_file_read(rl_pem_file *file, rl_buf *out, rl_buf *why) {
  int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return refuse(file, why, errno == ENOENT || errno == ENOTDIR ? RL_ENOTFOUND : RL_EIO, strerror(errno));
  int code = read_open(file, fd, out, why);
  close(fd);
  return code;
}

bool rl_pem_file_has_changed(const rl_pem_file *file) {
  struct stat state;
  if (stat(file->path, &state)) return false;
  return state.st_dev != file->device || state.st_ino != file->inode || (uint64_t)state.st_size != file->size ||
         changed_ns(&state) != file->changed_ns;
}
