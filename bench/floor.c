/*
 * The floor: a bare epoll loop that answers every request with a constant. No parsing beyond finding the empty line that
 * ends a head, no timers, no limits. What a server costs above this is what it does for its users.
 *
 *   floor PORT        one thread, 127.0.0.1
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nDate: Sun, 22 Nov 2026 00:00:00 GMT\r\n"
    "Content-Length: 5\r\n\r\nhello";

enum { MOST_ANSWERS = 256 };

static int count_heads(const char *data, size_t len) {
  int heads = 0;
  for (const char *at = data, *end = data + len; (at = memmem(at, (size_t)(end - at), "\r\n\r\n", 4)); at += 4) heads++;
  return heads;
}

static void serve(int fd, char *answers) {
  static char in[65536];
  ssize_t n = recv(fd, in, sizeof in, 0);
  if (n <= 0) {
    close(fd);
    return;
  }
  int heads = count_heads(in, (size_t)n);
  if (heads > MOST_ANSWERS) heads = MOST_ANSWERS;
  if (heads && send(fd, answers, (size_t)heads * (sizeof answer - 1), MSG_NOSIGNAL) < 0) close(fd);
}

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) {
    perror("floor");
    exit(1);
  }
  return fd;
}

int main(int argc, char **argv) {
  if (argc != 2) return fputs("usage: floor PORT\n", stderr), 2;
  int listener = listen_on(atoi(argv[1])), epoll = epoll_create1(EPOLL_CLOEXEC), on = 1;
  char *answers = malloc(MOST_ANSWERS * (sizeof answer - 1));
  if (!answers) return 1;
  for (int i = 0; i < MOST_ANSWERS; i++) memcpy(answers + (size_t)i * (sizeof answer - 1), answer, sizeof answer - 1);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[512];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int count = epoll_wait(epoll, ready, 512, -1);
    for (int i = 0; i < count; i++) {
      if (ready[i].data.fd != listener) {
        serve(ready[i].data.fd, answers);
        continue;
      }
      int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) continue;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
      epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
  }
}
