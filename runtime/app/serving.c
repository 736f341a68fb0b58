/* One request as a task, step by step; see serve.h. Each step is a protected call whose continuation takes the next. */
#include "app/serving.h"

#include <string.h>

#include "base/date.h"
#include "base/error.h"
#include "base/log.h"
#include "http/conditional.h"
#include "http/status.h"
#include "server/static_serve.h"
#include "vm/error.h"
#include "vm/frames.h"

enum { PIECE = 64 << 10 };
enum { AT_HANDLER = 1, AT_REQ = 2 }; /* stack of the base: message handler, req, then what a step works on */

static rl_serving *serving_of(lua_State *L) { return *(rl_serving **)lua_touserdata(L, AT_REQ); }
static bool failed(int status) { return status != LUA_OK && status != LUA_YIELD; }

/* A protected call of the base has ended: what answers its error is measured anew by the stall guard. */
static bool leave_call(lua_State *L, int status, lua_KContext number) {
  rl_protect_leave(L, (unsigned)number, true);
  if (failed(status)) rl_heartbeat_pass(rl_vm_of(L));
  return failed(status);
}

const char *rl_serving_label(const rl_serving *serving) {
  return serving->route >= 0 ? serving->app->routes[serving->route].label : "no route";
}

/* ---- what the request tells ------------------------------------------------------------------------------------------------ */

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
  if (!s->body_error) s->body_error = code; /* what was lost for want of memory stays lost */
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

static const rl_req_events events = {
    .on_body = on_body, .on_body_end = on_body_end, .on_drain = on_drain, .on_gone = on_gone};

void rl_serving_read(rl_serving *s, bool whole) {
  s->body_waker = rl_task_waker(s->task);
  s->body_state = whole ? RL_BODY_READING : RL_BODY_STREAMED;
  s->req->ops->read_body(s->req, true);
}

/* ---- the end ------------------------------------------------------------------------------------------------------------------ */

/* The exchange is over for Lua: the handle is emptied, the request given back. The task may live on for its children. */
static void finish(rl_serving *s) {
  rl_req *req = s->req;
  rl_app *app = s->app;
  if (!req) return;
  if (s->handle) *s->handle = NULL;
  s->task->owner = NULL;
  rl_buf_free(&s->body);
  for (rl_list *node; (node = rl_list_shift(&s->held));) {
    rl_held *held = RL_CONTAINER(node, rl_held, node);
    held->release(held);
  }
  s->req = NULL;
  app->serving--;
  req->ops->release(req); /* frees the arena, and `s` with it */
}

/* The base failed outside its protected calls: out of memory. Whatever was not answered is a 500 by the protocol. */
static void on_task_end(rl_task *task) {
  rl_serving *s = task->owner;
  if (s) finish(s);
}

void rl_serving_forget(void *ud, rl_task *task, unsigned depth) {
  (void)ud, (void)depth;
  if (task->on_end == on_task_end) on_task_end(task);
}

rl_serving *rl_serving_of_task(const rl_task *task) {
  while (task && task->on_end != on_task_end) task = task->parent;
  return task ? task->owner : NULL;
}

/* The handle stands at AT_REQ of the base's frame as long as the serving lasts: it is taken from there, so that no request
 * pays for what few ask for. */
bool rl_serving_push_request(lua_State *L, const rl_serving *s) {
  lua_Debug frame;
  lua_State *co = s->task->strand.co;
  if (!lua_checkstack(co, 1) || !lua_getstack(co, rl_frames_depth(co) - 1, &frame)) return false;
  if (!lua_getlocal(co, &frame, AT_REQ)) return false;
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

static int leave(lua_State *L) {
  rl_serving *s = serving_of(L);
  if (s) finish(s);
  lua_settop(L, 0);
  return rl_task_leave(L, 0);
}

/* A last resort that needs no memory of Lua's. */
static int answer_plain(lua_State *L, int status) {
  rl_serving *s = serving_of(L);
  char room[64];
  rl_resp resp = rl_resp_plain(status, NULL, room, sizeof room);
  if (!s->gone && !s->req->responded) s->req->ops->respond(s->req, &resp);
  return leave(L);
}

/* ---- sending -------------------------------------------------------------------------------------------------------------------- */

static bool undo_drain(rl_task *task, void *ud) {
  (void)task;
  ((rl_serving *)ud)->drain_waker.task = NULL;
  return true;
}

int rl_serving_wait_drain(lua_State *L, rl_serving *s, lua_KFunction k, lua_KContext ctx) {
  s->clogged = true;
  s->drain_waker = rl_task_waker(s->task);
  return rl_task_wait(L, "the client to take the response", undo_drain, s, k, ctx);
}

/* The task is cancelled while its answer is on the way: the client sees that it is not whole. */
static int break_off(lua_State *L) {
  rl_serving *s = serving_of(L);
  if (!s->gone) s->req->ops->abort(s->req);
  s->gone = true;
  return leave(L);
}

static int send_rest_k(lua_State *L, int status, lua_KContext sent);

/* The rest of a large body, piece by piece, as fast as the client takes it. Stack top: the body. */
static int send_rest(lua_State *L, size_t sent) {
  rl_serving *s = serving_of(L);
  size_t len;
  const char *bytes = lua_tolstring(L, -1, &len);
  while (!s->gone && sent < len) {
    size_t piece = len - sent < PIECE ? len - sent : PIECE;
    int code = s->req->ops->write(s->req, rl_slice_of(bytes + sent, piece));
    sent += piece;
    if (code == RL_EAGAIN) {
      s->drain_waker = rl_task_waker(s->task);
      return rl_task_wait_quietly(L, "the client to take the response", undo_drain, s, send_rest_k, (lua_KContext)sent);
    }
    if (code) break;
  }
  if (!s->gone) s->req->ops->end(s->req, NULL, 0);
  return leave(L);
}

static int send_rest_k(lua_State *L, int status, lua_KContext sent) {
  return failed(status) ? break_off(L) : send_rest(L, (size_t)sent);
}

/* Stack top: the error. */
static void log_stream_failure(lua_State *L, const rl_serving *s) {
  const char *text, *trace;
  rl_task_describe_error(L, lua_gettop(L), &text, &trace);
  rl_log_field fields[] = {RL_LOG_TEXT_FIELD("route", rl_slice_str(rl_serving_label(s))),
                           RL_LOG_TEXT_FIELD("error", rl_slice_str(text)),
                           RL_LOG_TEXT_FIELD("traceback", rl_slice_str(trace))};
  rl_log(RL_LOG_ERROR, RL_SLICE("a streamed response failed"), fields, trace ? 3 : 2);
}

static void log_short_stream(const rl_serving *s) {
  rl_log_field field = RL_LOG_TEXT_FIELD("route", rl_slice_str(rl_serving_label(s)));
  rl_log(RL_LOG_ERROR, RL_SLICE("a streamed response ended before the length that its Content-Length says"), &field, 1);
}

static int stream_k(lua_State *L, int status, lua_KContext number) {
  rl_serving *s = serving_of(L);
  bool fails = leave_call(L, status, number);
  if (fails && !(s->gone && rl_scope_raised(L, &s->task->base, -1))) log_stream_failure(L, s);
  if (fails && !s->gone) {
    s->req->ops->abort(s->req);
    s->gone = true;
  }
  if (!s->gone && s->req->ops->end(s->req, s->trailers, s->trailer_count) == RL_EIO) log_short_stream(s);
  return leave(L);
}

/* Stack top: the function of a streamed response. It gets `out`, which writes to this request. */
static int run_stream(lua_State *L) {
  rl_out_push(L, AT_REQ);
  lua_KContext number = rl_protect_enter(L);
  return stream_k(L, lua_pcallk(L, 1, 0, AT_HANDLER, number, stream_k), number);
}

/* ---- files ---------------------------------------------------------------------------------------------------------------------- */

typedef struct file_answer {
  rl_file_send send;
  rl_serving *serving;
  rl_waker waker;
  bool done;
  int code;
} file_answer;

static void on_file_done(rl_file_send *send, int code) {
  file_answer *a = send->owner;
  a->done = true;
  a->code = code;
  if (code == RL_ERESET || code == RL_EEOF || code == RL_ECANCELLED) a->serving->gone = true;
  rl_task_wake(&a->waker);
}

static int file_done(lua_State *L, const file_answer *a) {
  rl_serving *s = a->serving;
  if (a->code && !s->gone && !s->req->responded) return answer_plain(L, rl_error_status(a->code));
  return leave(L);
}

/* The descriptor is closed here: nobody else will. */
static bool undo_file(rl_task *task, void *ud) {
  file_answer *a = ud;
  (void)task;
  a->waker.task = NULL;
  rl_file_send_cancel(&a->send);
  a->serving->gone = true;
  return true;
}

static int file_k(lua_State *L, int status, lua_KContext ctx) {
  if (failed(status)) return leave(L);
  return file_done(L, (file_answer *)ctx);
}

/* The head of a file's response without its Content-Type, which its parts need too. */
static rl_file_options file_options(rl_serving *s, const rl_resp *resp) {
  rl_file_options options = {.status = resp->status};
  rl_header *others = rl_arena_alloc(&s->req->arena, (resp->header_count + 1) * sizeof *others);
  for (size_t i = 0; i < resp->header_count; i++) {
    if (resp->headers[i].id == RL_HEADER_CONTENT_TYPE) options.content_type = resp->headers[i].value;
    else if (others) others[options.header_count++] = resp->headers[i];
  }
  options.headers = others;
  return options;
}

/* Stack top: a file's response, its head in `resp`. */
static int send_file(lua_State *L, rl_serving *s, const rl_resp *resp) {
  lua_getiuservalue(L, -1, 1);
  rl_file *file = lua_touserdata(L, -1);
  file_answer *a = rl_arena_alloc(&s->req->arena, sizeof *a);
  if (!a || (file->fd < 0 && !file->cached))
    return answer_plain(L, 500); /* sent before: a response object is for one answer */
  *a = (file_answer){.serving = s, .send = {.on_done = on_file_done, .owner = a}};
  rl_file_options options = file_options(s, resp);
  rl_file_send_start(&a->send, s->req, file, &options);
  if (a->done) return file_done(L, a);
  a->waker = rl_task_waker(s->task);
  return rl_task_wait_quietly(L, "the client to take the file", undo_file, a, file_k, (lua_KContext)a);
}

/* A response with a validator answers a conditional request by itself: 304, 412, or 0 to go on. */
static int precondition(const rl_serving *s, const rl_resp *resp) {
  if (resp->status != 200) return 0;
  const rl_header *etag = rl_header_find(resp->headers, resp->header_count, RL_HEADER_ETAG);
  const rl_header *date = rl_header_find(resp->headers, resp->header_count, RL_HEADER_LAST_MODIFIED);
  int64_t modified = -1;
  if (!etag && !date) return 0;
  if (date && rl_date_parse(date->value, 0, &modified)) modified = -1;
  return rl_conditional(s->req, etag ? etag->value : RL_SLICE_NONE, modified);
}

static bool has_no_body(const rl_serving *s, int status) {
  return s->req->method == RL_METHOD_HEAD || rl_status_is_bodiless(status);
}

/* A length that the program has said, of a body that has another one: what follows would be read as the next response. */
static bool says_other_length(const rl_serving *s, const rl_resp *resp) {
  if (resp->streamed || !resp->has_length || resp->length == resp->body.len || has_no_body(s, resp->status))
    return false;
  rl_log_field fields[] = {RL_LOG_TEXT_FIELD("route", rl_slice_str(rl_serving_label(s))),
                           RL_LOG_NUMBER_FIELD("said", (int64_t)resp->length),
                           RL_LOG_NUMBER_FIELD("bytes", (int64_t)resp->body.len)};
  rl_log(RL_LOG_ERROR, RL_SLICE("a response is not as long as its Content-Length says"), fields, 3);
  return true;
}

/* Stack top: a response that has passed its hooks. */
static int send_response(lua_State *L) {
  rl_serving *s = serving_of(L);
  rl_resp resp;
  int kind = rl_res_at(L, -1)->kind;
  if (s->gone) return leave(L);
  int code = rl_res_fill(L, -1, &resp, &s->req->arena);
  if (!code && kind == RL_RES_FILE) return send_file(L, s, &resp);
  int short_answer = code ? 0 : precondition(s, &resp);
  if (short_answer) {
    resp.status = short_answer;
    resp.body = resp.content_type = RL_SLICE_NONE;
    resp.streamed = resp.has_length = false;
    s->req->ops->respond(s->req, &resp);
    return leave(L);
  }
  if (!code && says_other_length(s, &resp)) return answer_plain(L, 500);
  bool large = kind == RL_RES_BYTES && resp.body.len > PIECE && !has_no_body(s, resp.status);
  rl_slice whole = resp.body;
  if (large) resp.streamed = resp.has_length = true, resp.length = whole.len, resp.body.len = PIECE;
  resp.wants_no_body = large;
  if (!code) code = s->req->ops->respond(s->req, &resp);
  if (code) return answer_plain(L, code == RL_ENOMEM ? 503 : 500);
  if (kind == RL_RES_BYTES && !large) return leave(L);
  lua_getiuservalue(L, -1, 1);
  if (large) return send_rest(L, PIECE);
  if (!has_no_body(s, resp.status)) return run_stream(L);
  s->req->ops->end(s->req, NULL, 0);
  return leave(L);
}

/* ---- errors ---------------------------------------------------------------------------------------------------------------------- */

static int handle_error(lua_State *L);

static int hooks_k(lua_State *L, int status, lua_KContext number) {
  if (leave_call(L, status, number)) return handle_error(L);
  lua_settop(L, AT_REQ + 1);
  return send_response(L);
}

static bool wants_hooks(const rl_serving *s) { return !s->hooked && (s->app->hooks_always || s->finishers); }

/* Stack top: a response. The hooks of app:on_response and of this request see it before it leaves; once, so that the answer
 * to a hook's own error gets out. */
static int run_hooks(lua_State *L) {
  rl_serving *s = serving_of(L);
  rl_app *app = s->app;
  lua_copy(L, -1, AT_REQ + 1);
  lua_settop(L, AT_REQ + 1);
  if (!wants_hooks(s)) return send_response(L);
  s->hooked = true;
  lua_rawgeti(L, LUA_REGISTRYINDEX, app->on_response_ref);
  lua_pushvalue(L, AT_REQ);
  lua_pushvalue(L, AT_REQ + 1);
  lua_KContext number = rl_protect_enter(L);
  return hooks_k(L, lua_pcallk(L, 2, 0, AT_HANDLER, number, hooks_k), number);
}

static int error_k(lua_State *L, int status, lua_KContext number) {
  if (!leave_call(L, status, number) && rl_res_at(L, -1)) return run_hooks(L);
  const char *text, *trace;
  rl_task_describe_error(L, lua_gettop(L), &text, &trace);
  rl_log_field fields[] = {RL_LOG_TEXT_FIELD("error", rl_slice_str(text)),
                           RL_LOG_TEXT_FIELD("traceback", rl_slice_str(trace))};
  rl_log(RL_LOG_ERROR, RL_SLICE("answering an error failed"), fields, trace ? 2 : 1);
  return answer_plain(L, 500);
}

/* Stack top: the error. A task that was cancelled has nobody to answer, or no time to. */
static int handle_error(lua_State *L) {
  rl_serving *s = serving_of(L);
  bool cancelled = s->gone || s->task->base.state != RL_SCOPE_QUIET;
  if (cancelled && !rl_scope_raised(L, &s->task->base, -1))
    rl_task_log_error(L, lua_gettop(L), "a handler failed while it was cancelled");
  if (s->gone) return leave(L);
  if (cancelled) return answer_plain(L, 503);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->app->on_error_ref);
  lua_pushvalue(L, AT_REQ);
  lua_pushvalue(L, -3);
  lua_KContext number = rl_protect_enter(L);
  return error_k(L, lua_pcallk(L, 2, 1, AT_HANDLER, number, error_k), number);
}

/* ---- the handler ------------------------------------------------------------------------------------------------------------------- */

/* The commonest answer of all, a short string and no hooks, goes out without becoming a value first. */
static bool send_string(lua_State *L, rl_serving *s, int count) {
  if (lua_type(L, AT_REQ + 1) != LUA_TSTRING || count > 2 || wants_hooks(s)) return false;
  rl_resp resp = {.status = 200, .content_type = RL_SLICE("text/plain; charset=utf-8")};
  if (count == 2) {
    if (!lua_isinteger(L, AT_REQ + 2)) return false;
    lua_Integer status = lua_tointeger(L, AT_REQ + 2);
    if (status < 200 || status > 599) return false;
    resp.status = (int)status;
  }
  resp.body.data = lua_tolstring(L, AT_REQ + 1, &resp.body.len);
  return resp.body.len <= PIECE && s->req->ops->respond(s->req, &resp) == RL_OK;
}

void rl_serving_push_chain(lua_State *L, const rl_serving *s) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->app->chains_ref);
  lua_rawgeti(L, -1, s->route >= 0 ? s->route : -1 - s->scope);
  lua_replace(L, -2);
}

/* Turns what is above req into a response; runs protected, because it raises about what it cannot take. */
static int convert(lua_State *L) {
  const rl_serving *s = lua_touserdata(L, 1);
  lua_remove(L, 1);
  rl_returned from = {.who = "the handler of", .label = rl_serving_label(s), .serving = s};
  rl_res_from_results(L, lua_gettop(L), &from);
  return 1;
}

static int take_results(lua_State *L) {
  rl_serving *s = serving_of(L);
  int count = lua_gettop(L) - AT_REQ;
  if (s->gone) return leave(L);
  if (send_string(L, s, count)) return leave(L);
  lua_pushcfunction(L, convert);
  lua_pushlightuserdata(L, s);
  lua_rotate(L, AT_REQ + 1, 2);
  if (lua_pcall(L, count + 1, 1, AT_HANDLER) != LUA_OK) return handle_error(L);
  return run_hooks(L);
}

static int chain_k(lua_State *L, int status, lua_KContext number) {
  if (!leave_call(L, status, number)) return take_results(L);
  return rl_res_at(L, -1) ? run_hooks(L) : handle_error(L); /* a raised response is one */
}

/* Base of a request's task. Stack: the serving. */
static int request_base(lua_State *L) {
  rl_serving *s = lua_touserdata(L, 1);
  lua_pushcfunction(L, rl_error_handler);
  lua_replace(L, AT_HANDLER);
  rl_request_push(L, s);
  rl_serving_push_chain(L, s);
  lua_pushvalue(L, AT_REQ);
  lua_KContext number = rl_protect_enter(L);
  return chain_k(L, lua_pcallk(L, 1, LUA_MULTRET, AT_HANDLER, number, chain_k), number);
}

/* ---- from the dispatch --------------------------------------------------------------------------------------------------------------- */

static rl_serving *new_serving(rl_app *app, rl_req *req, const rl_match *match) {
  rl_serving *s = rl_arena_alloc(&req->arena, sizeof *s + match->param_count * sizeof *match->params);
  if (!s) return NULL;
  *s = (rl_serving){.req = req, .app = app, .route = match->route, .scope = match->scope, .allow = match->allow};
  s->param_count = match->param_count;
  memcpy(s->params, match->params, match->param_count * sizeof *match->params);
  rl_buf_init(&s->body, RL_BUF_NO_LIMIT);
  rl_list_init(&s->held);
  return s;
}

static uint32_t cpu_limit_of(const rl_serving *s) {
  uint32_t own = s->route >= 0 ? s->app->routes[s->route].cpu_limit_ms : 0;
  return own ? own : s->app->cpu_limit_ms;
}

static void start(rl_app *app, rl_req *req, rl_serving *s) {
  s->task = s ? rl_task_new(app->vm, NULL, NULL) : NULL;
  if (!s->task) {
    rl_answer_plain(req, 503, NULL, 0);
    return;
  }
  req->user = s;
  req->events = &events;
  app->serving++;
  s->task->owner = s;
  s->task->site = rl_serving_label(s);
  s->task->cpu_limit_ms = cpu_limit_of(s);
  s->task->on_end = on_task_end;
  lua_State *co = s->task->strand.co;
  lua_pushcfunction(co, request_base);
  lua_pushlightuserdata(co, s);
  s->task->nargs = 1;
  rl_task_run(s->task);
}

/* Whether the router could not tell which route it is: answered then. */
static bool is_unsure(rl_app *app, rl_req *req) {
  int status = app->unsure;
  app->unsure = 0;
  if (status) rl_answer_plain(req, status, NULL, 0);
  return status != 0;
}

static void on_route(rl_dispatch *dispatch, rl_req *req, const rl_match *match) {
  rl_app *app = (rl_app *)dispatch;
  if (is_unsure(app, req)) return;
  const rl_app_route *route = &app->routes[match->route];
  if (route->site) {
    rl_slice path = match->param_count ? match->params[match->param_count - 1].value : RL_SLICE("");
    rl_static_serve(route->site, req, path);
    return;
  }
  /* A copy: the access log names it when the last byte has left, and a reload may have closed this state by then. */
  if (route->name) req->route = rl_arena_copy(&req->arena, rl_slice_str(route->name)).data;
  req->body_limit = route->body_limit == RL_APP_DEFAULT ? app->body_limit : route->body_limit;
  rl_serving *s = new_serving(app, req, match);
  if (s) start(app, req, s);
  else rl_answer_plain(req, 503, NULL, 0);
}

/* Middleware and on_error see misses too. */
static void on_miss(rl_dispatch *dispatch, rl_req *req, const rl_match *match) {
  rl_app *app = (rl_app *)dispatch;
  if (is_unsure(app, req)) return;
  req->body_limit = app->body_limit;
  rl_serving *s = new_serving(app, req, match);
  if (!s) {
    rl_answer_plain(req, 503, NULL, 0);
    return;
  }
  s->miss_status = rl_miss_status(req, match);
  start(app, req, s);
}

unsigned rl_app_cancel(rl_app *app, const char *reason) {
  unsigned count = 0;
  RL_LIST_EACH(&app->vm->roots, node) {
    rl_task *task = RL_CONTAINER(node, rl_task, sibling);
    if (task->on_end != on_task_end || !task->owner) continue;
    rl_task_cancel(task, RL_ECANCELLED, reason);
    count++;
  }
  return count;
}

void rl_app_init(rl_app *app, rl_vm *vm) {
  memset(app, 0, sizeof *app);
  app->vm = vm;
  app->router = rl_router_new();
  rl_dispatch_init(&app->dispatch, app->router);
  app->dispatch.on_route = on_route;
  app->dispatch.on_miss = on_miss;
  app->body_limit = RL_LIMIT_BODY;
  app->limits = rl_limits_default;
  app->dispatch.handler.limits = &app->limits;
  app->self_ref = app->chains_ref = app->on_error_ref = app->on_response_ref = LUA_NOREF;
}
