/* RILLE_HANDOVER, written and read; see handover.h. */
#define _GNU_SOURCE
#include "cli/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "cli/self.h"

enum { DESCRIPTOR_MOST = 1 << 20 };

/* ---- writing ---------------------------------------------------------------------------------------------------------- */

/* Writes ranges: "3-6,9-9". */
static void write_descriptors(const rl_sockets *s, rl_buf *out) {
  for (int i = 0, last; i < s->count; i = last + 1) {
    for (last = i; last + 1 < s->count && s->fds[last + 1] == s->fds[last] + 1;) last++;
    rl_buf_addf(out, "%s%d-%d", i ? "," : "", s->fds[i], s->fds[last]);
  }
}

void rl_handover_write(const rl_handover *h, rl_buf *out) {
  const rl_sockets *s = &h->sockets;
  rl_buf_addf(out,
              "RILLE_HANDOVER=%d role=%d from=%d line=%d log=%d timeout=%u kind=%d roles=%.*s device=%llu inode=%llu",
              RL_HANDOVER_VERSION, (int)h->role, (int)h->from, h->line, (int)h->log, h->timeout_ms, s->kind,
              s->addresses, s->roles, (unsigned long long)s->file.device, (unsigned long long)s->file.inode);
  for (int i = 0; i < h->child_count; i++)
    rl_buf_addf(out, " child=%d:%d:%d:%llu", (int)h->children[i].pid, h->children[i].line, h->children[i].serves,
                (unsigned long long)h->children[i].since_ms);
  rl_buf_add_str(out, " sockets=");
  write_descriptors(s, out);
  rl_buf_add_char(out, 0);
}

/* Returns all descriptors that go with it, and sets their count. The caller's (rl_free); NULL if out of memory. */
static int *descriptors_of(const rl_handover *h, int *count) {
  int *fds = rl_calloc((size_t)(h->sockets.count + h->child_count + 1), sizeof *fds), n = 0;
  if (!fds) return NULL;
  for (int i = 0; i < h->sockets.count; i++) fds[n++] = h->sockets.fds[i];
  for (int i = 0; i < h->child_count; i++) fds[n++] = h->children[i].line;
  if (h->line >= 0) fds[n++] = h->line;
  *count = n;
  return fds;
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

static bool is_socket(int fd) {
  struct stat info;
  return fd > STDERR_FILENO && fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode);
}

/* Returns the text of a value, or NULL if there is none of that name. */
static const char *find_value(const char *text, const char *name) {
  char key[32];
  snprintf(key, sizeof key, " %s=", name);
  const char *at = strstr(text, key);
  return at ? at + strlen(key) : NULL;
}

static bool read_number(const char *text, const char *name, unsigned long long *out) {
  const char *at = find_value(text, name);
  char *end;
  if (!at || *at < '0' || *at > '9') return false;
  errno = 0;
  *out = strtoull(at, &end, 10);
  return !errno && *end == ' ';
}

static bool read_int(const char *text, const char *name, long least, long most, int *out) {
  const char *at = find_value(text, name);
  char *end;
  if (!at) return false;
  long number = strtol(at, &end, 10);
  *out = (int)number;
  return end > at && *end == ' ' && number >= least && number <= most;
}

/* Reads what is spoken at each address of a set. */
static bool read_roles(const char *text, rl_sockets *s) {
  static const char known[] = {RL_PORT_HTTP, RL_PORT_H2C, RL_PORT_HTTPS, RL_PORT_HTTPS_1, RL_PORT_HTTPS_2, 0};
  const char *at = find_value(text, "roles");
  size_t len = at ? strspn(at, known) : 0;
  if (!len || at[len] != ' ') return false;
  rl_sockets_set_roles(s, at, (int)len);
  return true;
}

static bool take_descriptor(rl_sockets *s, int fd) {
  if (!is_socket(fd)) return false;
  rl_sockets_add(s, fd);
  return true;
}

static bool read_sockets(const char *text, rl_sockets *s) {
  const char *at = find_value(text, "sockets");
  for (; at && *at; at += *at == ',') {
    char *middle, *end = NULL;
    long first = strtol(at, &middle, 10), last = *middle == '-' ? strtol(middle + 1, &end, 10) : -1;
    if (!end || first < 0 || last < first || last > DESCRIPTOR_MOST || (*end && *end != ',')) return false;
    for (long fd = first; fd <= last; fd++)
      if (!take_descriptor(s, (int)fd)) return false;
    at = end;
  }
  return s->count && s->count % s->addresses == 0;
}

static bool read_children(const char *text, rl_handover *h) {
  for (const char *at = text; (at = strstr(at, " child=")); at++) {
    int pid, line, serves;
    unsigned long long since;
    if (h->child_count == RL_HANDOVER_CHILDREN ||
        sscanf(at, " child=%d:%d:%d:%llu", &pid, &line, &serves, &since) != 4 || pid <= 0 || !is_socket(line))
      return false;
    h->children[h->child_count++] = (struct rl_handed_child){pid, line, serves != 0, since};
  }
  return true;
}

/* Asks the kernel for the path that a unix socket was bound to. */
static void read_path(rl_sockets *s) {
  struct sockaddr_un address = {0};
  socklen_t len = sizeof address - 1;
  if (s->kind != RL_SOCKETS_UNIX || getsockname(s->fds[0], (struct sockaddr *)&address, &len)) return;
  s->path = rl_must_strdup(address.sun_path);
}

static bool read_all(const char *text, rl_handover *h) {
  unsigned long long version = strtoull(text, NULL, 10), device, inode;
  int role, log, timeout;
  if (version != RL_HANDOVER_VERSION || !read_int(text, "role", RL_ROLE_WORKER, RL_ROLE_SUPERVISOR, &role) ||
      !read_int(text, "from", 1, INT_MAX, &h->from) || !read_int(text, "line", -1, DESCRIPTOR_MOST, &h->line) ||
      !read_int(text, "log", RL_LOG_TEXT, RL_LOG_OFF, &log) || !read_int(text, "timeout", 0, INT_MAX, &timeout) ||
      !read_int(text, "kind", RL_SOCKETS_TCP, RL_SOCKETS_SYSTEMD, &h->sockets.kind) || !read_roles(text, &h->sockets) ||
      !read_number(text, "device", &device) || !read_number(text, "inode", &inode))
    return false;
  h->role = (rl_role)role;
  h->log = (rl_log_format)log;
  h->timeout_ms = (unsigned)timeout;
  h->sockets.file = (rl_socket_file){(dev_t)device, (ino_t)inode};
  if (h->line >= 0 && !is_socket(h->line)) return false;
  if (!read_sockets(text, &h->sockets) || !read_children(text, h)) return false;
  read_path(&h->sockets);
  return true;
}

static int by_number(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* Closes all other descriptors: a connection of the process before that stayed open here would never end for its client. */
static void close_others(const rl_handover *h) {
  int count, *fds = descriptors_of(h, &count), from = STDERR_FILENO + 1;
  if (!fds) return;
  qsort(fds, (size_t)count, sizeof *fds, by_number);
  for (int i = 0; i < count; i++) {
    fcntl(fds[i], F_SETFD, FD_CLOEXEC);
    if (fds[i] > from) close_range((unsigned)from, (unsigned)fds[i] - 1, 0);
    from = fds[i] + 1;
  }
  close_range((unsigned)from, ~0U, 0);
  rl_free(fds);
}

int rl_handover_take(rl_handover *h, rl_buf *why) {
  *h = (rl_handover){.line = -1};
  const char *text = getenv("RILLE_HANDOVER");
  if (!text) return RL_OK;
  if (!read_all(text, h)) {
    rl_free(h->sockets.fds); /* the descriptors are somebody else's */
    rl_free(h->sockets.roles);
    *h = (rl_handover){.line = -1};
    rl_buf_add_str(why, "RILLE_HANDOVER is set, but not by a rille that started this one: unset it");
    return RL_EINVALID;
  }
  unsetenv("RILLE_HANDOVER");
  close_others(h);
  return RL_OK;
}

/* ---- starting ----------------------------------------------------------------------------------------------------------- */

/* Opens both ends of a line, close-on-exec: ours does not block, theirs does. */
static int open_line(int *ours, int *theirs) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) return errno;
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  *ours = ends[0];
  *theirs = ends[1];
  return 0;
}

static int spawn(const rl_handover *h, const char *path, pid_t *pid) {
  rl_buf text;
  int count = 0, *fds = descriptors_of(h, &count);
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  rl_handover_write(h, &text);
  int code = fds && !text.error ? rl_self_start(path, text.data, fds, count, pid) : ENOMEM;
  rl_free(fds);
  rl_buf_free(&text);
  return code;
}

int rl_handover_start(rl_handover *h, const char *path, pid_t *pid, int *line) {
  int code = open_line(line, &h->line);
  if (code) return code;
  code = spawn(h, path, pid);
  close(h->line);
  if (code) close(*line);
  return code;
}

void rl_line_say(int line, const char *text) {
  ssize_t ignored = line >= 0 ? send(line, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
  (void)ignored;
}
