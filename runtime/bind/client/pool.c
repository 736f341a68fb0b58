/*
 * The HTTP client for Lua: pools, and the requests that start in them. What reads well (redirects, cookies, retries,
 * responses) is built on them in lua/rille/client/.
 *
 *   pool = native.client_pool{…}
 *   status, headers, transfer = pool:request(method, location, headers, body, limits, …)     waits for the head
 *   transfer = pool:start(method, …)     waits for nothing; then the body is sent (bind/client/transfer.c)
 */
#include "bind/client/client.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "client/client.h"

enum { MOST_HEADERS = RL_LIMIT_FIELDS };

/* ---- pools ------------------------------------------------------------------------------------------------------------------- */

static rl_pool **check_pool(lua_State *L) { return rl_check_userdata(L, 1, RL_REF_POOL_META, "rille.client_pool"); }

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

/* Adds the entries of the list `allow`, or frees the policy and raises. */
static void fill_policy(lua_State *L, rl_address_policy *policy) {
  if (lua_getfield(L, 1, "allow") != LUA_TTABLE) return;
  policy->listed = true;
  for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
    size_t len = 0; /* a number would be converted: that may raise */
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
    int code = text ? rl_address_policy_add(policy, rl_slice_of(text, len)) : RL_ESYNTAX;
    if (!code) {
      lua_pop(L, 1);
      continue;
    }
    rl_address_policy_free(policy);
    luaL_error(L, "allow: '%s' is no host, address or network", text ? text : "?");
  }
  lua_pop(L, 2);
}

/* client_pool{limit=, limit_per_host=, deny_private=, allow={…}} -> pool */
static int l_client_pool(lua_State *L) {
  rl_address_policy policy;
  luaL_checktype(L, 1, LUA_TTABLE);
  unsigned limit = limit_field(L, "limit", 100), per_host = limit_field(L, "limit_per_host", 0);
  lua_getfield(L, 1, "deny_private");
  bool deny = lua_toboolean(L, -1);
  rl_engine *engine = engine_of(L);
  rl_pool **handle = lua_newuserdatauv(L, sizeof *handle, 0);
  *handle = NULL;
  luaL_setmetatable(L, "rille.client_pool");
  rl_address_policy_init(&policy, deny);
  fill_policy(L, &policy);
  lua_settop(L, 3);
  *handle = rl_pool_new(engine, limit ? limit : 1, per_host, &policy);
  if (*handle) return 1;
  rl_address_policy_free(&policy);
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

/* pool:look(method, location): raises "denied" if the address policy would refuse it whatever its name resolves to */
static int pool_look(lua_State *L) {
  const rl_pool *pool = *check_pool(L);
  const char *method = luaL_checkstring(L, 2);
  const rl_location *to = rl_client_location_check(L, 3);
  if (rl_address_policy_may_allow(&pool->policy, to->host, to->port)) return 0;
  const char *url = rl_client_location_push_text(L, 3);
  rl_error_push(L, RL_EDENIED, "%s %.*s: this address may not be reached", method, (int)strcspn(url, "?"), url);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "url");
  lua_pushvalue(L, 2);
  lua_setfield(L, -2, "method");
  return lua_error(L);
}

/* ---- starting -------------------------------------------------------------------------------------------------------------------- */

/* Where pool:start finds its arguments. */
enum { METHOD = 2, LOCATION, HEADERS, CONTENT, LIMITS, LEFT, IDEMPOTENT, ROUTE, LENGTH };

/* 0 where it is absent, or endless. */
static uint32_t ms_of(double seconds) {
  double ms = ceil(seconds * 1000);
  return ms > 0 && ms < 4e9 ? (uint32_t)ms : 0;
}

/* {connect, read, body_limit, decompress}: seconds or false, bytes or false, a boolean. */
static void read_limits(lua_State *L, int list, rl_client_request *x) {
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
                      .insecure = flag_field(L, table, "insecure"),
                      .http2 = flag_field(L, table, "http2")};
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
  if (!rl_header_name_is_safe(method) || method.len >= sizeof((rl_client_transfer *)0)->method)
    luaL_argerror(L, METHOD, "a method is a short token");
  return method.data;
}

static void read_request(lua_State *L, rl_client_request *r, rl_header *headers, rl_route *route) {
  *r = (rl_client_request){
      .method = check_method(L), .location = rl_client_location_check(L, LOCATION), .headers = headers, .length = -1};
  luaL_checktype(L, HEADERS, LUA_TTABLE);
  luaL_checktype(L, LIMITS, LUA_TTABLE);
  r->header_count = read_headers(L, HEADERS, headers);
  r->has_body = lua_toboolean(L, CONTENT);
  r->streamed = r->has_body && lua_isboolean(L, CONTENT);
  if (r->has_body && !r->streamed) r->body = rl_check_slice(L, CONTENT);
  if (lua_isinteger(L, LENGTH)) r->length = lua_tointeger(L, LENGTH);
  r->idempotent = lua_toboolean(L, IDEMPOTENT);
  r->total_ms = ms_of(lua_tonumber(L, LEFT));
  read_limits(L, LIMITS, r);
  if (lua_istable(L, ROUTE)) r->route = read_route(L, ROUTE, route);
}

/* Leaves the transfer on the stack, or raises. */
static void start(lua_State *L) {
  rl_pool *pool = *check_pool(L);
  rl_client_request request;
  rl_header headers[MOST_HEADERS];
  rl_route route;
  lua_settop(L, LENGTH);
  read_request(L, &request, headers, &route);
  rl_client_transfer *self = rl_client_transfer_push(L, pool, request.method, LOCATION);
  if (request.has_body && !request.streamed) {
    lua_pushvalue(L, CONTENT);
    lua_setiuservalue(L, -2, RL_CLIENT_BODY);
  }
  int code = rl_client_start(&self->t, &request);
  if (!code) return;
  rl_transfer_fail(&self->t, code, code == RL_EDENIED ? "this address may not be reached" : rl_error_text(code));
  rl_client_transfer_raise(L, lua_gettop(L));
}

/* pool:start(method, location, headers, body, limits, left, idempotent, route, length) -> transfer
 *   body: a string, true where it is streamed, or nil; length: of what is streamed, where it is known
 *   limits: {connect, read, body_limit, decompress}, false where there is none; left: seconds until the deadline of all of
 *   it, or nil; route: {proxy=, no_proxy=, unix=, ca=, cert=, key=, insecure=, http2=, user=, password=}, or nil */
static int pool_start(lua_State *L) {
  start(L);
  return 1;
}

/* pool:request(method, …) -> status, headers, transfer: as pool:start, and waits for the head. Not for streamed bodies. */
static int pool_request(lua_State *L) {
  rl_task_may_wait(L, "a response");
  start(L);
  lua_replace(L, 1);
  return rl_client_transfer_answer(L);
}

/* ---- what tests ask ---------------------------------------------------------------------------------------------------------------- */

/* A body that does not come off the easy by itself, and that nobody reads. */
static bool is_left_unread(const rl_transfer *t) {
  unsigned long long length = 0;
  rl_slice text = rl_response_head_find(&t->head, RL_SLICE("content-length"));
  if (!t->has_head || t->is_head) return false;
  if (t->paused & RL_PAUSED_RECV) return true;
  return text.data && rl_slice_to_u64(text, &length) == RL_OK && length > RL_LIMIT_CLIENT_UNREAD;
}

static rl_transfer *first_unread(rl_engine *engine) {
  RL_LIST_EACH(rl_engine_pools(engine), at) {
    rl_pool *pool = RL_CONTAINER(at, rl_pool, node);
    RL_LIST_EACH(&pool->running, node) {
      rl_transfer *t = (rl_transfer *)RL_CONTAINER(node, rl_pool_ticket, node);
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
    rl_push_slice(L, t->location->text);
    lua_rawseti(L, -2, ++count);
    rl_transfer_fail(t, RL_ECLOSED, "nobody has read it");
  }
  return 1;
}

static const luaL_Reg functions[] = {
    {"client_pool", l_client_pool}, {"client_take_unread", l_client_take_unread}, {NULL, NULL}};

static const luaL_Reg pool_methods[] = {
    {"request", pool_request}, {"start", pool_start}, {"close", pool_close}, {"stats", pool_stats},
    {"look", pool_look},       {"__gc", pool_gc},     {NULL, NULL}};

void rl_bind_client(lua_State *L) {
  rl_new_metatable(L, "rille.client_pool");
  luaL_setfuncs(L, pool_methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  rl_vm_keep_meta(L, RL_REF_POOL_META);
  luaL_setfuncs(L, functions, 0);
}
