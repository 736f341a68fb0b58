/* Listening sockets and addresses as text; see address.h. */
#define _GNU_SOURCE
#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/os_error.h"

enum { BACKLOG = 4096 };

static int text_of_ipv6(const struct sockaddr_in6 *in6, char out[RL_ADDRESS_TEXT]) {
  if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], out, RL_ADDRESS_TEXT);
  else inet_ntop(AF_INET6, &in6->sin6_addr, out, RL_ADDRESS_TEXT);
  return ntohs(in6->sin6_port);
}

int rl_address_text(const struct sockaddr *address, char out[RL_ADDRESS_TEXT]) {
  out[0] = 0;
  if (address->sa_family == AF_INET6) return text_of_ipv6((const struct sockaddr_in6 *)(const void *)address, out);
  if (address->sa_family != AF_INET) return 0;
  const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
  inet_ntop(AF_INET, &in->sin_addr, out, RL_ADDRESS_TEXT);
  return ntohs(in->sin_port);
}

static int refuse(rl_buf *why, int saved_errno, const char *what, const char *name, int port) {
  if (port >= 0) rl_buf_addf(why, "cannot %s %s port %d: %s", what, name, port, strerror(saved_errno));
  else rl_buf_addf(why, "cannot %s %s: %s", what, name, strerror(saved_errno));
  return rl_error_from_errno(saved_errno);
}

int rl_listen_port(int fd) {
  struct sockaddr_storage address = {0};
  socklen_t len = sizeof address;
  char text[RL_ADDRESS_TEXT];
  if (getsockname(fd, (struct sockaddr *)&address, &len)) return 0;
  return rl_address_text((struct sockaddr *)&address, text);
}

/* Opens one bound socket, listening if asked. Returns -1 with errno on failure. */
static int open_one(const struct addrinfo *info, bool share, bool listens) {
  int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (info->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (share) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  bool bound = bind(fd, info->ai_addr, info->ai_addrlen) == 0;
  if (bound && !share) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (bound && (!listens || listen(fd, BACKLOG) == 0)) return fd;
  int saved = errno;
  close(fd);
  errno = saved;
  return -1;
}

static void set_port(struct addrinfo *info, int port) {
  if (info->ai_family == AF_INET6) ((struct sockaddr_in6 *)(void *)info->ai_addr)->sin6_port = htons((uint16_t)port);
  else ((struct sockaddr_in *)(void *)info->ai_addr)->sin_port = htons((uint16_t)port);
}

static int open_all(const char *host, int port, bool share, bool listens, int *fds, int max, rl_buf *why) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *list = NULL;
  char service[8];
  snprintf(service, sizeof service, "%d", port & 0xFFFF);
  int found = getaddrinfo(host, service, &hints, &list);
  if (found) {
    rl_buf_addf(why, "cannot listen on %s: %s", host, gai_strerror(found));
    return RL_ENOTFOUND;
  }
  int count = 0, failed = 0;
  for (struct addrinfo *info = list; info && count < max; info = info->ai_next) {
    if (info->ai_family != AF_INET && info->ai_family != AF_INET6) continue;
    set_port(info, port);
    fds[count] = open_one(info, share, listens);
    if (fds[count] < 0) {
      failed = errno;
      if (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL) continue; /* a family this machine does not have */
      break;
    }
    if (port == 0) port = rl_listen_port(fds[count]);
    count++;
    failed = 0;
  }
  freeaddrinfo(list);
  if (count && !failed) return count;
  while (count) close(fds[--count]);
  return refuse(why, failed ? failed : EADDRNOTAVAIL, "listen on", host, port);
}

int rl_listen_tcp(const char *host, int port, bool share, int *fds, int max, rl_buf *why) {
  return open_all(host, port, share, true, fds, max, why);
}

int rl_bind_tcp(const char *host, int port, bool share, int *fds, int max, rl_buf *why) {
  return open_all(host, port, share, false, fds, max, why);
}

int rl_listen_start(int fd) { return listen(fd, BACKLOG) ? rl_error_from_errno(errno) : RL_OK; }

/* ---- unix sockets --------------------------------------------------------------------------------------------------- */

static int refuse_path(rl_buf *why, const char *path, const char *reason) {
  rl_buf_addf(why, "cannot listen on %s: %s", path, reason);
  return RL_EEXISTS;
}

static const char *kind_of(mode_t mode) {
  if (S_ISREG(mode)) return "a file of that name is there, which is no socket";
  if (S_ISDIR(mode)) return "a directory of that name is there";
  if (S_ISLNK(mode)) return "a symbolic link of that name is there, which is no socket";
  return "something of that name is there, which is no socket";
}

/* Connects once. Returns 0 or an errno. */
static int probe(const struct sockaddr_un *address) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  int error = connect(fd, (const struct sockaddr *)address, sizeof *address) ? errno : 0;
  close(fd);
  return error;
}

/* Makes way for a socket file. Removes only a stale socket, on which nobody listens any more: no other kind of file, and no
 * socket on which somebody may listen. */
static int clear_path(const struct sockaddr_un *address, rl_buf *why) {
  struct stat found;
  const char *path = address->sun_path;
  if (lstat(path, &found)) return errno == ENOENT ? RL_OK : refuse(why, errno, "listen on", path, -1);
  if (!S_ISSOCK(found.st_mode)) return refuse_path(why, path, kind_of(found.st_mode));
  int error = probe(address);
  if (error == 0 || error == EAGAIN || error == EPROTOTYPE)
    return refuse_path(why, path, "another process listens there");
  if (error != ECONNREFUSED) return refuse(why, error, "find out who listens on", path, -1);
  return unlink(path) && errno != ENOENT ? refuse(why, errno, "listen on", path, -1) : RL_OK;
}

/* Makes an address; the path must fit. */
static struct sockaddr_un address_of(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, path, strlen(path));
  return address;
}

int rl_listen_unix(const char *path, int *fd, rl_buf *why) {
  if (!*path) return refuse_path(why, "a unix socket", "its path is empty");
  if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
    return refuse(why, ENAMETOOLONG, "listen on", path, -1);
  struct sockaddr_un address = address_of(path);
  int code = clear_path(&address, why);
  if (code) return code;
  *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (*fd < 0) return refuse(why, errno, "listen on", path, -1);
  if (bind(*fd, (struct sockaddr *)&address, sizeof address) || chmod(path, 0660) || listen(*fd, BACKLOG)) {
    int saved = errno;
    close(*fd);
    return refuse(why, saved, "listen on", path, -1);
  }
  return RL_OK;
}

rl_socket_file rl_socket_file_of(const char *path) {
  struct stat found;
  if (lstat(path, &found) || !S_ISSOCK(found.st_mode)) return (rl_socket_file){0, 0};
  return (rl_socket_file){found.st_dev, found.st_ino};
}

void rl_socket_file_remove(const char *path, rl_socket_file file) {
  rl_socket_file now = rl_socket_file_of(path);
  if (!file.inode || now.inode != file.inode || now.device != file.device) return;
  struct sockaddr_un address = address_of(path);
  if (probe(&address) == ECONNREFUSED) unlink(path); /* inode numbers are reused: it may be somebody's new socket */
}

/* ---- inherited ones --------------------------------------------------------------------------------------------------- */

static bool is_listening(int fd) {
  int on = 0;
  socklen_t len = sizeof on;
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

int rl_listen_inherited(int *fds, int max, rl_buf *why) {
  enum { FIRST = 3 };
  const char *pid = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS");
  if (!pid || !count_text || strtol(pid, NULL, 10) != getpid()) return 0;
  long count = strtol(count_text, NULL, 10);
  if (count < 0) return 0;
  if (count > max) {
    rl_buf_addf(why, "LISTEN_FDS=%s: at most %d sockets can be taken over", count_text, max);
    return RL_EINVALID;
  }
  for (int i = 0; i < (int)count; i++) {
    fds[i] = FIRST + i;
    if (!is_listening(fds[i])) {
      rl_buf_addf(why, "LISTEN_FDS=%s promises listening sockets, but descriptor %d is none", count_text, fds[i]);
      return RL_EINVALID;
    }
    fcntl(fds[i], F_SETFD, FD_CLOEXEC);
    fcntl(fds[i], F_SETFL, fcntl(fds[i], F_GETFL) | O_NONBLOCK);
  }
  unsetenv("LISTEN_PID");
  unsetenv("LISTEN_FDS");
  return (int)count;
}
