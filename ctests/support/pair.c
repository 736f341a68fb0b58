/* A connected pair of TCP sockets; see pair.h. */
#include "support/pair.h"

#include <sys/socket.h>
#include <unistd.h>

#include "net/address.h"

int test_connect_pair(int fds[2]) {
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  int listener;
  rl_buf why;
  rl_buf_init(&why, 1000);
  int count = rl_listen_tcp("127.0.0.1", 0, false, &listener, 1, &why);
  rl_buf_free(&why);
  if (count != 1) return -1;
  getsockname(listener, (struct sockaddr *)&address, &len);
  fds[0] = socket(address.ss_family, SOCK_STREAM, 0);
  if (connect(fds[0], (struct sockaddr *)&address, len)) return -1;
  fds[1] = accept(listener, NULL, NULL);
  close(listener);
  return fds[1] < 0 ? -1 : 0;
}
