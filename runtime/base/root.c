/* Directories as roots; see root.h. */
#define _GNU_SOURCE
#include "base/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/error.h"
#include "base/os_error.h"

/* No terminal becomes ours. */
static int flags_of(bool waits) { return O_RDONLY | O_CLOEXEC | O_NOCTTY | (waits ? 0 : O_NONBLOCK); }

/* The code for errno, which stays as it is. */
static int code_of_errno(void) {
  int saved = errno, code = rl_error_from_errno(saved);
  errno = saved;
  return code;
}

static int check_fd(int opened, int *fd) {
  *fd = opened;
  return opened < 0 ? code_of_errno() : RL_OK;
}

/* ---- listing --------------------------------------------------------------------------------------------------------------- */

static int by_bytes(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static bool is_name(const char *name) { return strcmp(name, ".") != 0 && strcmp(name, "..") != 0; }

static void free_entries(struct dirent **entries, int count) {
  for (int i = 0; i < count; i++) free(entries[i]);
  free(entries);
}

static char kind_of(const struct dirent *entry) {
  switch (entry->d_type) {
    case DT_REG: return RL_ROOT_FILE;
    case DT_DIR: return RL_ROOT_DIRECTORY;
    case DT_LNK: return RL_ROOT_LINK;
    default: return RL_ROOT_OTHER;
  }
}

/* A letter for its kind, the name, its NUL. */
static int add_entry(rl_buf *entries, const struct dirent *entry) {
  int code = rl_buf_add_char(entries, kind_of(entry));
  return code ? code : rl_buf_add(entries, entry->d_name, strlen(entry->d_name) + 1);
}

static int list_at(int directory, const char *path, rl_buf *entries) {
  struct dirent **found;
  int count = scandirat(directory, path, &found, NULL, by_bytes), code = RL_OK;
  if (count < 0) return code_of_errno();
  for (int i = 0; i < count && !code; i++)
    if (is_name(found[i]->d_name)) code = add_entry(entries, found[i]);
  free_entries(found, count);
  return code;
}

bool rl_root_next(const rl_buf *entries, size_t *at, rl_root_entry *out) {
  if (*at >= entries->len) return false;
  *out = (rl_root_entry){(rl_root_kind)entries->data[*at], entries->data + *at + 1};
  *at += strlen(out->name) + 2;
  return true;
}

/* ---- below a directory ------------------------------------------------------------------------------------------------------- */

static int open_below(const rl_root *root, const char *path, bool waits, int *fd) {
  return check_fd(rl_open_beneath(root->fd, path, flags_of(waits)), fd);
}

/* Opens a path only to look at it or into it; "" is the root itself, which rl_open_beneath need not know as ".". */
static int find_below(const rl_root *root, const char *path, int *fd) {
  int flags = O_PATH | O_CLOEXEC;
  return check_fd(*path ? rl_open_beneath(root->fd, path, flags) : openat(root->fd, ".", flags), fd);
}

/* Returns true if a path leads out of its root without a link on the way: it is absolute, or goes up. */
static bool leads_out(const char *path) {
  for (const char *at = path; (at = strstr(at, "..")); at += 2)
    if ((at == path || at[-1] == '/') && (at[2] == '/' || !at[2])) return true;
  return *path == '/';
}

static void close_keeping_errno(int fd) {
  int saved = errno;
  close(fd);
  errno = saved;
}

static int stat_below(const rl_root *root, const char *path, bool follow, struct stat *out) {
  int fd;
  if (!follow && leads_out(path)) return errno = EXDEV, code_of_errno();
  if (!follow) return fstatat(root->fd, path, out, AT_SYMLINK_NOFOLLOW) ? code_of_errno() : RL_OK;
  int code = find_below(root, path, &fd);
  if (code) return code;
  if (fstat(fd, out)) code = code_of_errno();
  close_keeping_errno(fd);
  return code;
}

static int list_below(const rl_root *root, const char *path, rl_buf *entries) {
  int fd;
  int code = find_below(root, path, &fd);
  if (code) return code;
  code = list_at(fd, ".", entries);
  close_keeping_errno(fd);
  return code;
}

static void close_below(rl_root *root) {
  if (root->fd >= 0) close(root->fd);
  root->fd = -1;
}

static const rl_root_ops below = {.open = open_below, .stat = stat_below, .list = list_below, .close = close_below};

int rl_root_beneath(rl_root *root, const char *directory) {
  *root = (rl_root){.ops = &below};
  return check_fd(open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC), &root->fd);
}

/* ---- anywhere ---------------------------------------------------------------------------------------------------------------- */

static int open_file(const rl_root *root, const char *path, bool waits, int *fd) {
  (void)root;
  return check_fd(open(path, flags_of(waits)), fd);
}

static int stat_file(const rl_root *root, const char *path, bool follow, struct stat *out) {
  (void)root;
  return (follow ? stat(path, out) : lstat(path, out)) ? code_of_errno() : RL_OK;
}

static int list_files(const rl_root *root, const char *path, rl_buf *entries) {
  (void)root;
  return list_at(AT_FDCWD, path, entries);
}

static void keep(rl_root *root) { (void)root; }

static const rl_root_ops anywhere = {.open = open_file, .stat = stat_file, .list = list_files, .close = keep};

const rl_root rl_root_files = {.ops = &anywhere, .fd = -1};

/* ---- any root ---------------------------------------------------------------------------------------------------------------- */

void rl_root_close(rl_root *root) {
  if (root->ops) root->ops->close(root);
}

int rl_root_open(const rl_root *root, const char *path, int *fd) { return root->ops->open(root, path, false, fd); }

int rl_root_stat(const rl_root *root, const char *path, bool follow, struct stat *out) {
  return root->ops->stat(root, path, follow, out);
}

int rl_root_list(const rl_root *root, const char *path, rl_buf *entries) {
  return root->ops->list(root, path, entries);
}

static int read_all(int fd, rl_buf *out) {
  char bytes[16384];
  for (;;) {
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n ? code_of_errno() : RL_OK;
    int code = rl_buf_add(out, bytes, (size_t)n);
    if (code) return code;
  }
}

int rl_root_read(const rl_root *root, const char *path, rl_buf *out) {
  int fd, code = root->ops->open(root, path, true, &fd);
  if (code) return code;
  code = read_all(fd, out);
  close_keeping_errno(fd);
  return code;
}
