/* Opening, sharing and closing the sockets of a process; see sockets.h. */
#include "cli/sockets.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/scan.h"

enum { ADDRESSES = 16 };

void rl_sockets_add(rl_sockets *s, int fd) {
  int *more = rl_realloc(s->fds, (size_t)(s->count + 1) * sizeof *more);
  if (!more) {
    close(fd);
    return;
  }
  s->fds = more;
  s->fds[s->count++] = fd;
}

/* One set: those of the first decide the port. */
static int open_set(rl_sockets *s, const rl_options *o, int *port, bool joins, rl_buf *why) {
  int fds[ADDRESSES], count = 0;
  for (int i = 0; i < o->host_count; i++) {
    int n = rl_bind_tcp(o->hosts[i], *port, joins, fds + count, ADDRESSES - count, why);
    if (n < 0) return n;
    if (*port == 0) *port = rl_listen_port(fds[count]);
    for (int k = count; k < count + n; k++) rl_sockets_add(s, fds[k]);
    count += n;
  }
  s->addresses = count;
  return RL_OK;
}

static int open_unix(rl_sockets *s, const char *path, rl_buf *why) {
  int fd, code = rl_listen_unix(path, &fd, why);
  if (code) return code;
  rl_sockets_add(s, fd);
  s->kind = RL_SOCKETS_UNIX;
  s->path = rl_must_strdup(path);
  s->file = rl_socket_file_of(path);
  s->addresses = 1;
  return RL_OK;
}

static int open_any(rl_sockets *s, const rl_options *o, rl_buf *why) {
  int inherited[ADDRESSES], n = rl_listen_inherited(inherited, ADDRESSES, why), port = o->port;
  if (n < 0) return n;
  for (int i = 0; i < n; i++) rl_sockets_add(s, inherited[i]);
  s->kind = n ? RL_SOCKETS_SYSTEMD : RL_SOCKETS_TCP;
  s->addresses = n;
  if (n) return RL_OK;
  if (o->unix_path) return open_unix(s, o->unix_path, why);
  for (int set = 0; set < o->threads; set++) {
    int code = open_set(s, o, &port, set > 0, why);
    if (code) return code;
  }
  return RL_OK;
}

void rl_sockets_explain(rl_buf *why) {
  if (why->len && rl_scan_find(rl_buf_slice(why), RL_SLICE("already in use"), 0) >= 0)
    rl_buf_add_str(why, " (another program has it: rille doctor says which, --port takes another port)");
}

int rl_sockets_open(rl_sockets *s, const rl_options *o, rl_buf *why) {
  *s = (rl_sockets){0};
  int code = open_any(s, o, why);
  if (code) rl_sockets_explain(why);
  if (code) rl_sockets_close(s);
  return code;
}

int rl_sockets_listen(const rl_sockets *s) {
  for (int i = 0; i < s->count; i++)
    if (rl_listen_start(s->fds[i])) return RL_EIO;
  return RL_OK;
}

static int share_set(const rl_sockets *s, int set, void (*take)(void *ud, int fd), void *ud) {
  for (int i = 0; i < s->addresses; i++) {
    int fd = fcntl(s->fds[set * s->addresses + i], F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return RL_EIO;
    take(ud, fd);
  }
  return RL_OK;
}

int rl_sockets_share(const rl_sockets *s, int number, int workers, void (*take)(void *ud, int fd), void *ud) {
  int sets = s->count / s->addresses, code = RL_OK;
  if (workers >= sets) return share_set(s, (number - 1) % sets, take, ud);
  for (int set = number - 1; set < sets && !code; set += workers) code = share_set(s, set, take, ud);
  return code;
}

void rl_sockets_close(rl_sockets *s) {
  while (s->count) close(s->fds[--s->count]);
}

void rl_sockets_free(rl_sockets *s) {
  rl_sockets_close(s);
  if (s->path) rl_socket_file_remove(s->path, s->file);
  rl_free(s->fds);
  rl_free(s->path);
  *s = (rl_sockets){0};
}

void rl_sockets_url(const char *host, int port, char *out, size_t size) {
  snprintf(out, size, strchr(host, ':') ? "http://[%s]:%d" : "http://%s:%d", host, port);
}

void rl_sockets_describe(const rl_sockets *s, const rl_options *o, char *out, size_t size) {
  if (s->kind == RL_SOCKETS_SYSTEMD) snprintf(out, size, "%d inherited", s->addresses);
  else if (s->kind == RL_SOCKETS_UNIX) snprintf(out, size, "%s", s->path);
  else rl_sockets_url(o->hosts[0], rl_listen_port(s->fds[0]), out, size);
}
