/* Opening, sharing and closing the sockets of a process; see sockets.h. */
#include "cli/sockets.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/scan.h"

enum { ADDRESSES = 64 };

void rl_sockets_add(rl_sockets *s, int fd) {
  int *more = rl_realloc(s->fds, (size_t)(s->count + 1) * sizeof *more);
  if (!more) {
    close(fd);
    return;
  }
  s->fds = more;
  s->fds[s->count++] = fd;
}

void rl_sockets_set_roles(rl_sockets *s, const char *roles, int addresses) {
  rl_free(s->roles);
  s->roles = rl_must_alloc((size_t)addresses + 1);
  memcpy(s->roles, roles, (size_t)addresses);
  s->addresses = addresses;
}

/* Returns the first address of a set at which TLS is spoken, or -1. */
static int find_secure(const rl_sockets *s) {
  for (int i = 0; i < s->addresses; i++)
    if (rl_port_is_secure((rl_port_role)s->roles[i])) return i;
  return -1;
}

bool rl_sockets_have(const rl_sockets *s, rl_port_role role) {
  return s->roles && memchr(s->roles, (int)role, (size_t)s->addresses) != NULL;
}

bool rl_sockets_are_secure(const rl_sockets *s) { return find_secure(s) >= 0; }

int rl_sockets_secure_port(const rl_sockets *s) {
  int i = find_secure(s);
  return i < 0 ? 0 : rl_listen_port(s->fds[i]);
}

/* A set in the making. */
typedef struct opening {
  rl_sockets *sockets;
  const rl_options *options;
  int ports[RL_OPTION_PORTS]; /* those that were free ones are known after the first set */
  bool joins;
  char roles[ADDRESSES];
  int count;
} opening;

/* Binds one port at all hosts. The first socket decides the port. */
static int open_port(opening *x, int which, rl_buf *why) {
  int fds[ADDRESSES], *port = &x->ports[which];
  for (int i = 0; i < x->options->host_count; i++) {
    int n = rl_bind_tcp(x->options->hosts[i], *port, x->joins, fds, ADDRESSES - x->count, why);
    if (n < 0) return n;
    if (*port == 0) *port = rl_listen_port(fds[0]);
    for (int k = 0; k < n; k++) rl_sockets_add(x->sockets, fds[k]);
    memset(x->roles + x->count, x->options->ports[which].role, (size_t)n);
    x->count += n;
  }
  return RL_OK;
}

static int open_set(opening *x, rl_buf *why) {
  int code = RL_OK;
  x->count = 0;
  for (int i = 0; i < x->options->port_count && !code; i++) code = open_port(x, i, why);
  if (!code && !x->joins) rl_sockets_set_roles(x->sockets, x->roles, x->count);
  x->joins = true;
  return code;
}

static int open_tcp(rl_sockets *s, const rl_options *o, rl_buf *why) {
  opening x = {.sockets = s, .options = o};
  int code = RL_OK;
  s->kind = RL_SOCKETS_TCP;
  for (int i = 0; i < o->port_count; i++) x.ports[i] = o->ports[i].number;
  for (int set = 0; set < o->threads && !code; set++) code = open_set(&x, why);
  return code;
}

static int open_unix(rl_sockets *s, const rl_options *o, rl_buf *why) {
  int fd, code = rl_listen_unix(o->unix_path, &fd, why);
  if (code) return code;
  rl_sockets_add(s, fd);
  s->kind = RL_SOCKETS_UNIX;
  s->path = rl_must_strdup(o->unix_path);
  s->file = rl_socket_file_of(s->path);
  rl_sockets_set_roles(s, (char[]){(char)o->ports[0].role}, 1);
  return RL_OK;
}

/* ---- systemd's ---------------------------------------------------------------------------------------------------------- */

static bool has_tls(const rl_options *o) {
  for (int i = 0; i < o->port_count; i++)
    if (rl_port_is_secure(o->ports[i].role)) return true;
  return false;
}

/* Returns what is spoken at a socket, by its name (FileDescriptorName=). Any other name is systemd's own, of the unit: where there
 * is TLS, all but port 80 speaks it. */
static rl_port_role role_of(rl_slice name, int fd, const rl_options *o) {
  if (rl_slice_eq(name, RL_SLICE("https"))) return RL_PORT_HTTPS;
  if (rl_slice_eq(name, RL_SLICE("http"))) return RL_PORT_HTTP;
  if (rl_slice_eq(name, RL_SLICE("h2c"))) return RL_PORT_H2C;
  return has_tls(o) && rl_listen_port(fd) != 80 ? RL_PORT_HTTPS : RL_PORT_HTTP;
}

/* Cuts the next name off LISTEN_FDNAMES; "" past the last. */
static rl_slice next_name(const char **names) {
  size_t len = strcspn(*names, ":");
  rl_slice name = rl_slice_of(*names, len);
  *names += len + ((*names)[len] == ':');
  return name;
}

static int take_inherited(rl_sockets *s, const rl_options *o, const int *fds, int count, rl_buf *why) {
  const char *names = getenv("LISTEN_FDNAMES");
  char roles[ADDRESSES];
  if (!names) names = "";
  for (int i = 0; i < count; i++) {
    roles[i] = (char)role_of(next_name(&names), fds[i], o);
    rl_sockets_add(s, fds[i]);
  }
  s->kind = RL_SOCKETS_SYSTEMD;
  rl_sockets_set_roles(s, roles, count);
  unsetenv("LISTEN_FDNAMES");
  if (!rl_sockets_are_secure(s) || has_tls(o)) return RL_OK;
  rl_buf_add_str(why, "LISTEN_FDNAMES names a socket https, but there is no certificate: --tls or --acme gives one");
  return RL_EINVALID;
}

static int open_any(rl_sockets *s, const rl_options *o, rl_buf *why) {
  int inherited[ADDRESSES], n = rl_listen_inherited(inherited, ADDRESSES, why);
  if (n < 0) return n;
  if (n) return take_inherited(s, o, inherited, n, why);
  return o->unix_path ? open_unix(s, o, why) : open_tcp(s, o, why);
}

/* ---- all of them ---------------------------------------------------------------------------------------------------------- */

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

static int share_set(const rl_sockets *s, int set, rl_sockets_take take, void *ud) {
  for (int i = 0; i < s->addresses; i++) {
    int fd = fcntl(s->fds[set * s->addresses + i], F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return RL_EIO;
    take(ud, fd, (rl_port_role)s->roles[i]);
  }
  return RL_OK;
}

int rl_sockets_share(const rl_sockets *s, int number, int workers, rl_sockets_take take, void *ud) {
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
  rl_free(s->roles);
  rl_free(s->path);
  *s = (rl_sockets){0};
}

/* ---- what is told of them ------------------------------------------------------------------------------------------------ */

void rl_sockets_url(rl_port_role role, const char *host, int port, char *out, size_t size) {
  snprintf(out, size, strchr(host, ':') ? "%s://[%s]:%d" : "%s://%s:%d", rl_port_is_secure(role) ? "https" : "http",
           host, port);
}

void rl_sockets_describe(const rl_sockets *s, const rl_options *o, char *out, size_t size) {
  if (s->kind == RL_SOCKETS_SYSTEMD) snprintf(out, size, "%d inherited", s->addresses);
  else if (s->kind == RL_SOCKETS_UNIX) snprintf(out, size, "%s", s->path);
  else rl_sockets_url((rl_port_role)s->roles[0], o->hosts[0], rl_listen_port(s->fds[0]), out, size);
}

void rl_sockets_describe_others(const rl_sockets *s, const rl_options *o, char *out, size_t size) {
  size_t len = 0;
  *out = 0;
  for (int i = 1; i < s->addresses && s->kind == RL_SOCKETS_TCP && len + 1 < size; i++) {
    if (rl_listen_port(s->fds[i]) == rl_listen_port(s->fds[i - 1])) continue;
    if (len) out[len++] = ' ';
    rl_sockets_url((rl_port_role)s->roles[i], o->hosts[0], rl_listen_port(s->fds[i]), out + len, size - len);
    len += strlen(out + len);
  }
}
