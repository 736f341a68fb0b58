/* A compiled app: from a matched route to files, or to the task that answers. See app.h. */
#include "app/app.h"

#include <string.h>

#include "server/static_serve.h"

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
  app->handle(app, req, match, 0);
}

/* Middleware and on_error see misses too. */
static void on_miss(rl_dispatch *dispatch, rl_req *req, const rl_match *match) {
  rl_app *app = (rl_app *)dispatch;
  if (is_unsure(app, req)) return;
  req->body_limit = app->body_limit;
  app->handle(app, req, match, rl_miss_status(req, match));
}

void rl_app_init(rl_app *app, rl_vm *vm, rl_app_handle handle) {
  memset(app, 0, sizeof *app);
  app->vm = vm;
  app->handle = handle;
  app->router = rl_router_new();
  rl_dispatch_init(&app->dispatch, app->router);
  app->dispatch.on_route = on_route;
  app->dispatch.on_miss = on_miss;
  app->body_limit = RL_LIMIT_BODY;
  app->limits = rl_limits_default;
  app->dispatch.handler.limits = &app->limits;
  app->self_ref = app->chains_ref = app->on_error_ref = app->on_response_ref = LUA_NOREF;
}
