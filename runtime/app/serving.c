/* A request while its task runs: its body, its end, and the values that Lua gets of it. See serving.h. */
#include "app/serving.h"

#include <string.h>

#include "app/answer.h"
#include "base/error.h"
#include "vm/frames.h"

enum { PIECE = RL_SERVING_PIECE };

rl_serving *rl_serving_new(rl_app *app, rl_req *req, const rl_match *match) {
  rl_serving *s = rl_arena_alloc(&req->arena, sizeof *s + match->param_count * sizeof *match->params);
  if (!s) return NULL;
  *s = (rl_serving){.req = req, .app = app, .route = match->route, .scope = match->scope, .allow = match->allow};
  s->param_count = match->param_count;
  memcpy(s->params, match->params, match->param_count * sizeof *match->params);
  rl_buf_init(&s->body, RL_BUF_NO_LIMIT);
  rl_list_init(&s->cleanups);
  return s;
}

const char *rl_serving_label(const rl_serving *serving) {
  return serving->route >= 0 ? serving->app->routes[serving->route].label : "no route";
}

uint32_t rl_serving_cpu_limit(const rl_serving *s) {
  uint32_t own = s->route >= 0 ? s->app->routes[s->route].cpu_limit_ms : 0;
  return own ? own : s->app->cpu_limit_ms;
}

/* ---- events of the request -------------------------------------------------------------------------------------------------- */

static void on_body(rl_req *req, rl_slice bytes) {
  rl_serving *s = req->user;
  if (rl_buf_add_slice(&s->body, bytes)) {
    s->body_error = s->body.error;
    s->body_ended = true;
    req->ops->read_body(req, false);
  } else if (s->body_state == RL_BODY_STREAMED && s->body.len >= PIECE) {
    req->ops->read_body(req, false);
  }
  if (s->body_state == RL_BODY_STREAMED || s->body_ended) rl_task_wake(&s->body_waker);
}

static void on_body_end(rl_req *req, int code) {
  rl_serving *s = req->user;
  s->body_ended = true;
  if (!s->body_error) s->body_error = code; /* an earlier error (out of memory) is kept */
  rl_task_wake(&s->body_waker);
}

static void on_drain(rl_req *req) {
  rl_serving *s = req->user;
  s->clogged = false;
  rl_task_wake(&s->drain_waker);
}

static void on_gone(rl_req *req, int code) {
  rl_serving *s = req->user;
  s->gone = true;
  rl_task_cancel(s->task, RL_ECANCELLED, code == RL_ECANCELLED ? "the server stops" : "the client has gone");
}

const rl_req_events rl_serving_events = {
    .on_body = on_body, .on_body_end = on_body_end, .on_drain = on_drain, .on_gone = on_gone};

void rl_serving_read(rl_serving *s, bool whole) {
  s->body_waker = rl_task_waker(s->task);
  s->body_state = whole ? RL_BODY_READING : RL_BODY_STREAMED;
  s->req->ops->read_body(s->req, true);
}

bool rl_serving_undo_drain(rl_task *task, void *ud) {
  (void)task;
  ((rl_serving *)ud)->drain_waker.task = NULL;
  return true;
}

int rl_serving_wait_drain(lua_State *L, rl_serving *s, lua_KFunction k, lua_KContext ctx) {
  s->clogged = true;
  s->drain_waker = rl_task_waker(s->task);
  return rl_task_wait(L, "the client to take the response", rl_serving_undo_drain, s, k, ctx);
}

/* ---- the end ------------------------------------------------------------------------------------------------------------------ */

void rl_serving_finish(rl_serving *s) {
  rl_req *req = s->req;
  rl_app *app = s->app;
  if (!req) return;
  if (s->handle) *s->handle = NULL;
  s->task->owner = NULL;
  rl_buf_free(&s->body);
  for (rl_list *node; (node = rl_list_shift(&s->cleanups));) {
    rl_cleanup *cleanup = RL_CONTAINER(node, rl_cleanup, node);
    cleanup->run(cleanup);
  }
  s->req = NULL;
  app->serving--;
  req->ops->release(req); /* frees the arena, and `s` with it */
}

/* The serving is finished already, unless the base failed outside its protected calls (out of memory). Then the protocol answers
 * 500 if nothing was sent. */
void rl_serving_on_task_end(rl_task *task) {
  rl_serving *s = task->owner;
  if (s) rl_serving_finish(s);
}

void rl_serving_forget(void *ud, rl_task *task, unsigned depth) {
  (void)ud, (void)depth;
  if (task->on_end == rl_serving_on_task_end) rl_serving_on_task_end(task);
}

rl_serving *rl_serving_of_task(const rl_task *task) {
  while (task && task->on_end != rl_serving_on_task_end) task = task->parent;
  return task ? task->owner : NULL;
}

unsigned rl_serving_cancel_all(rl_app *app, const char *reason) {
  unsigned count = 0;
  RL_LIST_EACH(&app->vm->roots, node) {
    rl_task *task = RL_CONTAINER(node, rl_task, sibling);
    if (task->on_end != rl_serving_on_task_end || !task->owner) continue;
    rl_task_cancel(task, RL_ECANCELLED, reason);
    count++;
  }
  return count;
}

/* ---- for Lua ------------------------------------------------------------------------------------------------------------------ */

void rl_serving_push_handle(lua_State *L, rl_serving *serving) {
  rl_serving **handle = lua_newuserdatauv(L, sizeof *handle, RL_KEPT_COUNT);
  *handle = serving;
  serving->handle = handle;
  rl_vm_push_ref(L, RL_REF_REQUEST_META);
  lua_setmetatable(L, -2);
}

void rl_serving_push_out(lua_State *L, int index) {
  index = lua_absindex(L, index);
  lua_newuserdatauv(L, 0, 1);
  luaL_setmetatable(L, "rille.out");
  lua_pushvalue(L, index);
  lua_setiuservalue(L, -2, 1);
}

/* Takes the handle from the base's frame, where it is at RL_AT_REQUEST as long as the serving lasts. So a request needs no
 * registry reference, which few would use. */
bool rl_serving_push_request(lua_State *L, const rl_serving *s) {
  lua_Debug frame;
  lua_State *co = s->task->strand.co;
  if (!lua_checkstack(co, 1) || !lua_getstack(co, rl_frames_depth(co) - 1, &frame)) return false;
  if (!lua_getlocal(co, &frame, RL_AT_REQUEST)) return false;
  if (co != L) lua_xmove(co, L, 1);
  return true;
}

void rl_serving_push_app(lua_State *L, const rl_serving *s) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->app->self_ref);
  lua_getiuservalue(L, -1, 2);
  lua_rawgeti(L, -1, s->route >= 0 ? s->route : -1 - s->scope);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

void rl_serving_push_chain(lua_State *L, const rl_serving *s) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->app->chains_ref);
  lua_rawgeti(L, -1, s->route >= 0 ? s->route : -1 - s->scope);
  lua_replace(L, -2);
}

static void push_chain(lua_State *L, const void *serving) { rl_serving_push_chain(L, serving); }

void rl_serving_push_place(lua_State *L) {
  rl_task *task = rl_task_running(L);
  const rl_serving *serving = rl_serving_of_task(task);
  int top = lua_gettop(L);
  if (serving) rl_returned_push_place(L, &(rl_returned){.push = push_chain, .of = serving});
  else if (task && task->line) lua_pushfstring(L, "%s:%d: ", task->site, task->line);
  else lua_pushliteral(L, "");
  lua_insert(L, top + 1);
  lua_settop(L, top + 1);
}
