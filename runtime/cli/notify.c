/* sd_notify; see notify.h. */
#include "cli/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *socket_path(void) {
  const char *path = getenv("NOTIFY_SOCKET");
  return path && (*path == '/' || *path == '@') && path[1] ? path : NULL;
}

bool rl_notify_wanted(void) { return socket_path() != NULL; }

void rl_notify(const char *text) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char *path = socket_path();
  size_t len = path ? strlen(path) : 0;
  if (!len || len >= sizeof address.sun_path) return;
  memcpy(address.sun_path, path, len);
  if (*path == '@') address.sun_path[0] = 0; /* abstract */
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
  sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
  close(fd);
}
