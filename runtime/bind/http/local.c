/*
 * In-process exchanges for Lua: what testing.client sends its requests through.
 *
 *   ex = native.exchange(compiled, head, secure)   ex:send(bytes, last)   ex:head() -> status, {name, value, …}
 *   ex:read() -> bytes | nil at the end            ex:close()
 */
#include "http/local.h"

#include <string.h>

#include "app/serving.h"
#include "base/error.h"
#include "bind/bind.h"
#include "bind/http/http.h"

/* name NUL value NUL …: kept in C until Lua asks, because events must not raise. */
typedef struct fields {
  rl_buf text;
  int count;
} fields;

typedef struct exchange {
  rl_local local;
  bool open;
  int status;
  rl_waker waiting;
  fields headers, trailers;
} exchange;

static exchange *check_exchange(lua_State *L) {
  exchange *ex = luaL_checkudata(L, 1, "rille.exchange");
  if (!ex->open) rl_error_mistake(L, "the exchange was closed");
  return ex;
}

static void wake(exchange *ex) { rl_task_wake(&ex->waiting); }

static void keep(fields *list, rl_slice name, rl_slice value) {
  rl_buf_add_slice(&list->text, name);
  rl_buf_add_char(&list->text, 0);
  rl_buf_add_slice(&list->text, value);
  rl_buf_add_char(&list->text, 0);
  list->count++;
}

static void on_head(rl_local *local, const rl_resp *resp) {
  exchange *ex = local->owner;
  char length[24];
  ex->status = resp->status;
  if (resp->content_type.len) keep(&ex->headers, RL_SLICE("Content-Type"), resp->content_type);
  for (size_t i = 0; i < resp->header_count; i++) keep(&ex->headers, resp->headers[i].name, resp->headers[i].value);
  if (!local->exchange.framing.has_length) return;
  snprintf(length, sizeof length, "%llu", (unsigned long long)local->exchange.framing.length);
  keep(&ex->headers, RL_SLICE("Content-Length"), rl_slice_str(length));
}

static void on_trailer(rl_local *local, const rl_header *trailer) {
  keep(&((exchange *)local->owner)->trailers, trailer->name, trailer->value);
}

static void on_change(rl_local *local) { wake(local->owner); }

static const rl_local_events events = {
    .on_head = on_head, .on_trailer = on_trailer, .on_change = on_change, .on_flow = on_change};

static void handle(void *ud, rl_req *req) {
  rl_app *app = ud;
  app->dispatch.handler.handle(&app->dispatch.handler, req);
}

/* exchange(compiled, head, secure, open?) -> exchange. A head that a connection would refuse is answered as there. The exchange
 * is a key of the table `open` before it begins: whoever holds that can end it, whatever is raised next. */
static int l_exchange(lua_State *L) {
  rl_app *app = luaL_checkudata(L, 1, "rille.compiled_app");
  rl_slice head = rl_check_slice(L, 2);
  lua_settop(L, 4);
  exchange *ex = lua_newuserdatauv(L, sizeof *ex, 2);
  memset(ex, 0, sizeof *ex);
  rl_buf_init(&ex->headers.text, RL_BUF_NO_LIMIT);
  rl_buf_init(&ex->trailers.text, RL_BUF_NO_LIMIT);
  luaL_setmetatable(L, "rille.exchange");
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 2);
  if (lua_istable(L, 4)) lua_pushvalue(L, -1), lua_pushboolean(L, 1), lua_rawset(L, 4);
  ex->local.events = &events;
  ex->local.owner = ex;
  ex->open = true;
  rl_local_start(&ex->local, rl_vm_of(L)->loop, &app->limits, head, lua_toboolean(L, 3), handle, app);
  return 1;
}

/* exchange:send(bytes, last) */
static int l_send(lua_State *L) {
  exchange *ex = check_exchange(L);
  if (rl_local_send(&ex->local, rl_check_slice(L, 2), lua_toboolean(L, 3))) return rl_error_raise(L, RL_ENOMEM, NULL);
  return 0;
}

static bool undo(rl_task *task, void *ud) {
  (void)task;
  ((exchange *)ud)->waiting.task = NULL;
  return true;
}

/* Waits until `ready`, then goes on with `k`. */
static int wait_until(lua_State *L, exchange *ex, bool ready, lua_KFunction k, const char *name) {
  if (ready) return k(L, LUA_OK, 0);
  rl_task *task = rl_task_may_wait(L, name);
  if (ex->waiting.task) return rl_error_mistake(L, "another task waits for this response already");
  ex->waiting = rl_task_waker(task);
  return rl_task_wait(L, name, undo, ex, k, 0);
}

static RL_RAISES int aborted(lua_State *L) { rl_error_raise(L, RL_ERESET, "the handler broke the response off"); }

static void push_fields(lua_State *L, const fields *list) {
  size_t at = 0;
  if (list->text.error) rl_error_raise(L, list->text.error, NULL);
  lua_createtable(L, list->count * 2, 0);
  for (int i = 1; at < list->text.len; i++) { /* which a finalizer may empty */
    size_t len = strlen(list->text.data + at);
    lua_pushlstring(L, list->text.data + at, len);
    lua_rawseti(L, -2, i);
    at += len + 1;
  }
}

static int head_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  exchange *ex = check_exchange(L);
  if (!ex->local.head_done) {
    if (ex->local.aborted) return aborted(L);
    return wait_until(L, ex, false, head_k, "a response");
  }
  lua_pushinteger(L, ex->status);
  push_fields(L, &ex->headers);
  return 2;
}

/* exchange:head() -> status, {name, value, …} */
static int l_head(lua_State *L) {
  lua_settop(L, 1);
  return head_k(L, LUA_OK, 0);
}

static int read_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  exchange *ex = check_exchange(L);
  if (ex->local.received.len) {
    rl_slice bytes = rl_buf_slice(&ex->local.received);
    rl_push_slice(L, bytes);
    if (ex->open) rl_local_taken(&ex->local, bytes.len); /* a finalizer may have closed it */
    return 1;
  }
  if (ex->local.aborted) return aborted(L);
  if (ex->local.ended) return lua_pushnil(L), 1;
  return wait_until(L, ex, false, read_k, "a response's body");
}

/* exchange:read() -> bytes | nil at the end */
static int l_read(lua_State *L) {
  lua_settop(L, 1);
  return read_k(L, LUA_OK, 0);
}

static int flow_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  exchange *ex = check_exchange(L);
  bool wanted = rl_local_wants_body(&ex->local);
  bool over = ex->local.ended || ex->local.aborted || rl_local_is_done_with_body(&ex->local);
  if (!wanted && !over) return wait_until(L, ex, false, flow_k, "the handler to read the body");
  lua_pushboolean(L, wanted);
  return 1;
}

/* exchange:wants_body() -> true once the handler wants more of the body, false where it never will */
static int l_wants_body(lua_State *L) {
  lua_settop(L, 1);
  return flow_k(L, LUA_OK, 0);
}

/* exchange:is_over() -> whether the whole response is there */
static int l_is_over(lua_State *L) {
  exchange *ex = check_exchange(L);
  lua_pushboolean(L, ex->local.ended || ex->local.aborted);
  return 1;
}

/* exchange:trailers() -> {name, value, …}; complete once the body has been read */
static int l_trailers(lua_State *L) {
  push_fields(L, &check_exchange(L)->trailers);
  return 1;
}

/* exchange:close() */
static int l_close(lua_State *L) {
  exchange *ex = luaL_checkudata(L, 1, "rille.exchange");
  if (!ex->open) return 0;
  ex->open = false;
  rl_local_free(&ex->local);
  rl_buf_free(&ex->headers.text);
  rl_buf_free(&ex->trailers.text);
  wake(ex);
  return 0;
}

static const luaL_Reg methods[] = {
    {"send", l_send},       {"head", l_head},         {"read", l_read},   {"wants_body", l_wants_body},
    {"is_over", l_is_over}, {"trailers", l_trailers}, {"close", l_close}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"exchange", l_exchange}, {NULL, NULL}};

void rl_bind_local(lua_State *L) {
  rl_new_metatable(L, "rille.exchange");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, l_close);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
