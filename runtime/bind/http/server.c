/* A server inside a program: listens on a real port of the state's own loop (testing.server). */
#include <string.h>

#include "app/serving.h"
#include "base/error.h"
#include "bind/bind.h"
#include "bind/http/http.h"
#include "http/start.h"
#include "net/address.h"
#include "net/tls/server.h"
#include "server/metrics.h"
#include "vm/owner.h"

typedef struct server {
  rl_worker worker;
  bool open, stopped, freed;
  int port;
  rl_tls_server *tls; /* NULL: plain */
  rl_waker waiting;
} server;

static server *check_server(lua_State *L) { return luaL_checkudata(L, 1, "rille.server"); }

static void on_stopped(rl_worker *worker) {
  server *s = worker->owner;
  s->stopped = true;
  rl_task_wake(&s->waiting);
}

/* Handles of the loop point at it: it must not be collected before it has stopped. */
static void anchor(lua_State *L, server *s, bool anchored) {
  if (anchored) lua_pushvalue(L, -1);
  else lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, s);
}

/* Pushes one that does not listen yet; user value 1 is its app. Nothing may be allocated once it does. */
static server *push_server(lua_State *L) {
  server *s = lua_newuserdatauv(L, sizeof *s, 1);
  memset(s, 0, sizeof *s);
  luaL_setmetatable(L, "rille.server");
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  anchor(L, s, true);
  return s;
}

/* Makes its certificate of the texts at 4 and 5, with the authorities of clients in the file at 6, if they are given. */
static int set_up_tls(lua_State *L, server *s, rl_loop *loop, rl_buf *why) {
  const rl_tls_store_options options = {.client_ca = lua_tostring(L, 6)};
  rl_tls_store *store;
  if (lua_isnoneornil(L, 4)) return RL_OK;
  int code = rl_tls_store_new(&store, &options, why);
  if (code) return code;
  code = rl_tls_store_add_text(store, rl_check_slice(L, 4), rl_check_slice(L, 5), why);
  if (!code) code = rl_tls_server_new(&s->tls, loop, store, "h2,http/1.1", why);
  rl_tls_store_unref(store);
  return code;
}

/* listen(compiled, host, port, certificate?, key?, client_ca?) -> server */
static int l_listen(lua_State *L) {
  rl_app *app = luaL_checkudata(L, 1, "rille.compiled_app");
  const char *host = luaL_checkstring(L, 2);
  int port = (int)luaL_checkinteger(L, 3), fds[RL_WORKER_LISTENERS];
  if (!lua_isnoneornil(L, 4)) luaL_checkstring(L, 4), luaL_checkstring(L, 5), luaL_optstring(L, 6, NULL);
  lua_settop(L, 6);
  server *s = push_server(L);
  rl_buf *why = rl_scratch_push(L);
  bool failed = set_up_tls(L, s, app->vm->loop, why) != RL_OK;
  int count = failed ? -1 : rl_listen_tcp(host, port, false, fds, RL_WORKER_LISTENERS, why);
  if (count < 0) {
    rl_tls_server_unref(s->tls);
    s->tls = NULL;
    anchor(L, s, false);
    lua_pushlstring(L, why->len ? why->data : "cannot listen", why->len ? why->len : 13);
    rl_scratch_give(why);
    return lua_error(L);
  }
  rl_scratch_give(why);
  s->port = rl_listen_port(fds[0]);
  rl_worker_init(&s->worker, app->vm->loop, &app->dispatch.handler);
  s->worker.owner = s;
  s->worker.on_stopped = on_stopped;
  const rl_listen_options options = {.tls = s->tls, .protocol = s->tls ? &rl_start_protocol : NULL};
  for (int i = 0; i < count; i++) rl_worker_listen(&s->worker, fds[i], &options);
  rl_worker_start(&s->worker);
  s->open = true;
  lua_pop(L, 1);
  return 1;
}

/* server:port() -> number */
static int l_port(lua_State *L) {
  lua_pushinteger(L, check_server(L)->port);
  return 1;
}

static int close_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  server *s = check_server(L);
  if (s->freed) return 0;
  s->freed = true;
  rl_worker_free(&s->worker);
  rl_tls_server_unref(s->tls);
  s->tls = NULL;
  anchor(L, s, false);
  return 0;
}

static bool undo_close(rl_task *task, void *ud) {
  (void)task;
  ((server *)ud)->waiting.task = NULL;
  return true;
}

/* server:close(seconds?): finishes what runs, at most for so long. If the wait is cancelled the server still stops, and
 * another close waits for that. */
static int l_close(lua_State *L) {
  server *s = check_server(L);
  double seconds = luaL_optnumber(L, 2, 5);
  if (s->freed) return 0;
  rl_task *task = rl_task_may_wait(L, "the server to stop");
  if (s->waiting.task) return rl_error_mistake(L, "another task waits for this server to stop");
  if (s->open) rl_worker_stop(&s->worker, (uint64_t)(seconds * 1000));
  s->open = false;
  if (s->stopped) return close_k(L, LUA_OK, 0);
  s->waiting = rl_task_waker(task);
  return rl_task_wait(L, "the server to stop", undo_close, s, close_k, 0);
}

static const luaL_Reg methods[] = {{"port", l_port}, {"close", l_close}, {NULL, NULL}};
/* metrics_text() -> what the workers of this process have done, as Prometheus reads it */
static int l_metrics_text(lua_State *L) {
  rl_buf *scratch = rl_scratch_push(L);
  return rl_scratch_result(L, scratch, rl_metrics_write(scratch));
}

static const luaL_Reg functions[] = {{"listen", l_listen}, {"metrics_text", l_metrics_text}, {NULL, NULL}};

void rl_bind_server(lua_State *L) {
  rl_new_metatable(L, "rille.server");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
