/* libcurl's multi interface on libuv; see engine.h. */
#include "client/engine.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "net/address.h"
#include "net/tcp.h"

/* One socket. `ours` was made by rl_engine_socket and, once it is connected, lives until curl closes it by our callback.
 * Others live only as long as curl cares: the pair that a resolver thread wakes us by, and sockets still connecting, which
 * curl 7.88 closes without a word (cf-socket.c, "not active"). */
typedef struct watcher {
  uv_poll_t poll;
  rl_engine *engine;
  curl_socket_t fd;
  int wants;  /* what curl cares about: UV_READABLE, UV_WRITABLE */
  int active; /* what libuv watches */
  bool ours;
  long local;          /* its own port: what curl names a connection by; 0: not asked for yet */
  const rl_easy *user; /* whose request went out on it last, as far as we know */
  bool idle;           /* a kept HTTP/1.1 connection that nobody uses: its server has nothing to say */
} watcher;

struct rl_engine {
  rl_loop *loop;
  CURLM *multi; /* NULL until it is needed */
  uv_timer_t due;
  rl_post kick;
  watcher **watchers; /* by descriptor */
  size_t watcher_cap;
  rl_list pools;
  rl_list early; /* wires; see engine.h */
  rl_resolver *resolver;
  unsigned refs;
};

/* ---- what curl has finished -------------------------------------------------------------------------------------- */

static rl_easy *easy_of(CURL *curl) {
  rl_easy *easy = NULL;
  rl_curl.easy_getinfo(curl, CURLINFO_PRIVATE, (char **)&easy);
  return easy;
}

static void detach(rl_engine *engine, rl_easy *easy) {
  easy->added = false;
  rl_list_remove(&easy->early);
  rl_curl.multi_remove_handle(engine->multi, easy->curl);
}

static curl_socket_t socket_of(const rl_easy *easy) {
  curl_socket_t fd = CURL_SOCKET_BAD;
  rl_curl.easy_getinfo(easy->curl, CURLINFO_ACTIVESOCKET, &fd);
  return fd;
}

static watcher *watcher_of(const rl_engine *engine, curl_socket_t fd) {
  return fd >= 0 && (size_t)fd < engine->watcher_cap ? engine->watchers[fd] : NULL;
}

/* Something has come on a connection that nobody uses: its end, or nothing that anybody has asked for. Under TLS curl would
 * take the closing alert for a sign of life and lose a request on it; with the bytes gone it finds the end. (A server that
 * renews a session ticket between two requests costs itself the connection.) Curl may still write its own alert: that this
 * fails would stand in the words of whichever transfer makes it close the connection. */
static void end_idle(watcher *w) {
  char dropped[4096];
  for (int i = 0; i < 16 && recv(w->fd, dropped, sizeof dropped, MSG_DONTWAIT) > 0; i++) continue;
  shutdown(w->fd, SHUT_RD);
}

/* Who has ended well leaves its connection to the next one, which may use it already; HTTP/2 may say something meanwhile. */
static void note_idle(rl_engine *engine, const rl_easy *easy) {
  long version = 0;
  watcher *w = watcher_of(engine, socket_of(easy));
  if (!w || w->user != easy) return;
  rl_curl.easy_getinfo(easy->curl, CURLINFO_HTTP_VERSION, &version);
  w->user = NULL;
  w->idle = version == CURL_HTTP_VERSION_1_1;
}

static long local_port_of(watcher *w) {
  if (!w->local) w->local = rl_listen_port(w->fd);
  return w->local;
}

bool rl_engine_note_busy(rl_engine *engine, rl_easy *easy, long local_port) {
  bool fresh = true;
  easy->connected = true;
  for (size_t i = 0; local_port && i < engine->watcher_cap; i++) {
    watcher *w = engine->watchers[i];
    if (!w || !w->ours || local_port_of(w) != local_port) continue;
    if (w->idle && rl_socket_has_news(w->fd)) fresh = false, end_idle(w);
    w->user = easy;
    w->idle = false;
  }
  return fresh;
}

void rl_engine_note_early(rl_engine *engine, rl_easy *easy) {
  if (rl_list_empty(&easy->early)) rl_list_push(&engine->early, &easy->early);
}

static void take_ended(rl_engine *engine) {
  CURLMsg *message;
  int left;
  while ((message = rl_curl.multi_info_read(engine->multi, &left))) {
    rl_easy *easy = easy_of(message->easy_handle);
    CURLcode result = message->data.result;
    if (!result) note_idle(engine, easy);
    detach(engine, easy);
    easy->on_done(easy, result);
  }
}

static void look_again(rl_engine *engine, const rl_easy *easy) {
  int running;
  for (size_t i = 0; i < engine->watcher_cap; i++) {
    watcher *w = engine->watchers[i];
    bool listens = w && w->user == easy && (w->wants & UV_READABLE); /* not one that is paused */
    if (listens) rl_curl.multi_socket_action(engine->multi, w->fd, CURL_CSELECT_IN, &running);
  }
}

/* Whoever is told of an end may drop the last reference. */
static void act(rl_engine *engine, curl_socket_t fd, int events) {
  int running;
  rl_engine_ref(engine);
  rl_curl.multi_socket_action(engine->multi, fd, events, &running);
  RL_LIST_EACH(&engine->early, node) look_again(engine, RL_CONTAINER(node, rl_easy, early));
  take_ended(engine);
  rl_engine_unref(engine);
}

/* ---- sockets --------------------------------------------------------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(watcher *w, int events) {
  if (events == w->active) return;
  w->active = events;
  if (events) uv_poll_start(&w->poll, events, on_poll);
  else uv_poll_stop(&w->poll);
}

/* Nobody waits for anything on that socket: its connection is kept, or its transfer is paused. What the event tells of may
 * have been read already, when curl looked at it for another reason in this turn. */
static void look_at_unwanted(watcher *w) {
  if (w->idle && w->active && !rl_socket_has_news(w->fd)) return;
  watch(w, 0);
  if (w->idle) end_idle(w);
}

/* An error of the socket (libuv then stops watching). Curl would end the transfer at the word of it; told that it may read
 * and write, it reads first what came before the error, an early answer perhaps, and meets the error itself after that. */
static void look_at_failed(watcher *w) {
  rl_engine *engine = rl_engine_ref(w->engine);
  curl_socket_t fd = w->fd;
  act(engine, fd, CURL_CSELECT_IN | CURL_CSELECT_OUT | CURL_CSELECT_ERR);
  w = watcher_of(engine, fd);
  if (w && w->wants) watch(w, w->wants);
  rl_engine_unref(engine);
}

static int bits_of(int events) {
  return (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  watcher *w = poll->data;
  rl_loop_touch(w->engine->loop);
  if (status < 0) w->active = 0;
  if (!w->wants) look_at_unwanted(w);
  else if (status < 0) look_at_failed(w);
  else act(w->engine, w->fd, bits_of(events));
}

static watcher **place_of(rl_engine *engine, curl_socket_t fd) {
  size_t index = (size_t)fd;
  if (index >= engine->watcher_cap) {
    size_t cap = index + 64;
    watcher **grown = rl_realloc(engine->watchers, cap * sizeof *grown);
    if (!grown) return NULL;
    memset(grown + engine->watcher_cap, 0, (cap - engine->watcher_cap) * sizeof *grown);
    engine->watchers = grown;
    engine->watcher_cap = cap;
  }
  return &engine->watchers[index];
}

static watcher *make_watcher(rl_engine *engine, curl_socket_t fd, bool ours) {
  watcher **ticket = place_of(engine, fd), *w = ticket ? rl_calloc(1, sizeof *w) : NULL;
  if (!w) return NULL;
  w->engine = engine;
  w->fd = fd;
  w->ours = ours;
  if (uv_poll_init(&engine->loop->uv, &w->poll, fd)) {
    rl_free(w);
    return NULL;
  }
  w->poll.data = w;
  return *ticket = w;
}

static void on_watcher_closed(uv_handle_t *handle) { rl_free(handle->data); }

static void drop_watcher(rl_engine *engine, watcher *w) {
  engine->watchers[w->fd] = NULL;
  uv_poll_stop(&w->poll);
  uv_close((uv_handle_t *)&w->poll, on_watcher_closed);
}

/* CURLMOPT_SOCKETFUNCTION: what curl cares about from now on. A socket of ours that is idle stays watched for reading. */
static int on_socket(CURL *curl, curl_socket_t fd, int what, void *ud, void *unused) {
  (void)curl, (void)unused;
  rl_engine *engine = ud;
  watcher *w = watcher_of(engine, fd);
  if (!w && what == CURL_POLL_REMOVE) return 0;
  if (!w && !(w = make_watcher(engine, fd, false))) return -1;
  w->wants =
      what == CURL_POLL_REMOVE ? 0 : (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
  if (what == CURL_POLL_REMOVE && !(w->ours && easy_of(curl)->connected)) drop_watcher(engine, w);
  else if (w->wants || w->active != UV_READABLE) watch(w, w->wants);
  return 0;
}

curl_socket_t rl_engine_socket(rl_engine *engine, const struct curl_sockaddr *address) {
  int type = address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK;
  curl_socket_t fd = socket(address->family, type, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  if (make_watcher(engine, fd, true)) return fd;
  close(fd);
  return CURL_SOCKET_BAD;
}

/* CURLOPT_CLOSESOCKETFUNCTION: libuv lets go of the descriptor before it may be given out again. */
static int on_close_socket(void *ud, curl_socket_t fd) {
  rl_engine *engine = ud;
  watcher *w = watcher_of(engine, fd);
  if (w) drop_watcher(engine, w);
  return close(fd);
}

/* ---- curl's clock ------------------------------------------------------------------------------------------------------ */

static void on_due(uv_timer_t *timer) {
  rl_engine *engine = timer->data;
  act(engine, CURL_SOCKET_TIMEOUT, 0);
}

static void on_kick(rl_post *post) { act(RL_CONTAINER(post, rl_engine, kick), CURL_SOCKET_TIMEOUT, 0); }

/* CURLMOPT_TIMERFUNCTION. Called from inside curl, so what is due at once must wait until curl has returned. */
static int on_timer(CURLM *multi, long timeout_ms, void *ud) {
  (void)multi;
  rl_engine *engine = ud;
  if (timeout_ms > 0) uv_timer_start(&engine->due, on_due, (uint64_t)timeout_ms, 0);
  else uv_timer_stop(&engine->due);
  if (timeout_ms == 0) rl_loop_post(engine->loop, &engine->kick, on_kick);
  else rl_loop_unpost(engine->loop, &engine->kick);
  return 0;
}

/* ---- life ---------------------------------------------------------------------------------------------------------------- */

rl_engine *rl_engine_new(rl_loop *loop) {
  rl_engine *engine = rl_calloc(1, sizeof *engine);
  rl_resolver *resolver = engine ? rl_resolver_new(loop) : NULL;
  if (!resolver) {
    rl_free(engine);
    return NULL;
  }
  engine->loop = loop;
  engine->resolver = resolver;
  engine->refs = 1;
  rl_list_init(&engine->pools);
  rl_list_init(&engine->early);
  rl_post_init(&engine->kick);
  uv_timer_init(&loop->uv, &engine->due);
  uv_unref((uv_handle_t *)&engine->due);
  engine->due.data = engine;
  return engine;
}

int rl_engine_open(rl_engine *engine, const char **why) {
  if (engine->multi) return RL_OK;
  int code = rl_curl_load(why);
  if (code) return code;
  CURLM *multi = engine->multi = rl_curl.multi_init();
  if (!multi) return RL_ENOMEM;
  rl_curl.multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  rl_curl.multi_setopt(multi, CURLMOPT_SOCKETDATA, engine);
  rl_curl.multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
  rl_curl.multi_setopt(multi, CURLMOPT_TIMERDATA, engine);
  rl_curl.multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
  rl_curl.multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)RL_LIMIT_CLIENT_IDLE);
  return RL_OK;
}

rl_engine *rl_engine_ref(rl_engine *engine) {
  engine->refs++;
  return engine;
}

static void on_engine_closed(uv_handle_t *handle) {
  rl_engine *engine = handle->data;
  rl_free(engine->watchers);
  rl_free(engine);
}

void rl_engine_unref(rl_engine *engine) {
  if (--engine->refs) return;
  if (engine->multi)
    rl_curl.multi_cleanup(engine->multi); /* closes what is still connected, and calls back for each socket */
  for (size_t i = 0; i < engine->watcher_cap; i++)
    if (engine->watchers[i]) drop_watcher(engine, engine->watchers[i]);
  rl_loop_unpost(engine->loop, &engine->kick);
  rl_resolver_del(engine->resolver);
  uv_close((uv_handle_t *)&engine->due, on_engine_closed);
}

rl_loop *rl_engine_loop(const rl_engine *engine) { return engine->loop; }
rl_resolver *rl_engine_resolver(const rl_engine *engine) { return engine->resolver; }
rl_list *rl_engine_pools(rl_engine *engine) { return &engine->pools; }

/* ---- transfers ------------------------------------------------------------------------------------------------------------- */

void rl_engine_prepare(rl_engine *engine, CURL *curl) {
  RL_CURL_SET(curl, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
  RL_CURL_SET(curl, CURLOPT_CLOSESOCKETDATA, engine);
  RL_CURL_SET(curl, CURLOPT_NOSIGNAL, 1L);
  RL_CURL_SET(curl, CURLOPT_QUICK_EXIT, 1L); /* a hanging getaddrinfo does not hold up a removal */
}

int rl_engine_add(rl_engine *engine, rl_easy *easy) {
  RL_CURL_SET(easy->curl, CURLOPT_PRIVATE, easy);
  easy->connected = false;
  rl_list_init(&easy->early);
  if (rl_curl.multi_add_handle(engine->multi, easy->curl)) return RL_ENOMEM;
  easy->added = true;
  return RL_OK;
}

void rl_engine_remove(rl_engine *engine, rl_easy *easy) {
  if (!easy->added) return;
  RL_CURL_SET(easy->curl, CURLOPT_FORBID_REUSE, 1L); /* else one of HTTP/2 is kept, dead or alive */
  detach(engine, easy);
}

long rl_engine_connect_timeout(uint32_t ms) { return ms && ms < INT32_MAX - 1000 ? (long)ms + 1000 : INT32_MAX; }
