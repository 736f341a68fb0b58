/* RILLE_HANDOVER, written and read; see handover.h. */
#define _GNU_SOURCE
#include "cli/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"

/* ---- writing ---------------------------------------------------------------------------------------------------------- */

/* "3-6,9" */
static void write_descriptors(const rl_sockets *s, rl_buf *out) {
  for (int i = 0, last; i < s->count; i = last + 1) {
    for (last = i; last + 1 < s->count && s->fds[last + 1] == s->fds[last] + 1;) last++;
    rl_buf_addf(out, "%s%d-%d", i ? "," : "", s->fds[i], s->fds[last]);
  }
}

void rl_handover_write(const rl_handover *h, rl_buf *out) {
  const rl_sockets *s = &h->sockets;
  rl_buf_addf(out,
              "RILLE_HANDOVER=%d role=%d from=%d line=%d log=%d timeout=%u kind=%d addresses=%d device=%llu inode=%llu",
              RL_HANDOVER_VERSION, (int)h->role, (int)h->from, h->line, (int)h->log, h->timeout_ms, s->kind,
              s->addresses, (unsigned long long)s->file.device, (unsigned long long)s->file.inode);
  for (int i = 0; i < h->child_count; i++)
    rl_buf_addf(out, " child=%d:%d:%d:%llu", (int)h->children[i].pid, h->children[i].line, h->children[i].serves,
                (unsigned long long)h->children[i].since_ms);
  rl_buf_add_str(out, " sockets=");
  write_descriptors(s, out);
  rl_buf_add_char(out, 0);
}

int *rl_handover_descriptors(const rl_handover *h, int *count) {
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

static bool read_number(const char *text, const char *name, unsigned long long *out) {
  char key[32];
  snprintf(key, sizeof key, " %s=", name);
  const char *at = strstr(text, key);
  char *end;
  if (!at) return false;
  *out = strtoull(at + strlen(key), &end, 10);
  return *end == ' ';
}

static bool read_int(const char *text, const char *name, int *out) {
  unsigned long long number = 0;
  bool ok = read_number(text, name, &number);
  *out = (int)(long long)number; /* strtoull takes -1 */
  return ok;
}

static bool take_descriptor(rl_sockets *s, int fd) {
  if (!is_socket(fd)) return false;
  rl_sockets_add(s, fd);
  return true;
}

static bool read_sockets(const char *text, rl_sockets *s) {
  char *at = strstr(text, " sockets=");
  if (!at) return false;
  for (at += strlen(" sockets="); *at; at += *at == ',') {
    char *middle, *end = NULL;
    long first = strtol(at, &middle, 10), last = *middle == '-' ? strtol(middle + 1, &end, 10) : -1;
    if (!end || first < 0 || last < first || last - first > 65536 || (*end && *end != ',')) return false;
    for (long fd = first; fd <= last; fd++)
      if (!take_descriptor(s, (int)fd)) return false;
    at = end;
  }
  return s->count && s->addresses > 0 && s->count % s->addresses == 0;
}

static bool read_children(const char *text, rl_handover *h) {
  for (const char *at = text; (at = strstr(at, " child=")); at++) {
    int pid, line, serves;
    unsigned long long since;
    if (h->child_count == RL_HANDOVER_CHILDREN ||
        sscanf(at, " child=%d:%d:%d:%llu", &pid, &line, &serves, &since) != 4 || !is_socket(line))
      return false;
    h->children[h->child_count++] = (struct rl_handed_child){pid, line, serves != 0, since};
  }
  return true;
}

/* The path is what it was bound to. */
static void read_path(rl_sockets *s) {
  struct sockaddr_un address = {0};
  socklen_t len = sizeof address - 1;
  if (s->kind != RL_SOCKETS_UNIX || getsockname(s->fds[0], (struct sockaddr *)&address, &len)) return;
  s->path = rl_must_strdup(address.sun_path);
}

static bool read_all(const char *text, rl_handover *h) {
  unsigned long long version = strtoull(text, NULL, 10), device, inode, timeout;
  int role, from, log;
  if (version != RL_HANDOVER_VERSION || !read_int(text, "role", &role) || !read_int(text, "from", &from) ||
      !read_int(text, "line", &h->line) || !read_int(text, "log", &log) || !read_number(text, "timeout", &timeout) ||
      !read_int(text, "kind", &h->sockets.kind) || !read_int(text, "addresses", &h->sockets.addresses) ||
      !read_number(text, "device", &device) || !read_number(text, "inode", &inode))
    return false;
  h->role = (rl_role)role;
  h->from = from;
  h->log = (rl_log_format)log;
  h->timeout_ms = (unsigned)timeout;
  h->sockets.file = (rl_socket_file){(dev_t)device, (ino_t)inode};
  if (role < RL_ROLE_WORKER || role > RL_ROLE_SUPERVISOR || (h->line >= 0 && !is_socket(h->line))) return false;
  if (!read_sockets(text, &h->sockets) || !read_children(text, h)) return false;
  read_path(&h->sockets);
  return true;
}

static int by_number(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* A connection of the one before that stayed open here would never end for its client. */
static void close_others(const rl_handover *h) {
  int count, *fds = rl_handover_descriptors(h, &count), from = STDERR_FILENO + 1;
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
    rl_buf_add_str(why, "RILLE_HANDOVER is set, but not by the rille that started this one: unset it");
    return RL_EINVALID;
  }
  unsetenv("RILLE_HANDOVER");
  close_others(h);
  return RL_OK;
}

/* ---- the line --------------------------------------------------------------------------------------------------------- */

int rl_line_open(int *ours, int *theirs) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) return RL_EIO;
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  *ours = ends[0];
  *theirs = ends[1];
  return RL_OK;
}

void rl_line_say(int line, const char *text) {
  ssize_t ignored = line >= 0 ? send(line, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
  (void)ignored;
}
