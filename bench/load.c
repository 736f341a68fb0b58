/*
 * The load: asks one server on 127.0.0.1 over many connections, on one thread, and says what it saw as one line of JSON.
 *
 *   load PORT REQUESTS [--connections 64] [--seconds 1] [--warm 0] [--rate 0] [--pipeline 1] [--close]
 *
 * REQUESTS is a file of requests, each with its length in bytes on a line before it. They are sent in turn.
 *
 * Without --rate the loop is closed, as wrk's is: a connection sends its next request when the last one is answered.
 * With --rate it is open: request i is due at start + i / rate whatever the server does, and its latency counts from then,
 * also while it waits for a connection. So a stall counts for all requests that it held up (Gil Tene's "coordinated
 * omission"). What is due and not asked at the end counts with the time it has waited.
 *
 * What is under way at the end is still waited for: "all" counts it, "requests" does not. So a server's CPU time, taken after
 * the load has ended, is that of "all".
 *
 * --close asks each request on a connection of its own, and waits until the server has closed it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_REQUESTS = 4096, MOST_CONNECTIONS = 1024, HEAD_SIZE = 16384, IN_SIZE = 1 << 18, BUCKETS = 64 * 40 };
static const uint64_t LONGEST_END_NS = 10000000000U;  // what is asked at the end is waited for, so long

typedef struct request {
  char *data;
  size_t len;
} request;

typedef struct connection {
  int fd;
  bool connecting, busy, closing;
  const request *sending;  // NULL when all is sent
  size_t sent;
  int to_send, unanswered;  // requests of this batch
  uint64_t due_ns;          // latency counts from here
  char head[HEAD_SIZE];     // of the response, or a line of a chunk's size, until it is whole
  size_t head_len;
  enum { IN_HEAD, IN_BODY, IN_CHUNK_LINE, IN_CHUNK, IN_TRAILER } state;
  uint64_t body_left;
} connection;

static struct {
  int port, connections, pipeline;
  double seconds, warm, rate;
  bool close;
} how = {.connections = 64, .pipeline = 1, .seconds = 1};

static request requests[MOST_REQUESTS];
static size_t request_count, next_request;
static connection connections[MOST_CONNECTIONS];
static int idle[MOST_CONNECTIONS], idle_count, epoll;
static uint64_t answered, all, refused, failed, bytes, reconnects, latencies[BUCKETS], latency_count;
static uint64_t start_ns, count_from_ns, end_ns, issued;

static void die(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* Buckets of a width of 1/64 of their value at most. */
static size_t bucket_of(uint64_t ns) {
  if (ns < 64) return (size_t)ns;
  int shift = 63 - __builtin_clzll(ns) - 6;
  size_t at = (size_t)(shift + 1) * 64 + (size_t)((ns >> shift) - 64);
  return at < BUCKETS ? at : BUCKETS - 1;
}

static double bucket_us(size_t at) {
  if (at < 64) return (double)at / 1e3;
  size_t shift = at / 64 - 1;
  return (double)((at % 64 + 64) << shift) / 1e3;
}

static void note_latency(uint64_t from, uint64_t to) {
  if (to < count_from_ns) return;
  latencies[bucket_of(to > from ? to - from : 0)]++;
  latency_count++;
}

static double percentile_us(double share) {
  uint64_t seen = 0, wanted = (uint64_t)((double)latency_count * share);
  for (size_t i = 0; i < BUCKETS; i++) {
    if ((seen += latencies[i]) > wanted) return bucket_us(i);
  }
  return 0;
}

static void read_requests(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) die(path);
  size_t len;
  while (request_count < MOST_REQUESTS && fscanf(file, "%zu", &len) == 1 && fgetc(file) == '\n') {
    request *r = &requests[request_count++];
    r->len = len;
    r->data = malloc(len);
    if (!r->data || fread(r->data, 1, len, file) != len) die("requests");
  }
  fclose(file);
  if (!request_count) die("no requests");
}

static void watch(connection *c, uint32_t events, int operation) {
  struct epoll_event event = {.events = events, .data.u32 = (uint32_t)(c - connections)};
  if (epoll_ctl(epoll, operation, c->fd, &event)) die("epoll_ctl");
}

static void open_connection(connection *c) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)how.port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int on = 1;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) die("socket");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(c->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) die("connect");
  c->connecting = true;
  c->closing = false;
  c->state = IN_HEAD;
  c->head_len = 0;
  watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

static void begin(connection *c, uint64_t due);

/* Takes the next thing to do: what is due already, or a place among the idle. */
static void next(connection *c) {
  uint64_t now = now_ns();
  c->busy = false;
  if (now >= end_ns) return;
  if (how.rate <= 0) {
    begin(c, now);
    return;
  }
  uint64_t due = start_ns + (uint64_t)((double)issued * 1e9 / how.rate);
  if (due <= now) {
    issued++;
    begin(c, due);
  } else {
    idle[idle_count++] = (int)(c - connections);
  }
}

static void send_more(connection *c) {
  while (c->to_send) {
    if (!c->sending) c->sending = &requests[next_request++ % request_count];
    ssize_t n = send(c->fd, c->sending->data + c->sent, c->sending->len - c->sent, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EAGAIN) watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
      return;  // any other error shows when reading
    }
    c->sent += (size_t)n;
    if (c->sent < c->sending->len) continue;
    c->sending = NULL;
    c->sent = 0;
    c->to_send--;
  }
}

/* Several small requests leave in one call, as a pipelining client sends them. */
static bool send_together(connection *c) {
  char all[65536];
  size_t len = 0;
  for (int i = 0; i < how.pipeline; i++) {
    const request *r = &requests[(next_request + (size_t)i) % request_count];
    if (len + r->len > sizeof all) return false;
    memcpy(all + len, r->data, r->len);
    len += r->len;
  }
  if (send(c->fd, all, len, MSG_NOSIGNAL) != (ssize_t)len) return false;
  next_request += (size_t)how.pipeline;
  return true;
}

static void begin(connection *c, uint64_t due) {
  c->busy = true;
  c->due_ns = due;
  c->to_send = c->unanswered = how.pipeline;
  c->sending = NULL;
  c->sent = 0;
  if (c->fd < 0) {
    open_connection(c);
  } else if (!c->connecting) {
    if (how.pipeline > 1 && send_together(c)) c->to_send = 0;
    send_more(c);
  }
}

static void ended(connection *c, bool in_order) {
  close(c->fd);
  c->fd = -1;
  c->connecting = false;
  if (c->busy && !c->closing) failed++;
  if (!in_order || !how.close) reconnects++;
  if (c->busy) {
    next(c);
  } else if (now_ns() < end_ns) {
    open_connection(c);  // it stays among the idle
  }
}

static void end_response(connection *c) {
  uint64_t now = now_ns();
  if (now >= count_from_ns && now <= end_ns) answered++;
  all++;
  c->state = IN_HEAD;
  c->head_len = 0;
  if (--c->unanswered) return;
  note_latency(c->due_ns, now);
  if (how.close) {
    c->closing = true;
  } else {
    next(c);
  }
}

static const char *field(const char *head, const char *name) {
  size_t len = strlen(name);
  for (const char *line = strstr(head, "\r\n"); line && line[2]; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line + 2, name, len) || line[2 + len] != ':') continue;
    const char *value = line + 3 + len;
    return value + strspn(value, " \t");
  }
  return NULL;
}

static void take_head(connection *c) {
  c->head[c->head_len - 1] = 0;
  int status = atoi(c->head + 9);
  const char *length = field(c->head, "content-length"), *coding = field(c->head, "transfer-encoding");
  if (status < 200 || status > 299) refused++;
  c->head_len = 0;
  c->body_left = length ? strtoull(length, NULL, 10) : 0;
  c->state = coding ? IN_CHUNK_LINE : IN_BODY;
  if (!coding && !c->body_left) end_response(c);
}

static void take_line(connection *c) {
  c->head[c->head_len - 1] = 0;
  bool empty = c->head_len <= 2;
  if (c->state == IN_TRAILER) {
    c->head_len = 0;
    if (empty) end_response(c);
    return;
  }
  c->body_left = strtoull(c->head, NULL, 16);
  c->head_len = 0;
  c->state = c->body_left ? IN_CHUNK : IN_TRAILER;
  c->body_left += 2;  // the CRLF that ends it
}

/* Takes one byte of a head or of a line. Heads are short: most bytes are of bodies. */
static void take_byte(connection *c, char byte) {
  if (c->head_len + 1 >= HEAD_SIZE) {
    errno = EMSGSIZE;
    die("a head of a response");
  }
  c->head[c->head_len++] = byte;
  if (byte != '\n') return;
  if (c->state != IN_HEAD) {
    take_line(c);
  } else if (c->head_len >= 4 && !memcmp(c->head + c->head_len - 4, "\r\n\r\n", 4)) {
    take_head(c);
  }
}

static void take(connection *c, const char *data, size_t len) {
  while (len && c->unanswered) {
    if (c->state == IN_BODY || c->state == IN_CHUNK) {
      size_t n = len < c->body_left ? len : (size_t)c->body_left;
      data += n;
      len -= n;
      c->body_left -= n;
      if (c->body_left) continue;
      if (c->state == IN_BODY) {
        end_response(c);
      } else {
        c->state = IN_CHUNK_LINE;
      }
    } else {
      take_byte(c, *data++);
      len--;
    }
  }
}

static void on_readable(connection *c) {
  static char in[IN_SIZE];
  // What is inside of a long body is dropped by the kernel (tcp(7), MSG_TRUNC): the load shares the machine.
  bool drop = c->state == IN_BODY && c->body_left >= IN_SIZE;
  ssize_t n = recv(c->fd, in, IN_SIZE, drop ? MSG_TRUNC : 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    ended(c, n == 0);
    return;
  }
  bytes += (uint64_t)n;
  take(c, in, (size_t)n);
}

static void on_event(connection *c, uint32_t events) {
  if (c->fd < 0) return;
  if (events & EPOLLOUT) {
    c->connecting = false;
    watch(c, EPOLLIN, EPOLL_CTL_MOD);
    if (c->busy) send_more(c);
  }
  if (c->fd >= 0 && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(c);
}

/* Starts what has become due; returns when the next is, at most in 10 ms. */
static struct timespec start_due(void) {
  uint64_t now = now_ns(), wake = now + 10000000;
  while (how.rate > 0 && now < end_ns) {
    uint64_t due = start_ns + (uint64_t)((double)issued * 1e9 / how.rate);
    if (due > now) {
      if (due < wake) wake = due;
      break;
    }
    if (!idle_count) break;  // it waits for a connection, and its time runs
    issued++;
    begin(&connections[idle[--idle_count]], due);
  }
  return (struct timespec){.tv_nsec = (long)(wake - now)};
}

static bool is_any_busy(void) {
  for (int i = 0; i < how.connections; i++) {
    if (connections[i].busy) return true;
  }
  return false;
}

static void run(void) {
  struct epoll_event ready[512];
  start_ns = now_ns();
  count_from_ns = start_ns + (uint64_t)(how.warm * 1e9);
  end_ns = count_from_ns + (uint64_t)(how.seconds * 1e9);
  for (int i = 0; i < how.connections; i++) {
    connections[i].fd = -1;
    next(&connections[i]);
  }
  while (now_ns() < end_ns || (is_any_busy() && now_ns() < end_ns + LONGEST_END_NS)) {
    struct timespec wait = start_due();
    int count = epoll_pwait2(epoll, ready, 512, &wait, NULL);
    for (int i = 0; i < count; i++) on_event(&connections[ready[i].data.u32], ready[i].events);
  }
}

static void count_unanswered(void) {
  for (int i = 0; i < how.connections; i++) {
    if (connections[i].busy && !connections[i].closing) note_latency(connections[i].due_ns, now_ns());
  }
  for (uint64_t due; how.rate > 0; issued++) {
    due = start_ns + (uint64_t)((double)issued * 1e9 / how.rate);
    if (due >= end_ns) break;
    note_latency(due, end_ns);
  }
}

static double number(int argc, char **argv, int *i) {
  if (++*i >= argc) die("a number is missing");
  return atof(argv[*i]);
}

static void read_options(int argc, char **argv) {
  for (int i = 3; i < argc; i++) {
    if (!strcmp(argv[i], "--connections")) how.connections = (int)number(argc, argv, &i);
    else if (!strcmp(argv[i], "--seconds")) how.seconds = number(argc, argv, &i);
    else if (!strcmp(argv[i], "--warm")) how.warm = number(argc, argv, &i);
    else if (!strcmp(argv[i], "--rate")) how.rate = number(argc, argv, &i);
    else if (!strcmp(argv[i], "--pipeline")) how.pipeline = (int)number(argc, argv, &i);
    else if (!strcmp(argv[i], "--close")) how.close = true;
    else die(argv[i]);
  }
  if (how.connections < 1 || how.connections > MOST_CONNECTIONS || how.pipeline < 1) die("connections");
}

int main(int argc, char **argv) {
  if (argc < 3) return fputs("usage: load PORT REQUESTS [OPTIONS]\n", stderr), 2;
  how.port = atoi(argv[1]);
  errno = EINVAL;
  read_options(argc, argv);
  read_requests(argv[2]);
  prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  run();
  count_unanswered();
  printf(
      "{\"requests\": %llu, \"all\": %llu, \"refused\": %llu, \"failed\": %llu, \"reconnects\": %llu, \"bytes\": %llu, "
      "\"seconds\": %.3f, \"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"worst_us\": %.1f}\n",
      (unsigned long long)answered, (unsigned long long)all, (unsigned long long)refused, (unsigned long long)failed,
      (unsigned long long)reconnects, (unsigned long long)bytes, how.seconds, percentile_us(0.5), percentile_us(0.9),
      percentile_us(0.99), percentile_us(1.0 - 1e-12));
  return 0;
}
