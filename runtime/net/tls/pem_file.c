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

static uint64_t mix(uint64_t hash, uint64_t value) { return (hash ^ value) * 0x9e3779b97f4a7c15u ^ hash >> 29; }

static uint64_t stamp_of(const struct stat *state) {
  uint64_t hash = mix(mix(1, state->st_dev), state->st_ino);
  hash = mix(mix(hash, (uint64_t)state->st_size), (uint64_t)state->st_ctim.tv_sec);
  hash = mix(hash, (uint64_t)state->st_ctim.tv_nsec);
  return hash ? hash : 1;
}

uint64_t rl_pem_file_stamp(const char *path) {
  struct stat state;
  return stat(path, &state) ? 0 : stamp_of(&state);
}

void rl_pem_file_note(rl_pem_file *file) { file->stamp = rl_pem_file_stamp(file->path); }

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
  file->stamp = stamp_of(&state);
  file->mode = state.st_mode;
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
  uint64_t now = rl_pem_file_stamp(file->path);
  return now && now != file->stamp;
}
