/* Sockets that connect, and names that libcurl resolves; see dial.h. */
#include "client/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/descriptors.h"
#include "base/error.h"
#include "client/host.h"
#include "client/name_dial.h"

enum { ADDRESSES = 2, HOST = 64 /* fits an address in text */, WHY = 400 };

typedef union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_un file;
} address;

/* A socket that is connecting. Lives until libuv has let go of it. */
typedef struct attempt {
  uv_poll_t poll;
  rl_dial *dial;
  int fd;
} attempt;

struct rl_dial {
  rl_engine *engine;
  const rl_address_policy *policy;
  void (*on_done)(void *owner, int fd, int code, const char *why);
  void *owner;
  rl_name_dial *by_name; /* or what follows */
  address addresses[ADDRESSES];
  unsigned count, next;
  attempt *attempt; /* or NULL */
  rl_post start;
  int code; /* of the last failure */
  char why[WHY];
};

/* ---- which addresses --------------------------------------------------------------------------------------------------- */

static void add_v4(rl_dial *dial, struct in_addr ip, uint16_t port) {
  dial->addresses[dial->count++].v4 =
      (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = ip, .sin_port = htons(port)};
}

static void add_v6(rl_dial *dial, struct in6_addr ip, uint16_t port) {
  dial->addresses[dial->count++].v6 =
      (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = ip, .sin6_port = htons(port)};
}

/* Adds the addresses of a host, if those are known. */
static void add_host(rl_dial *dial, rl_slice host, uint16_t port) {
  char text[HOST];
  struct in_addr v4 = {htonl(INADDR_LOOPBACK)};
  struct in6_addr v6 = IN6ADDR_LOOPBACK_INIT;
  bool bracketed = host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
  if (rl_host_is_localhost(host)) {
    add_v6(dial, v6, port);
    add_v4(dial, v4, port);
    return;
  }
  if (bracketed) host = rl_slice_of(host.data + 1, host.len - 2);
  if (host.len >= sizeof text) return;
  memcpy(text, host.data, host.len);
  text[host.len] = 0;
  if (bracketed && inet_pton(AF_INET6, text, &v6) == 1) add_v6(dial, v6, port);
  if (!bracketed && inet_pton(AF_INET, text, &v4) == 1) add_v4(dial, v4, port);
}

static void note(rl_dial *dial, int code, const char *why) {
  if (code == RL_EDENIED && dial->code) return; /* another address was allowed: what became of it says more */
  dial->code = code;
  snprintf(dial->why, sizeof dial->why, "%s", why);
}

static void note_errno(rl_dial *dial, int saved) {
  char why[WHY];
  int code = rl_descriptors_check_errno(saved);
  snprintf(why, sizeof why, "could not connect: %s", code ? rl_error_text(code) : strerror(saved));
  note(dial, code ? code : RL_ECONNECT, why);
}

static void add_file(rl_dial *dial, const char *path) {
  struct sockaddr_un *file = &dial->addresses[0].file;
  size_t len = strlen(path);
  if (len >= sizeof file->sun_path) {
    note_errno(dial, ENAMETOOLONG);
    return;
  }
  *file = (struct sockaddr_un){.sun_family = AF_UNIX};
  memcpy(file->sun_path, path, len);
  dial->count = 1;
}

/* Returns false if only libcurl can find them. */
static bool find_addresses(rl_dial *dial, const rl_dial_to *to) {
  rl_slice host = to->authority;
  uint16_t port = 80;
  if (to->unix_path) {
    add_file(dial, to->unix_path);
    return true;
  }
  size_t colon = host.len;
  while (colon > 0 && host.data[colon - 1] >= '0' && host.data[colon - 1] <= '9') colon--;
  if (colon > 1 && colon < host.len && host.len - colon <= 5 && host.data[colon - 1] == ':') {
    unsigned long number = strtoul(host.data + colon, NULL, 10);
    if (number > UINT16_MAX) return false;
    port = (uint16_t)number;
    host.len = colon - 1;
  }
  add_host(dial, host, port);
  return dial->count > 0;
}

/* ---- connecting -------------------------------------------------------------------------------------------------------- */

static void on_attempt_closed(uv_handle_t *handle) { rl_free(handle->data); }

/* Lets go of the socket, which is the caller's now. */
static int leave_attempt(rl_dial *dial) {
  attempt *a = dial->attempt;
  int fd = a->fd;
  dial->attempt = NULL;
  uv_poll_stop(&a->poll);
  uv_close((uv_handle_t *)&a->poll, on_attempt_closed);
  return fd;
}

static void end(rl_dial *dial, int fd) {
  dial->on_done(dial->owner, fd, fd < 0 ? dial->code : RL_OK, dial->why);
  rl_dial_del(dial);
}

static void on_name_done(void *owner, int fd, int code, const char *why) {
  rl_dial *dial = owner;
  dial->by_name = NULL; /* frees itself */
  if (code) note(dial, code, why);
  end(dial, fd);
}

static void try_next(rl_dial *dial);

static void on_connected(uv_poll_t *poll, int status, int events) {
  rl_dial *dial = ((attempt *)poll->data)->dial;
  int error = 0, fd = leave_attempt(dial);
  socklen_t len = sizeof error;
  (void)events;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len)) error = errno;
  if (!error && status < 0) error = ECONNABORTED;
  if (!error) {
    end(dial, fd);
    return;
  }
  close(fd);
  note_errno(dial, error);
  try_next(dial);
}

static bool watch(rl_dial *dial, int fd) {
  attempt *a = rl_calloc(1, sizeof *a);
  if (!a) return false;
  if (uv_poll_init(&rl_engine_loop(dial->engine)->uv, &a->poll, fd)) {
    rl_free(a);
    return false;
  }
  a->dial = dial;
  a->fd = fd;
  a->poll.data = a;
  dial->attempt = a;
  uv_poll_start(&a->poll, UV_WRITABLE, on_connected);
  return true;
}

static socklen_t length_of(const address *to) {
  return to->any.sa_family == AF_INET ? sizeof to->v4 : to->any.sa_family == AF_INET6 ? sizeof to->v6 : sizeof to->file;
}

/* Returns true if it is under way. */
static bool connect_to(rl_dial *dial, const address *to) {
  if (dial->policy && !rl_address_policy_allows(dial->policy, &to->any))
    return note(dial, RL_EDENIED, "this address may not be reached"), false;
  int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  bool begun = fd >= 0 && (connect(fd, &to->any, length_of(to)) == 0 || errno == EINPROGRESS);
  int saved = errno;
  if (begun && watch(dial, fd)) return true;
  if (fd >= 0) close(fd);
  note_errno(dial, begun ? ENOMEM : saved);
  return false;
}

static void try_next(rl_dial *dial) {
  while (dial->next < dial->count)
    if (connect_to(dial, &dial->addresses[dial->next++])) return;
  end(dial, -1);
}

/* ---- life -------------------------------------------------------------------------------------------------------------- */

static void on_start(rl_post *post) { try_next(RL_CONTAINER(post, rl_dial, start)); }

/* Returns true if it is under way, or its failure will be told from the loop. */
static bool start(rl_dial *dial, const rl_dial_to *to) {
  const char *why = "out of memory";
  int code = find_addresses(dial, to) ? RL_OK : rl_engine_open(dial->engine, &why);
  if (code) note(dial, code, why);
  if (code || dial->code || dial->count)
    return rl_loop_post(rl_engine_loop(dial->engine), &dial->start, on_start), true;
  dial->by_name = rl_name_dial_new(dial->engine, to->authority, to->policy, to->timeout_ms, on_name_done, dial);
  return dial->by_name != NULL;
}

rl_dial *rl_dial_new(rl_engine *engine, const rl_dial_to *to,
                     void (*on_done)(void *owner, int fd, int code, const char *why), void *owner) {
  rl_dial *dial = rl_calloc(1, sizeof *dial);
  if (!dial) return NULL;
  dial->engine = rl_engine_ref(engine);
  dial->policy = to->policy;
  dial->on_done = on_done;
  dial->owner = owner;
  rl_post_init(&dial->start);
  if (start(dial, to)) return dial;
  rl_dial_del(dial);
  return NULL;
}

void rl_dial_del(rl_dial *dial) {
  if (dial->by_name) rl_name_dial_del(dial->by_name);
  if (dial->attempt) close(leave_attempt(dial));
  rl_loop_unpost(rl_engine_loop(dial->engine), &dial->start);
  rl_engine_unref(dial->engine);
  rl_free(dial);
}
