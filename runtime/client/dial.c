/* Sockets that connect; see dial.h. */
#include "client/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/descriptors.h"
#include "base/error.h"
#include "base/limits.h"
#include "client/host.h"

enum { HOST = 64 /* fits an address in text */, WHY = 400 };

/* A socket that is connecting. Lives until libuv has let go of it. */
typedef struct attempt {
  rl_list node;
  uv_poll_t poll;
  rl_dial *dial;
  int fd;
} attempt;

struct rl_dial {
  rl_loop *loop;
  rl_resolver *resolver;
  const rl_address_policy *policy;
  void (*on_done)(void *owner, int fd, int code, const char *why);
  void *owner;
  rl_post start;
  rl_question question;
  rl_ip_address addresses[RL_RESOLVED_MOST];
  unsigned count, next;
  rl_list attempts;
  uv_timer_t stagger; /* on the real clock, as the network is; closed last */
  int code;           /* of the failure that says most */
  bool dead_end;      /* that one only says that there is no way to such an address */
  char why[WHY];
  struct sockaddr_un file; /* where there are no addresses, and no name */
  uint16_t port;
  char name[]; /* to be resolved; "": none */
};

/* ---- which addresses --------------------------------------------------------------------------------------------------- */

static void add_address(rl_dial *dial, const rl_ip_address *address) {
  rl_ip_address *to = &dial->addresses[dial->count++];
  *to = *address;
  if (to->any.sa_family == AF_INET) to->v4.sin_port = htons(dial->port);
  else to->v6.sin6_port = htons(dial->port);
}

static void add_v4(rl_dial *dial, struct in_addr ip) {
  add_address(dial, &(rl_ip_address){.v4 = {.sin_family = AF_INET, .sin_addr = ip}});
}

static void add_v6(rl_dial *dial, struct in6_addr ip) {
  add_address(dial, &(rl_ip_address){.v6 = {.sin6_family = AF_INET6, .sin6_addr = ip}});
}

/* Adds the addresses of a host, if those are known. */
static void add_known(rl_dial *dial, rl_slice host) {
  char text[HOST];
  struct in_addr v4 = {htonl(INADDR_LOOPBACK)};
  struct in6_addr v6 = IN6ADDR_LOOPBACK_INIT;
  bool bracketed = host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
  if (rl_host_is_localhost(host)) {
    add_v6(dial, v6);
    add_v4(dial, v4);
    return;
  }
  if (bracketed) host = rl_slice_of(host.data + 1, host.len - 2);
  if (host.len >= sizeof text) return;
  memcpy(text, host.data, host.len);
  text[host.len] = 0;
  if (bracketed && inet_pton(AF_INET6, text, &v6) == 1) add_v6(dial, v6);
  if (!bracketed && inet_pton(AF_INET, text, &v4) == 1) add_v4(dial, v4);
}

/* Adds one of that family that stands at `*at` or later, and moves `*at` after it. */
static bool add_next(rl_dial *dial, const rl_ip_address *found, unsigned count, unsigned *at, bool is_v4) {
  while (*at < count && (found[*at].any.sa_family == AF_INET) != is_v4) ++*at;
  if (*at == count) return false;
  add_address(dial, &found[(*at)++]);
  return true;
}

/* The families take turns, the first one begins (RFC 8305 section 4). */
static void add_found(rl_dial *dial, const rl_ip_address *found, unsigned count) {
  unsigned at[2] = {0, 0};
  bool turn = count && found[0].any.sa_family == AF_INET, more[2] = {true, true};
  for (; more[0] || more[1]; turn = !turn) more[turn] = more[turn] && add_next(dial, found, count, &at[turn], turn);
}

/* ---- what went wrong ----------------------------------------------------------------------------------------------------- */

static void note(rl_dial *dial, int code, const char *why) {
  if (code == RL_EDENIED && dial->code) return; /* another address was allowed: what became of it says more */
  dial->code = code;
  snprintf(dial->why, sizeof dial->why, "%s", why);
}

/* That there is no way to addresses of that family says less than how another one failed. */
static void note_errno(rl_dial *dial, int saved) {
  char why[WHY];
  bool dead_end = saved == ENETUNREACH || saved == EHOSTUNREACH || saved == EAFNOSUPPORT || saved == EADDRNOTAVAIL;
  int code = rl_descriptors_check_errno(saved);
  if (dead_end && dial->code == RL_ECONNECT && !dial->dead_end) return;
  dial->dead_end = dead_end;
  snprintf(why, sizeof why, "could not connect: %s", code ? rl_error_text(code) : strerror(saved));
  note(dial, code ? code : RL_ECONNECT, why);
}

static void note_unresolved(rl_dial *dial, int code) {
  char why[WHY];
  if (code == RL_ECONNECT) {
    note(dial, code, "the host's name could not be resolved");
    return;
  }
  snprintf(why, sizeof why, "could not connect: %s", rl_error_text(code));
  note(dial, code, why);
}

/* ---- connecting -------------------------------------------------------------------------------------------------------- */

static void on_attempt_closed(uv_handle_t *handle) { rl_free(handle->data); }

/* Lets go of the socket, which is the caller's now. */
static int leave_attempt(attempt *a) {
  rl_list_remove(&a->node);
  uv_poll_stop(&a->poll);
  uv_close((uv_handle_t *)&a->poll, on_attempt_closed);
  return a->fd;
}

static void end(rl_dial *dial, int fd) {
  dial->on_done(dial->owner, fd, fd >= 0 ? RL_OK : dial->code ? dial->code : RL_ECONNECT, dial->why);
  rl_dial_del(dial);
}

static void try_next(rl_dial *dial);

/* What the socket has failed by, or 0. */
static int failure_of(int fd, int status) {
  int error = 0;
  socklen_t len = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len)) error = errno;
  return !error && status < 0 ? ECONNABORTED : error;
}

static void on_connected(uv_poll_t *poll, int status, int events) {
  attempt *a = poll->data;
  rl_dial *dial = a->dial;
  int fd = leave_attempt(a), error = failure_of(fd, status);
  (void)events;
  rl_loop_touch(dial->loop);
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
  if (uv_poll_init(&dial->loop->uv, &a->poll, fd)) {
    rl_free(a);
    return false;
  }
  a->dial = dial;
  a->fd = fd;
  a->poll.data = a;
  rl_list_push(&dial->attempts, &a->node);
  uv_poll_start(&a->poll, UV_WRITABLE, on_connected);
  return true;
}

/* Returns true if it is under way. */
static bool connect_to(rl_dial *dial, const struct sockaddr *to, socklen_t len) {
  if (to->sa_family != AF_UNIX && dial->policy && !rl_address_policy_allows(dial->policy, to))
    return note(dial, RL_EDENIED, "this address may not be reached"), false;
  int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  bool begun = fd >= 0 && (connect(fd, to, len) == 0 || errno == EINPROGRESS);
  int saved = errno;
  if (begun && watch(dial, fd)) return true;
  if (fd >= 0) close(fd);
  note_errno(dial, begun ? ENOMEM : saved);
  return false;
}

static bool connect_to_next(rl_dial *dial) {
  const rl_ip_address *to = &dial->addresses[dial->next++];
  return connect_to(dial, &to->any, to->any.sa_family == AF_INET ? sizeof to->v4 : sizeof to->v6);
}

static void on_stagger(uv_timer_t *timer) {
  rl_dial *dial = timer->data;
  rl_loop_touch(dial->loop);
  try_next(dial);
}

/* Begins with the next address that can be begun with. Ends the dial where there is nothing more to wait for. */
static void try_next(rl_dial *dial) {
  bool begun = false;
  while (!begun && dial->next < dial->count) begun = connect_to_next(dial);
  if (dial->next < dial->count) uv_timer_start(&dial->stagger, on_stagger, RL_LIMIT_CLIENT_STAGGER_MS, 0);
  else uv_timer_stop(&dial->stagger);
  if (rl_list_empty(&dial->attempts)) end(dial, -1);
}

/* ---- life -------------------------------------------------------------------------------------------------------------- */

static void on_answer(rl_question *question, const rl_ip_address *found, unsigned count, int code) {
  rl_dial *dial = RL_CONTAINER(question, rl_dial, question);
  if (!count) note_unresolved(dial, code);
  add_found(dial, found, count);
  try_next(dial);
}

static void connect_to_file(rl_dial *dial) {
  if (!connect_to(dial, (const struct sockaddr *)&dial->file, sizeof dial->file)) end(dial, -1);
}

static void on_start(rl_post *post) {
  rl_dial *dial = RL_CONTAINER(post, rl_dial, start);
  if (dial->code) {
    end(dial, -1);
  } else if (dial->file.sun_family) {
    connect_to_file(dial);
  } else if (!dial->name[0]) {
    try_next(dial);
  } else {
    int code = rl_resolver_ask(dial->resolver, &dial->question, rl_slice_str(dial->name));
    if (!code) return;
    note_unresolved(dial, code);
    end(dial, -1);
  }
}

static void set_file(rl_dial *dial, const char *path) {
  size_t len = strlen(path);
  if (len >= sizeof dial->file.sun_path) {
    note_errno(dial, ENAMETOOLONG);
    return;
  }
  dial->file.sun_family = AF_UNIX;
  memcpy(dial->file.sun_path, path, len);
}

rl_dial *rl_dial_new(rl_loop *loop, rl_resolver *resolver, const rl_dial_to *to,
                     void (*on_done)(void *owner, int fd, int code, const char *why), void *owner) {
  rl_dial *dial = rl_calloc(1, sizeof *dial + to->host.len + 1);
  if (!dial) return NULL;
  dial->loop = loop;
  dial->resolver = resolver;
  dial->policy = to->policy;
  dial->on_done = on_done;
  dial->owner = owner;
  dial->port = (uint16_t)to->port;
  dial->question.on_answer = on_answer;
  rl_list_init(&dial->question.node);
  rl_list_init(&dial->attempts);
  rl_post_init(&dial->start);
  uv_timer_init(&loop->uv, &dial->stagger);
  dial->stagger.data = dial;
  if (to->unix_path) set_file(dial, to->unix_path);
  else add_known(dial, to->host);
  if (!to->unix_path && !dial->count) memcpy(dial->name, to->host.data, to->host.len);
  rl_loop_post(loop, &dial->start, on_start);
  return dial;
}

static void on_dial_closed(uv_handle_t *handle) { rl_free(handle->data); }

void rl_dial_del(rl_dial *dial) {
  rl_resolver_withdraw(dial->resolver, &dial->question);
  while (!rl_list_empty(&dial->attempts)) close(leave_attempt(RL_CONTAINER(dial->attempts.next, attempt, node)));
  rl_loop_unpost(dial->loop, &dial->start);
  uv_close((uv_handle_t *)&dial->stagger, on_dial_closed);
}
