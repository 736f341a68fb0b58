/* The body of a request for Lua: whole, in pieces, or not at all. Only the task of the request reads it. */
#include "base/error.h"
#include "bind/bind.h"
#include "bind/http/request.h"

static bool undo_body(rl_task *task, void *ud) {
  (void)ud;
  rl_serving *s = task->owner;
  if (!s) return true;
  s->body_waker.task = NULL;
  if (s->body_state == RL_BODY_READING)
    s->body_state = RL_BODY_UNREAD; /* what has come stays and may be asked for again */
  if (s->req && !s->gone) s->req->ops->read_body(s->req, false);
  return true;
}

static RL_RAISES int raise_body_error(lua_State *L, const rl_serving *s) {
  switch (s->body_error) {
    case RL_ETOOBIG:
      rl_error_raise(L, RL_ETOOBIG, "the body is larger than %llu bytes (body_limit)",
                     (unsigned long long)s->req->body_limit);
    case RL_ETIMEOUT: rl_error_push_word(L, "timeout", 408, "the body arrived too slowly"); lua_error(L);
    case RL_ENOMEM: rl_error_raise(L, RL_ENOMEM, NULL);
    default: rl_error_raise(L, RL_ESYNTAX, "the body is malformed");
  }
}

static void check_body_size(lua_State *L, rl_serving *s) {
  const rl_req *req = s->req;
  if (!req->has_length || req->length <= req->body_limit) return;
  s->body_error = RL_ETOOBIG;
  raise_body_error(L, s);
}

static int body_done(lua_State *L, rl_serving *s) {
  if (s->body_error) return raise_body_error(L, s);
  s->body_state = RL_BODY_UNREAD; /* until Lua has it: where that fails, it may be asked for again */
  rl_request_push_cached(L);
  rl_push_slice(L, rl_buf_slice(&s->body));
  lua_pushvalue(L, -1);
  lua_rawseti(L, -3, RL_CACHED_BODY);
  s->body_state = RL_BODY_WHOLE;
  rl_buf_free(&s->body);
  return 1;
}

static int body_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return body_done(L, rl_check_serving(L, 1));
}

/* request_body(req) -> the body where it was read whole already, or nil */
static int request_body(lua_State *L) {
  rl_serving *s = rl_check_serving(L, 1);
  lua_settop(L, 1);
  rl_request_push_cached(L);
  if (s->body_state == RL_BODY_WHOLE) lua_rawgeti(L, -1, RL_CACHED_BODY);
  else lua_pushnil(L);
  return 1;
}

/* req:bytes() -> the whole body; may be asked for again */
static int l_bytes(lua_State *L) {
  rl_serving *s = rl_check_serving(L, 1);
  lua_settop(L, 1);
  if (s->body_state == RL_BODY_WHOLE) {
    rl_request_push_cached(L);
    lua_rawgeti(L, -1, RL_CACHED_BODY);
    return 1;
  }
  if (s->body_state == RL_BODY_STREAMED) return rl_error_mistake(L, "the body was read in pieces already");
  if (s->body_state == RL_BODY_READING) return rl_error_mistake(L, "another task is reading the body");
  check_body_size(L, s);
  if (s->req->body_done) return body_done(L, s);
  rl_task *task = rl_task_may_wait(L, "the body of the request");
  if (task != s->task) return rl_error_mistake(L, "the body can be read by the task of its request only");
  rl_serving_read(s, true);
  return rl_task_wait(L, "the body of the request", undo_body, NULL, body_k, 0);
}

static int next_chunk(lua_State *L);

static int next_chunk_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return next_chunk(L);
}

/* The iterator of req:chunks(): what has arrived, or a wait. The request is its upvalue, so that it can be passed on as it is
 * (the body of a request of the client). */
static int next_chunk(lua_State *L) {
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(1));
  rl_serving *s = rl_check_serving(L, 1);
  if (s->body.len) {
    rl_push_slice(L, rl_buf_slice(&s->body));
    rl_buf_clear(&s->body);
    return 1;
  }
  if (s->body_ended || s->req->body_done) {
    if (s->body_error) return raise_body_error(L, s);
    lua_pushnil(L);
    return 1;
  }
  rl_task *task = rl_task_may_wait(L, "the body of the request");
  if (task != s->task) return rl_error_mistake(L, "the body can be read by the task of its request only");
  rl_serving_read(s, false);
  return rl_task_wait(L, "the body of the request", undo_body, NULL, next_chunk_k, 0);
}

/* req:chunks() -> iterator over the body as it arrives */
static int l_chunks(lua_State *L) {
  rl_serving *s = rl_check_serving(L, 1);
  if (s->body_state != RL_BODY_UNREAD) return rl_error_mistake(L, "the body was read already");
  check_body_size(L, s);
  s->body_state = RL_BODY_STREAMED;
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, next_chunk, 1);
  return 1;
}

const luaL_Reg rl_request_body_methods[] = {{"bytes", l_bytes}, {"chunks", l_chunks}, {NULL, NULL}};

const luaL_Reg rl_request_body_functions[] = {{"request_body", request_body}, {NULL, NULL}};
