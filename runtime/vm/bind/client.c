/*
 * The HTTP client for Lua: pools and transfers. What reads well (redirects, cookies, retries, responses) is built on them in
 * lua/rille/client/.
 *
 *   pool = native.client_pool{…}
 *   status, headers, transfer = pool:request(method, url, headers, body, limits, …)     waits for the head
 *   transfer = pool:start(method, …)     waits for nothing; then the body is sent, and
 *   status, headers = transfer:head()    transfer:next() -> chunk | nil    transfer:all() -> string    transfer:close()
 *
 * A wait that is cancelled ends the transfer: its connection is closed.
 */
#include "vm/bind/client.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "client/client.h"
#include "client/location.h"

enum { PIECE = 64 << 10, MOST_HEADERS = RL_LIMIT_FIELDS };
enum { URL = 1, BODY = 2 }; /* user values */

typedef struct transfer {
  rl_transfer t; /* first */
  rl_task *waiter;
  rl_buf whole; /* what transfer:all() has so far */
  char method[24];
} transfer;

static transfer *check_transfer(lua_State *L) {
  return rl_check_userdata(L, 1, RL_REF_TRANSFER_META, "rille.transfer");
}

/* ---- pools ------------------------------------------------------------------------------------------------------------------- */

static rl_pool **check_pool(lua_State *L) { return luaL_checkudata(L, 1, "rille.client_pool"); }

static rl_engine *engine_of(lua_State *L) {
  rl_vm *vm = rl_vm_of(L);
  if (!vm->engine) vm->engine = rl_engine_new(vm->loop);
  if (!vm->engine) rl_error_raise(L, RL_ENOMEM, NULL);
  return vm->engine;
}

static unsigned limit_field(lua_State *L, const char *name, unsigned otherwise) {
  lua_Integer value = lua_getfield(L, 1, name) == LUA_TNIL ? otherwise : luaL_checkinteger(L, -1);
  lua_pop(L, 1);
  return value < 0 ? 0 : value > 100000 ? 100000 : (unsigned)value;
}

/* Adds the entries of the list `allow`, or frees the guard and raises. */
static void fill_guard(lua_State *L, rl_guard *guard) {
  if (lua_getfield(L, 1, "allow") != LUA_TTABLE) return;
  for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
    const char *text = lua_tostring(L, -1);
    int code = text ? rl_guard_allow(guard, rl_slice_str(text)) : RL_ESYNTAX;
    if (!code) {
      lua_pop(L, 1);
      continue;
    }
    rl_guard_free(guard);
    luaL_error(L, "allow: '%s' is no host, address or network", text ? text : "?");
  }
  lua_pop(L, 2);
}

/* client_pool{limit=, limit_per_host=, deny_private=, allow={…}} -> pool */
static int l_client_pool(lua_State *L) {
  rl_guard guard;
  luaL_checktype(L, 1, LUA_TTABLE);
  unsigned limit = limit_field(L, "limit", 100), per_host = limit_field(L, "limit_per_host", 0);
  lua_getfield(L, 1, "deny_private");
  bool deny = lua_toboolean(L, -1);
  rl_engine *engine = engine_of(L);
  rl_pool **handle = lua_newuserdatauv(L, sizeof *handle, 0);
  *handle = NULL;
  luaL_setmetatable(L, "rille.client_pool");
  rl_guard_init(&guard, deny);
  fill_guard(L, &guard);
  lua_settop(L, 3);
  *handle = rl_pool_new(engine, limit ? limit : 1, per_host, &guard);
  if (*handle) return 1;
  rl_guard_free(&guard);
  return rl_error_raise(L, RL_ENOMEM, NULL);
}

/* pool:close(): every transfer fails, all connections are closed */
static int pool_close(lua_State *L) {
  rl_pool *pool = *check_pool(L);
  if (pool) rl_pool_close(pool);
  return 0;
}

static int pool_gc(lua_State *L) {
  rl_pool **handle = check_pool(L);
  if (*handle) rl_pool_unref(*handle);
  *handle = NULL;
  return 0;
}

static lua_Integer count_of(const rl_list *list) {
  lua_Integer count = 0;
  RL_LIST_EACH(list, node) count++;
  return count;
}

/* pool:stats() -> running, waiting */
static int pool_stats(lua_State *L) {
  const rl_pool *pool = *check_pool(L);
  lua_pushinteger(L, count_of(&pool->running));
  lua_pushinteger(L, count_of(&pool->waiting));
  return 2;
}

/* ---- starting -------------------------------------------------------------------------------------------------------------------- */

/* Where pool:start finds its arguments. */
enum { METHOD = 2, URL_TEXT, HEADERS, CONTENT, LIMITS, LEFT, IDEMPOTENT, ROUTE, LENGTH };

static void on_progress(rl_transfer *t) {
  transfer *self = (transfer *)t;
  if (self->waiter) rl_task_wake(self->waiter);
}

/* 0 where it is absent, or endless. */
static uint32_t ms_of(double seconds) {
  double ms = ceil(seconds * 1000);
  return ms > 0 && ms < 4e9 ? (uint32_t)ms : 0;
}

/* {connect, read, body_limit, decompress}: seconds or false, bytes or false, a boolean. */
static void read_limits(lua_State *L, int list, rl_exchange *x) {
  for (int i = 1; i <= 4; i++) lua_rawgeti(L, list, i);
  x->connect_ms = ms_of(lua_tonumber(L, -4));
  x->read_ms = ms_of(lua_tonumber(L, -3));
  x->body_limit = (uint64_t)lua_tointeger(L, -2);
  x->decode = lua_toboolean(L, -1);
  lua_pop(L, 4);
}

static bool flag_field(lua_State *L, int table, const char *name) {
  lua_getfield(L, table, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* A string of the table, which keeps it alive; NULL where it is absent. */
static const char *text_field(lua_State *L, int table, const char *name) {
  lua_getfield(L, table, name);
  const char *text = lua_tostring(L, -1);
  lua_pop(L, 1);
  return text;
}

static const rl_route *read_route(lua_State *L, int table, rl_route *route) {
  *route = (rl_route){.proxy = text_field(L, table, "proxy"),
                      .no_proxy = text_field(L, table, "no_proxy"),
                      .unix_path = text_field(L, table, "unix"),
                      .ca = text_field(L, table, "ca"),
                      .cert = text_field(L, table, "cert"),
                      .key = text_field(L, table, "key"),
                      .user = text_field(L, table, "user"),
                      .password = text_field(L, table, "password"),
                      .insecure = flag_field(L, table, "insecure")};
  return route;
}

/* {name, value, name, value …}; the list keeps the strings alive. */
static size_t read_headers(lua_State *L, int list, rl_header headers[MOST_HEADERS]) {
  size_t count = lua_rawlen(L, list) / 2;
  if (count > MOST_HEADERS) luaL_error(L, "more than %d headers", MOST_HEADERS);
  for (size_t i = 0; i < count; i++) {
    rl_header *h = &headers[i];
    lua_rawgeti(L, list, (lua_Integer)(2 * i + 1));
    lua_rawgeti(L, list, (lua_Integer)(2 * i + 2));
    h->name = rl_check_slice(L, -2);
    h->value = rl_check_slice(L, -1);
    if (!rl_header_name_is_safe(h->name) || !rl_header_value_is_safe(h->value))
      luaL_error(L, "header %s: not safe to send", h->name.data);
    lua_pop(L, 2);
  }
  return count;
}

static const char *check_method(lua_State *L) {
  rl_slice method = rl_check_slice(L, METHOD);
  if (!rl_header_name_is_safe(method) || method.len >= sizeof((transfer *)0)->method)
    luaL_argerror(L, METHOD, "a method is a short token");
  return method.data;
}

static const char *check_url(lua_State *L) {
  rl_slice url = rl_check_slice(L, URL_TEXT);
  luaL_argcheck(L, strlen(url.data) == url.len, URL_TEXT, "a URL holds no NUL");
  return url.data;
}

static void read_exchange(lua_State *L, rl_exchange *x, rl_header *headers, rl_route *route) {
  *x = (rl_exchange){.method = check_method(L), .url = check_url(L), .headers = headers, .length = -1};
  luaL_checktype(L, HEADERS, LUA_TTABLE);
  luaL_checktype(L, LIMITS, LUA_TTABLE);
  x->header_count = read_headers(L, HEADERS, headers);
  x->has_body = lua_toboolean(L, CONTENT);
  x->streamed = x->has_body && lua_isboolean(L, CONTENT);
  if (x->has_body && !x->streamed) x->body = rl_check_slice(L, CONTENT);
  if (lua_isinteger(L, LENGTH)) x->length = lua_tointeger(L, LENGTH);
  x->idempotent = lua_toboolean(L, IDEMPOTENT);
  x->total_ms = ms_of(lua_tonumber(L, LEFT));
  read_limits(L, LIMITS, x);
  if (lua_istable(L, ROUTE)) x->route = read_route(L, ROUTE, route);
}

static transfer *new_transfer(lua_State *L, rl_pool *pool, const char *method) {
  transfer *self = lua_newuserdatauv(L, sizeof *self, 2);
  rl_transfer_init(&self->t, pool);
  self->t.on_progress = on_progress;
  self->waiter = NULL;
  strcpy(self->method, method); /* check_method has looked at its length */
  rl_buf_init(&self->whole, RL_BUF_NO_LIMIT);
  rl_vm_push_ref(L, RL_REF_TRANSFER_META);
  lua_setmetatable(L, -2);
  lua_pushvalue(L, URL_TEXT);
  lua_setiuservalue(L, -2, URL);
  return self;
}

static int raise_failure(lua_State *L, int self_index);

/* Leaves the transfer on the stack, or raises. */
static void start(lua_State *L) {
  rl_pool *pool = *check_pool(L);
  rl_exchange exchange;
  rl_header headers[MOST_HEADERS];
  rl_route route;
  lua_settop(L, LENGTH);
  read_exchange(L, &exchange, headers, &route);
  transfer *self = new_transfer(L, pool, exchange.method);
  if (exchange.has_body && !exchange.streamed) {
    lua_pushvalue(L, CONTENT);
    lua_setiuservalue(L, -2, BODY);
  }
  int code = rl_client_start(&self->t, &exchange);
  if (!code) return;
  rl_transfer_fail(&self->t, code, code == RL_EDENIED ? "this address may not be reached" : rl_error_text(code));
  raise_failure(L, lua_gettop(L));
}

/* pool:start(method, url, headers, body, limits, left, idempotent, route, length) -> transfer
 *   body: a string, true where it is streamed, or nil; length: of what is streamed, where it is known
 *   limits: {connect, read, body_limit, decompress}, false where there is none; left: seconds until the deadline of all of
 *   it, or nil; route: {proxy=, no_proxy=, unix=, ca=, cert=, key=, insecure=, user=, password=}, or nil */
static int pool_start(lua_State *L) {
  start(L);
  return 1;
}

static int request_k(lua_State *L, int status, lua_KContext ctx);

/* pool:request(method, …) -> status, headers, transfer: as pool:start, and waits for the head. Not for streamed bodies. */
static int pool_request(lua_State *L) {
  rl_task_may_wait(L, "a response");
  start(L);
  lua_replace(L, 1);
  lua_settop(L, 1);
  return request_k(L, LUA_OK, 0);
}

/* ---- failing ------------------------------------------------------------------------------------------------------------------------ */

static const char *const phases[] = {NULL, "connect", "read", "total"};

/* What was asked for, without the query: that may hold what a log must not. */
static void push_label(lua_State *L, int self_index, const transfer *self) {
  lua_getiuservalue(L, self_index, URL);
  const char *url = lua_tostring(L, -1);
  lua_pushlstring(L, url, strcspn(url, "?#"));
  lua_pushfstring(L, "%s %s", self->method, lua_tostring(L, -1));
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* An error value {status, code, message, phase, method, url}. What another server did is never our client's fault. */
static int raise_failure(lua_State *L, int self_index) {
  const transfer *self = lua_touserdata(L, self_index);
  int code = self->t.code, status = code == RL_ETOOBIG ? 502 : rl_error_status(code);
  push_label(L, self_index, self);
  lua_pushfstring(L, "%s: %s", lua_tostring(L, -1), self->t.message ? self->t.message : rl_error_text(code));
  rl_error_push_word(L, rl_error_word(code), status, lua_tostring(L, -1));
  lua_getiuservalue(L, self_index, URL);
  lua_setfield(L, -2, "url");
  lua_pushstring(L, self->method);
  lua_setfield(L, -2, "method");
  if (phases[self->t.phase]) lua_pushstring(L, phases[self->t.phase]), lua_setfield(L, -2, "phase");
  return lua_error(L);
}

/* ---- waiting -------------------------------------------------------------------------------------------------------------------------- */

static void give_up(transfer *self) {
  self->waiter = NULL;
  rl_transfer_stop(&self->t);
  if (!self->t.code) self->t.code = RL_ECANCELLED;
}

static void undo(rl_task *task, void *ud) {
  (void)task;
  give_up(ud);
}

/* A task that was cancelled while it was about to run hears of it here, and nobody else will end its transfer. */
static int wait_for(lua_State *L, transfer *self, const char *what, lua_KFunction k) {
  rl_task *task = rl_task_running(L);
  if (self->waiter) return luaL_error(L, "another task waits for this response already");
  if (task && rl_scope_due(task)) give_up(self);
  self->waiter = rl_task_may_wait(L, what);
  return rl_task_wait(L, what, undo, self, k, 0);
}

static bool has_ended(const transfer *self) { return self->t.state == RL_TRANSFER_ENDED; }

/* What fails before all is sent concerns more than who reads the answer, unless that is a refusal. */
static bool is_unsent(const rl_transfer *t) { return t->offers && !t->offers_ended && t->head.status < 300; }

/* Pushes status and headers, or waits for them. 0 where it must wait. */
static int push_head(lua_State *L, transfer *self) {
  self->waiter = NULL;
  if (!self->t.has_head && !has_ended(self)) return 0;
  if (!self->t.has_head || (self->t.code && is_unsent(&self->t))) return raise_failure(L, 1);
  lua_pushinteger(L, self->t.head.status);
  rl_client_head_push(L, &self->t.head);
  return 2;
}

static int head_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  transfer *self = lua_touserdata(L, 1);
  int count = push_head(L, self);
  return count ? count : wait_for(L, self, "a response", head_k);
}

static int request_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  transfer *self = lua_touserdata(L, 1);
  if (!push_head(L, self)) return wait_for(L, self, "a response", request_k);
  lua_pushvalue(L, 1);
  return 3;
}

/* transfer:head() -> status, headers */
static int transfer_head(lua_State *L) {
  transfer *self = check_transfer(L);
  lua_settop(L, 1);
  if (self->waiter) return wait_for(L, self, "a response", head_k); /* raises */
  rl_task_may_wait(L, "a response");
  return head_k(L, LUA_OK, 0);
}

/* transfer:version() -> "1.1", "2" */
static int transfer_version(lua_State *L) {
  lua_pushstring(L, check_transfer(L)->t.head.version);
  return 1;
}

/* ---- the body that comes ---------------------------------------------------------------------------------------------------------------- */

/* What a reader is to do. */
enum { HAS_BYTES, MUST_WAIT, AT_END };

/* Bytes that are to be used, and then rl_transfer_read_on called: decoded ones stand in the state's scratch buffer. */
static int read_some(lua_State *L, transfer *self, rl_slice *out) {
  rl_buf *scratch = &rl_vm_of(L)->scratch;
  rl_buf_clear(scratch);
  if (rl_buf_reserve(scratch, PIECE)) return rl_error_raise(L, RL_ENOMEM, NULL);
  long n = rl_transfer_read(&self->t, scratch->data, PIECE, out);
  if (n < 0) return raise_failure(L, 1);
  if (n > 0) return HAS_BYTES;
  return has_ended(self) ? AT_END : MUST_WAIT;
}

static int next_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  transfer *self = lua_touserdata(L, 1);
  rl_slice bytes;
  self->waiter = NULL;
  int found = read_some(L, self, &bytes);
  if (found == MUST_WAIT) return wait_for(L, self, "the body of a response", next_k);
  if (found == AT_END) return 0;
  rl_push_slice(L, bytes);
  rl_transfer_read_on(&self->t);
  return 1;
}

/* transfer:next() -> chunk of the decoded body, at most 64 KiB; nil at its end */
static int transfer_next(lua_State *L) {
  transfer *self = check_transfer(L);
  lua_settop(L, 1);
  if (self->waiter) return wait_for(L, self, "the body of a response", next_k); /* raises */
  return next_k(L, LUA_OK, 0);
}

static int all_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  transfer *self = lua_touserdata(L, 1);
  rl_slice bytes = self->whole.len ? RL_SLICE_NONE : rl_transfer_take_rest(&self->t);
  int found;
  self->waiter = NULL;
  if (bytes.len) return rl_push_slice(L, bytes), 1;
  while ((found = read_some(L, self, &bytes)) == HAS_BYTES) {
    if (rl_buf_add_slice(&self->whole, bytes)) return rl_error_raise(L, RL_ENOMEM, NULL);
    rl_transfer_read_on(&self->t);
  }
  if (found == MUST_WAIT) return wait_for(L, self, "the body of a response", all_k);
  rl_push_slice(L, rl_buf_slice(&self->whole));
  rl_buf_free(&self->whole);
  return 1;
}

/* transfer:all() -> the rest of the decoded body */
static int transfer_all(lua_State *L) {
  transfer *self = check_transfer(L);
  lua_settop(L, 1);
  if (self->waiter) return wait_for(L, self, "the body of a response", all_k); /* raises */
  return all_k(L, LUA_OK, 0);
}

/* ---- the body that goes ------------------------------------------------------------------------------------------------------------------- */

static int send_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  transfer *self = lua_touserdata(L, 1);
  bool wanted = rl_transfer_wants_offer(&self->t);
  self->waiter = NULL;
  if (wanted && self->t.offer.len) return wait_for(L, self, "the other side to take the request", send_k);
  if (!wanted) rl_transfer_cut(&self->t);
  lua_pushboolean(L, wanted);
  return 1;
}

/* transfer:send(bytes) -> whether more is wanted, else the body is cut off; waits until they are taken */
static int transfer_send(lua_State *L) {
  transfer *self = check_transfer(L);
  rl_slice bytes = rl_check_slice(L, 2);
  lua_settop(L, 2); /* which keeps the bytes alive */
  if (self->waiter) return wait_for(L, self, "the other side to take the request", send_k); /* raises */
  rl_task_may_wait(L, "the other side to take the request");
  if (rl_transfer_wants_offer(&self->t)) rl_transfer_offer(&self->t, bytes);
  return send_k(L, LUA_OK, 0);
}

/* transfer:send_end(): the body is complete */
static int transfer_send_end(lua_State *L) {
  rl_transfer_offer_end(&check_transfer(L)->t);
  return 0;
}

/* ---- the end --------------------------------------------------------------------------------------------------------------------------------- */

static void wake_waiter(transfer *self) {
  if (self->waiter) rl_task_wake(self->waiter);
}

/* transfer:close(): ends it; a connection in the middle of a body is closed */
static int transfer_close(lua_State *L) {
  transfer *self = check_transfer(L);
  bool under_way = !has_ended(self);
  rl_transfer_stop(&self->t);
  if (under_way && !self->t.code) self->t.code = RL_ECLOSED;
  self->t.body_at = self->t.body.len;
  rl_buf_free(&self->whole);
  wake_waiter(self);
  return 0;
}

static int transfer_gc(lua_State *L) {
  transfer *self = check_transfer(L);
  rl_transfer_free(&self->t);
  rl_buf_free(&self->whole);
  return 0;
}

/* ---- URLs, and what tests ask --------------------------------------------------------------------------------------------------------------------- */

static void set_text(lua_State *L, const char *name, const char *text) {
  if (text) lua_pushstring(L, text), lua_setfield(L, -2, name);
}

static void push_location(lua_State *L, const rl_location *location) {
  lua_createtable(L, 0, 11);
  set_text(L, "url", location->url);
  set_text(L, "scheme", location->scheme);
  set_text(L, "host", location->host);
  set_text(L, "path", location->path);
  set_text(L, "query", location->query);
  set_text(L, "user", location->user);
  set_text(L, "password", location->password);
  set_text(L, "origin", location->origin);
  lua_pushinteger(L, location->port);
  lua_setfield(L, -2, "port");
  lua_pushboolean(L, location->secure);
  lua_setfield(L, -2, "secure");
  lua_pushboolean(L, rl_host_is_disguised(rl_slice_str(location->raw_host)));
  lua_setfield(L, -2, "disguised");
}

/* url_parse(text, base?) -> {url, scheme, host, port, path, query, user, password, origin, secure, disguised}
 * | nil, what is wrong */
static int l_url_parse(lua_State *L) {
  rl_slice text = rl_check_slice(L, 1);
  const char *base = luaL_optstring(L, 2, NULL), *why = "it holds NUL";
  rl_location location;
  int code = strlen(text.data) == text.len ? rl_location_parse(&location, text.data, base, &why) : RL_EINVALID;
  if (code == RL_ENOMEM) return rl_error_raise(L, RL_ENOMEM, NULL);
  if (code) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
  }
  push_location(L, &location);
  rl_location_free(&location);
  return 1;
}

/* url_is_plain(text) -> whether it may be sent as it is, see client/location.h */
static int l_url_is_plain(lua_State *L) {
  rl_url_parts parts;
  lua_pushboolean(L, rl_location_cut(rl_check_slice(L, 1), &parts));
  return 1;
}

/* A body that does not come off the wire by itself, and that nobody reads. */
static bool is_left_unread(const rl_transfer *t) {
  unsigned long long length = 0;
  rl_slice text = rl_head_find(&t->head, RL_SLICE("content-length"));
  if (!t->has_head || t->is_head) return false;
  if (t->paused & RL_PAUSED_RECV) return true;
  return text.data && rl_slice_to_u64(text, &length) == RL_OK && length > RL_LIMIT_CLIENT_UNREAD;
}

static rl_transfer *first_unread(rl_engine *engine) {
  RL_LIST_EACH(rl_engine_pools(engine), at) {
    rl_pool *pool = RL_CONTAINER(at, rl_pool, node);
    RL_LIST_EACH(&pool->running, node) {
      rl_transfer *t = (rl_transfer *)RL_CONTAINER(node, rl_place, node);
      if (is_left_unread(t)) return t;
    }
  }
  return NULL;
}

/* client_take_unread() -> list of the URLs of responses whose long bodies nobody has read; they are ended */
static int l_client_take_unread(lua_State *L) {
  rl_engine *engine = rl_vm_of(L)->engine;
  lua_Integer count = 0;
  lua_newtable(L);
  for (rl_transfer *t; engine && (t = first_unread(engine));) {
    lua_pushstring(L, t->url);
    lua_rawseti(L, -2, ++count);
    rl_transfer_fail(t, RL_ECLOSED, "nobody has read it");
  }
  return 1;
}

static const luaL_Reg functions[] = {{"client_pool", l_client_pool},
                                     {"client_take_unread", l_client_take_unread},
                                     {"url_is_plain", l_url_is_plain},
                                     {"url_parse", l_url_parse},
                                     {NULL, NULL}};

static const luaL_Reg pool_methods[] = {{"request", pool_request}, {"start", pool_start}, {"close", pool_close},
                                        {"stats", pool_stats},     {"__gc", pool_gc},     {NULL, NULL}};

static const luaL_Reg transfer_methods[] = {{"head", transfer_head},       {"next", transfer_next},
                                            {"all", transfer_all},         {"send", transfer_send},
                                            {"close", transfer_close},     {"send_end", transfer_send_end},
                                            {"version", transfer_version}, {"__gc", transfer_gc},
                                            {"__close", transfer_close},   {NULL, NULL}};

/* Leaves the metatable on the stack. */
static void make_class(lua_State *L, const char *name, const luaL_Reg *methods) {
  luaL_newmetatable(L, name);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
}

void rl_bind_client(lua_State *L) {
  make_class(L, "rille.client_pool", pool_methods);
  lua_pop(L, 1);
  make_class(L, "rille.transfer", transfer_methods);
  rl_vm_of(L)->refs[RL_REF_TRANSFER_META] = luaL_ref(L, LUA_REGISTRYINDEX);
  luaL_setfuncs(L, functions, 0);
}
