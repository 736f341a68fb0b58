/*
 * Runs one request as a task; see handle.h. Each step is a protected call, and its continuation begins the next step:
 *
 *   request_base -> chain_k -> take_results -> run_hooks -> send_response -> send_rest | run_stream | send_file -> leave
 *                      \-- handle_error -> error_k -> run_hooks …
 *
 * The stack of the base holds the message handler, the handle `req`, and the value that the step works on. Whatever fails,
 * the request is answered or aborted once, and `leave` gives it back.
 */
#include "app/handle.h"

#include "app/answer.h"
#include "app/serving.h"
#include "base/date.h"
#include "base/error.h"
#include "base/log.h"
#include "http/conditional.h"
#include "http/status.h"
#include "server/file_send.h"

enum { PIECE = RL_SERVING_PIECE };
enum { AT_HANDLER = 1 }; /* stack of the base: message handler, req (RL_AT_REQUEST), then what a step works on */

static rl_serving *serving_of(lua_State *L) { return *(rl_serving **)lua_touserdata(L, RL_AT_REQUEST); }

/* Ends a protected call of the base. Returns true if it failed. Then the stall guard measures anew, so that the code that answers
 * the error has time. */
static bool leave_call(lua_State *L, int status, lua_KContext number) {
  rl_protect_leave(L, (unsigned)number, true);
  if (rl_call_failed(status)) rl_pulse_pass(&rl_vm_of(L)->pulse);
  return rl_call_failed(status);
}

/* ---- the end ------------------------------------------------------------------------------------------------------------------ */

static int leave(lua_State *L) {
  rl_serving *s = serving_of(L);
  if (s) rl_serving_finish(s);
  lua_settop(L, 0);
  return rl_task_leave(L, 0);
}

/* Answers without needing memory of Lua's, as a last resort. */
static int answer_plain(lua_State *L, int status) {
  rl_serving *s = serving_of(L);
  char room[64];
  rl_resp resp = rl_resp_plain(status, NULL, room, sizeof room);
  if (!s->gone && !s->req->responded) s->req->ops->respond(s->req, &resp);
  return leave(L);
}

/* ---- sending -------------------------------------------------------------------------------------------------------------------- */

/* Aborts a response that is under way, because its task was cancelled. The client sees that it is incomplete. */
static int break_off(lua_State *L) {
  rl_serving *s = serving_of(L);
  if (!s->gone) s->req->ops->abort(s->req);
  s->gone = true;
  return leave(L);
}

static int send_rest_k(lua_State *L, int status, lua_KContext sent);

/* Sends the rest of a large body in pieces, as fast as the client takes it. Stack top: the body. */
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
      return rl_task_wait_quietly(L, "the client to take the response", rl_serving_undo_drain, s, send_rest_k,
                                  (lua_KContext)sent);
    }
    if (code) break;
  }
  if (!s->gone) s->req->ops->end(s->req, NULL, 0);
  return leave(L);
}

static int send_rest_k(lua_State *L, int status, lua_KContext sent) {
  return rl_call_failed(status) ? break_off(L) : send_rest(L, (size_t)sent);
}

/* Stack top: the error. */
static void log_stream_failure(lua_State *L, const rl_serving *s) {
  const char *text, *trace;
  rl_raised_describe(L, lua_gettop(L), &text, &trace);
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

/* Calls the function of a streamed response, on top of the stack, with `out`, which writes to this request. */
static int run_stream(lua_State *L) {
  rl_serving_push_out(L, RL_AT_REQUEST);
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

/* Cancels the sending, which closes the descriptor. */
static bool undo_file(rl_task *task, void *ud) {
  file_answer *a = ud;
  (void)task;
  a->waker.task = NULL;
  rl_file_send_cancel(&a->send);
  a->serving->gone = true;
  return true;
}

static int file_k(lua_State *L, int status, lua_KContext ctx) {
  if (rl_call_failed(status)) return leave(L);
  return file_done(L, (file_answer *)ctx);
}

/* Returns the head of a file's response. Its Content-Type is apart from the other headers, because each part of a multipart
 * response needs it. */
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

/* Sends the file response on top of the stack, with the head in `resp`. */
static int send_file(lua_State *L, rl_serving *s, const rl_resp *resp) {
  lua_getiuservalue(L, -1, 1);
  rl_file *file = lua_touserdata(L, -1);
  file_answer *a = rl_arena_alloc(&s->req->arena, sizeof *a);
  if (!a || (file->fd < 0 && !file->cached))
    return answer_plain(L, 500); /* out of memory, or sent before: a file response can be sent once */
  *a = (file_answer){.serving = s, .send = {.on_done = on_file_done, .owner = a}};
  rl_file_options options = file_options(s, resp);
  rl_file_send_start(&a->send, s->req, file, &options);
  if (a->done) return file_done(L, a);
  a->waker = rl_task_waker(s->task);
  return rl_task_wait_quietly(L, "the client to take the file", undo_file, a, file_k, (lua_KContext)a);
}

/* Evaluates a conditional request against the validators of the response (RFC 9110 section 13). Returns 304, 412, or 0 to send the
 * response. */
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

/* Returns true if the program's Content-Length differs from the length of its body. A client would read the difference as the
 * next response, or wait for it. */
static bool says_other_length(const rl_serving *s, const rl_resp *resp) {
  if (resp->streamed || !resp->has_length || resp->length == resp->body.len || has_no_body(s, resp->status))
    return false;
  rl_log_field fields[] = {RL_LOG_TEXT_FIELD("route", rl_slice_str(rl_serving_label(s))),
                           RL_LOG_NUMBER_FIELD("said", (int64_t)resp->length),
                           RL_LOG_NUMBER_FIELD("bytes", (int64_t)resp->body.len)};
  rl_log(RL_LOG_ERROR, RL_SLICE("a response is not as long as its Content-Length says"), fields, 3);
  return true;
}

/* Sends the response on top of the stack, after its hooks have run. */
static int send_response(lua_State *L) {
  rl_serving *s = serving_of(L);
  rl_resp resp;
  int kind = ((const rl_res *)lua_touserdata(L, -1))->kind;
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
  lua_settop(L, RL_AT_REQUEST + 1);
  return send_response(L);
}

static bool wants_hooks(const rl_serving *s) { return !s->hooked && (s->app->hooks_always || s->finishers); }

/* Runs the hooks of app:on_response and of this request on the response on top of the stack, then sends it. They run once for each
 * request, so that the answer to a hook's own error is not stopped by the hook. */
static int run_hooks(lua_State *L) {
  rl_serving *s = serving_of(L);
  rl_app *app = s->app;
  lua_copy(L, -1, RL_AT_REQUEST + 1);
  lua_settop(L, RL_AT_REQUEST + 1);
  if (!wants_hooks(s)) return send_response(L);
  s->hooked = true;
  lua_rawgeti(L, LUA_REGISTRYINDEX, app->on_response_ref);
  lua_pushvalue(L, RL_AT_REQUEST);
  lua_pushvalue(L, RL_AT_REQUEST + 1);
  lua_KContext number = rl_protect_enter(L);
  return hooks_k(L, lua_pcallk(L, 2, 0, AT_HANDLER, number, hooks_k), number);
}

static int error_k(lua_State *L, int status, lua_KContext number) {
  if (!leave_call(L, status, number) && rl_res_at(L, -1)) return run_hooks(L);
  const char *text, *trace;
  rl_raised_describe(L, lua_gettop(L), &text, &trace);
  rl_log_field fields[] = {RL_LOG_TEXT_FIELD("error", rl_slice_str(text)),
                           RL_LOG_TEXT_FIELD("traceback", rl_slice_str(trace))};
  rl_log(RL_LOG_ERROR, RL_SLICE("answering an error failed"), fields, trace ? 2 : 1);
  return answer_plain(L, 500);
}

/* Answers the error on top of the stack by on_error. A task that was cancelled does not call it: the client has left (no answer),
 * or the server stops (503). */
static int handle_error(lua_State *L) {
  rl_serving *s = serving_of(L);
  bool cancelled = s->gone || s->task->base.state != RL_SCOPE_QUIET;
  if (cancelled && !rl_scope_raised(L, &s->task->base, -1))
    rl_task_log_error(L, lua_gettop(L), "a handler failed while it was cancelled");
  if (s->gone) return leave(L);
  if (cancelled) return answer_plain(L, 503);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->app->on_error_ref);
  lua_pushvalue(L, RL_AT_REQUEST);
  lua_pushvalue(L, -3);
  lua_KContext number = rl_protect_enter(L);
  return error_k(L, lua_pcallk(L, 2, 1, AT_HANDLER, number, error_k), number);
}

/* ---- the handler ------------------------------------------------------------------------------------------------------------------- */

/* Sends a short string without hooks, the most common answer, without making a response value. Returns false if it did not. */
static bool send_string(lua_State *L, rl_serving *s, int count) {
  if (lua_type(L, RL_AT_REQUEST + 1) != LUA_TSTRING || count > 2 || wants_hooks(s)) return false;
  rl_resp resp = {.status = 200, .content_type = RL_SLICE("text/plain; charset=utf-8")};
  if (count == 2) {
    if (!lua_isinteger(L, RL_AT_REQUEST + 2)) return false;
    lua_Integer status = lua_tointeger(L, RL_AT_REQUEST + 2);
    if (status < 200 || status > 599) return false;
    resp.status = (int)status;
  }
  resp.body.data = lua_tolstring(L, RL_AT_REQUEST + 1, &resp.body.len);
  return resp.body.len <= PIECE && s->req->ops->respond(s->req, &resp) == RL_OK;
}

static void push_chain(lua_State *L, const void *serving) { rl_serving_push_chain(L, serving); }

/* Turns the handler's results into a response. Stack: the serving, the results. Runs protected, because it raises if they are none. */
static int convert(lua_State *L) {
  const rl_serving *s = lua_touserdata(L, 1);
  lua_remove(L, 1);
  rl_returned from = {.who = "the handler of", .label = rl_serving_label(s), .push = push_chain, .of = s};
  rl_res_from_results(L, lua_gettop(L), &from);
  return 1;
}

static int take_results(lua_State *L) {
  rl_serving *s = serving_of(L);
  int count = lua_gettop(L) - RL_AT_REQUEST;
  if (s->gone) return leave(L);
  if (send_string(L, s, count)) return leave(L);
  if (count == 1 && rl_res_at(L, -1)) return run_hooks(L); /* nothing to convert */
  lua_pushcfunction(L, convert);
  lua_pushlightuserdata(L, s);
  lua_rotate(L, RL_AT_REQUEST + 1, 2);
  if (lua_pcall(L, count + 1, 1, AT_HANDLER) != LUA_OK) return handle_error(L);
  return run_hooks(L);
}

static int chain_k(lua_State *L, int status, lua_KContext number) {
  if (!leave_call(L, status, number)) return take_results(L);
  return rl_res_at(L, -1) ? run_hooks(L) : handle_error(L); /* a program may raise a response */
}

/* The base function of a request's task. Stack: the serving (light userdata). */
static int request_base(lua_State *L) {
  rl_serving *s = lua_touserdata(L, 1);
  lua_pushcfunction(L, rl_raised_handler);
  lua_replace(L, AT_HANDLER);
  rl_serving_push_handle(L, s);
  rl_serving_push_chain(L, s);
  lua_pushvalue(L, RL_AT_REQUEST);
  lua_KContext number = rl_protect_enter(L);
  return chain_k(L, lua_pcallk(L, 1, LUA_MULTRET, AT_HANDLER, number, chain_k), number);
}

/* ---- from the dispatch --------------------------------------------------------------------------------------------------------------- */

void rl_handle_request(rl_app *app, rl_req *req, const rl_match *match, int miss_status) {
  rl_serving *s = rl_serving_new(app, req, match);
  rl_task *task = s ? rl_task_new(app->vm, NULL, NULL) : NULL;
  if (!task) {
    rl_answer_plain(req, 503, NULL, 0);
    return;
  }
  s->task = task;
  s->miss_status = miss_status;
  req->user = s;
  req->events = &rl_serving_events;
  app->serving++;
  task->owner = s;
  task->site = rl_serving_label(s);
  task->cpu_limit_ms = rl_serving_cpu_limit(s);
  task->on_end = rl_serving_on_task_end;
  lua_State *co = task->strand.co;
  lua_pushcfunction(co, request_base);
  lua_pushlightuserdata(co, s);
  task->nargs = 1;
  rl_task_run(task);
}
