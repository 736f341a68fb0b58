/*
 * One request and its response for Lua.
 *
 *   transfer:head() -> status, headers      transfer:next() -> chunk | nil      transfer:all() -> string      transfer:close()
 *   transfer:send(bytes), transfer:send_end(): the body that goes, where it is streamed; its task is the one that asked
 *
 * One task waits at a time. A wait that is cancelled ends the transfer: its connection is closed.
 */
#include <string.h>

#include "base/error.h"
#include "bind/client/client.h"
#include "vm/owner.h"

enum { PIECE = 64 << 10 };

typedef rl_client_transfer transfer;

static transfer *check_transfer(lua_State *L) {
  return rl_check_userdata(L, 1, RL_REF_TRANSFER_META, "rille.transfer");
}

static void wake_waiter(transfer *self) { rl_task_wake(&self->waiter); }

static void on_progress(rl_transfer *t) { wake_waiter((transfer *)t); }

rl_client_transfer *rl_client_transfer_push(lua_State *L, rl_pool *pool, const char *method, int location_index) {
  transfer *self = lua_newuserdatauv(L, sizeof *self, 2);
  rl_transfer_init(&self->t, pool);
  self->t.on_progress = on_progress;
  self->waiter.task = NULL;
  self->awaited = self->owes = false;
  memcpy(self->method, method, strlen(method) + 1);
  rl_buf_init(&self->whole, RL_BUF_NO_LIMIT);
  rl_vm_push_ref(L, RL_REF_TRANSFER_META);
  lua_setmetatable(L, -2);
  lua_pushvalue(L, location_index);
  lua_setiuservalue(L, -2, RL_CLIENT_LOCATION);
  return self;
}

/* ---- failing ------------------------------------------------------------------------------------------------------------------------ */

static const char *const phases[] = {NULL, "connect", "read", "total"};

/* "GET https://example.com/x", without the query: that may hold what a log must not. */
static void push_label(lua_State *L, const transfer *self, const char *url) {
  lua_pushlstring(L, url, strcspn(url, "?"));
  lua_pushfstring(L, "%s %s", self->method, lua_tostring(L, -1));
  lua_remove(L, -2);
}

/* An error value {status, code, message, phase, method, url}. What another server did is never our client's fault. */
int rl_client_transfer_raise(lua_State *L, int self_index) {
  const transfer *self = lua_touserdata(L, self_index);
  int code = self->t.code, status = code == RL_ETOOBIG ? 502 : rl_error_status(code);
  lua_getiuservalue(L, self_index, RL_CLIENT_LOCATION);
  const char *url = rl_client_location_push_text(L, -1);
  int url_index = lua_gettop(L);
  push_label(L, self, url);
  lua_pushfstring(L, "%s: %s", lua_tostring(L, -1), self->t.message ? self->t.message : rl_error_text(code));
  rl_error_push_word(L, rl_error_word(code), status, lua_tostring(L, -1));
  lua_pushvalue(L, url_index);
  lua_setfield(L, -2, "url");
  lua_pushstring(L, self->method);
  lua_setfield(L, -2, "method");
  if (phases[self->t.phase]) lua_pushstring(L, phases[self->t.phase]), lua_setfield(L, -2, "phase");
  lua_error(L);
}

/* ---- waiting -------------------------------------------------------------------------------------------------------------------------- */

static void give_up(transfer *self) {
  self->waiter.task = NULL;
  self->awaited = false;
  rl_transfer_stop(&self->t);
  if (!self->t.code) self->t.code = RL_ECANCELLED;
}

static bool undo(rl_task *task, void *ud) {
  (void)task;
  give_up(ud);
  return true;
}

/* A task that was cancelled while it was about to run hears of it here, and nobody else will end its transfer. */
static int wait_for(lua_State *L, transfer *self, const char *what, lua_KFunction k) {
  rl_task *task = rl_task_running(L);
  if (self->awaited) return rl_error_mistake(L, "another task waits for this response already");
  if (task && rl_scope_due(task)) give_up(self);
  self->waiter = rl_task_waker(rl_task_may_wait(L, what));
  self->awaited = true;
  return rl_task_wait(L, what, undo, self, k, 0);
}

static bool has_ended(const transfer *self) { return self->t.state == RL_TRANSFER_ENDED; }

/* A failure before all is sent matters to the sender too, unless the answer is a refusal. */
static bool is_unsent(const rl_transfer *t) { return t->streams && !t->outgoing_ended && t->head.status < 300; }

/* Pushes status and headers, or waits for them. 0 where it must wait. */
static int push_head(lua_State *L, transfer *self) {
  self->awaited = false;
  if (!self->t.has_head && !has_ended(self)) return 0;
  if (!self->t.has_head || (self->t.code && is_unsent(&self->t))) return rl_client_transfer_raise(L, 1);
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

static int answer_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  transfer *self = lua_touserdata(L, 1);
  if (!push_head(L, self)) return wait_for(L, self, "a response", answer_k);
  lua_pushvalue(L, 1);
  return 3;
}

int rl_client_transfer_answer(lua_State *L) {
  lua_settop(L, 1);
  return answer_k(L, LUA_OK, 0);
}

/* transfer:head() -> status, headers */
static int transfer_head(lua_State *L) {
  transfer *self = check_transfer(L);
  lua_settop(L, 1);
  if (self->awaited) return wait_for(L, self, "a response", head_k); /* raises */
  rl_task_may_wait(L, "a response");
  return head_k(L, LUA_OK, 0);
}

/* transfer:version() -> "1.1", "2" */
static int transfer_version(lua_State *L) {
  lua_pushstring(L, check_transfer(L)->t.head.version);
  return 1;
}

/* ---- the body that comes ---------------------------------------------------------------------------------------------------------------- */

/* The next step of a reader. */
enum { HAS_BYTES, MUST_WAIT, AT_END };

/* Bytes that are to be used, and then rl_transfer_read_on called: decoded ones stand in `room`. */
static int read_some(lua_State *L, transfer *self, rl_buf *room, rl_slice *out) {
  int code = rl_buf_reserve(room, PIECE);
  long n = code ? code : rl_transfer_read(&self->t, room->data, PIECE, out);
  if (n > 0) return HAS_BYTES;
  if (n == 0 && !has_ended(self)) return MUST_WAIT;
  if (n == 0) return AT_END;
  rl_scratch_give(room);
  return code ? rl_error_raise(L, code, NULL) : rl_client_transfer_raise(L, 1);
}

/* Before anything is read: bytes that were taken off the transfer and did not reach Lua are missing, so it is broken. */
static transfer *check_whole(lua_State *L) {
  transfer *self = lua_touserdata(L, 1);
  lua_settop(L, 1);
  self->awaited = false;
  if (!self->owes) return self;
  rl_transfer_fail(&self->t, RL_ENOMEM, "a part of the body was lost because memory was short");
  rl_client_transfer_raise(L, 1);
}

static void push_bytes(lua_State *L, transfer *self, rl_slice bytes) {
  self->owes = true;
  rl_push_slice(L, bytes);
  self->owes = false;
}

static int next_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  transfer *self = check_whole(L);
  rl_buf *room = rl_scratch_push(L);
  rl_slice bytes = RL_SLICE_NONE;
  int found = read_some(L, self, room, &bytes);
  if (found == HAS_BYTES) push_bytes(L, self, bytes);
  rl_scratch_give(room);
  if (found == MUST_WAIT) return wait_for(L, self, "the body of a response", next_k);
  if (found == AT_END) return lua_pushnil(L), 1;
  rl_transfer_read_on(&self->t);
  return 1;
}

/* transfer:next() -> chunk of the decoded body, at most 64 KiB; nil at its end */
static int transfer_next(lua_State *L) {
  transfer *self = check_transfer(L);
  lua_settop(L, 1);
  if (self->awaited) return wait_for(L, self, "the body of a response", next_k); /* raises */
  return next_k(L, LUA_OK, 0);
}

/* Adds all that is there to `whole`. */
static int gather(lua_State *L, transfer *self, rl_buf *room) {
  rl_slice bytes = RL_SLICE_NONE;
  int found;
  while ((found = read_some(L, self, room, &bytes)) == HAS_BYTES) {
    self->owes = rl_buf_add_slice(&self->whole, bytes) != 0;
    if (!self->owes) rl_transfer_read_on(&self->t);
    else check_whole(L); /* raises */
  }
  return found;
}

static int all_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  transfer *self = check_whole(L);
  rl_slice bytes = self->whole.len ? RL_SLICE_NONE : rl_transfer_take_rest(&self->t);
  if (bytes.len) return push_bytes(L, self, bytes), 1;
  rl_buf *room = rl_scratch_push(L);
  int found = gather(L, self, room);
  rl_scratch_give(room);
  if (found == MUST_WAIT) return wait_for(L, self, "the body of a response", all_k);
  rl_push_slice(L, rl_buf_slice(&self->whole));
  rl_buf_free(&self->whole);
  return 1;
}

/* transfer:all() -> the rest of the decoded body */
static int transfer_all(lua_State *L) {
  transfer *self = check_transfer(L);
  lua_settop(L, 1);
  if (self->awaited) return wait_for(L, self, "the body of a response", all_k); /* raises */
  return all_k(L, LUA_OK, 0);
}

/* ---- the body that goes ------------------------------------------------------------------------------------------------------------------- */

static int send_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  transfer *self = lua_touserdata(L, 1);
  bool wanted = rl_transfer_wants_body(&self->t);
  self->awaited = false;
  if (wanted && self->t.outgoing.len) return wait_for(L, self, "the other side to take the request", send_k);
  if (!wanted) rl_transfer_stop_sending(&self->t);
  lua_pushboolean(L, wanted);
  return 1;
}

/* transfer:send(bytes) -> whether more is wanted, else the body is cut off; waits until they are taken */
static int transfer_send(lua_State *L) {
  transfer *self = check_transfer(L);
  rl_slice bytes = rl_check_slice(L, 2);
  lua_settop(L, 2); /* which keeps the bytes alive */
  if (self->awaited) return wait_for(L, self, "the other side to take the request", send_k); /* raises */
  rl_task_may_wait(L, "the other side to take the request");
  if (rl_transfer_wants_body(&self->t)) rl_transfer_send(&self->t, bytes);
  return send_k(L, LUA_OK, 0);
}

/* transfer:send_end(): the body is complete */
static int transfer_send_end(lua_State *L) {
  rl_transfer_send_end(&check_transfer(L)->t);
  return 0;
}

/* ---- the end --------------------------------------------------------------------------------------------------------------------------------- */

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

static const luaL_Reg methods[] = {{"head", transfer_head},       {"next", transfer_next},
                                   {"all", transfer_all},         {"send", transfer_send},
                                   {"close", transfer_close},     {"send_end", transfer_send_end},
                                   {"version", transfer_version}, {"__gc", transfer_gc},
                                   {"__close", transfer_close},   {NULL, NULL}};

void rl_bind_client_transfer(lua_State *L) {
  rl_new_metatable(L, "rille.transfer");
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  rl_vm_keep_meta(L, RL_REF_TRANSFER_META);
}
