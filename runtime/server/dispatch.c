/* Matching requests to routes; see dispatch.h. */
#include "server/dispatch.h"

int rl_miss_status(const rl_req *req, const rl_match *match) {
  bool options = req->method == RL_METHOD_OPTIONS;
  if (options && (match->known_path || rl_slice_eq(req->path, RL_SLICE("*")))) return 204;
  return match->known_path ? 405 : 404;
}

/* Sends the status of a miss, with Allow if it applies, and releases the request. */
static void answer_miss(rl_req *req, const rl_match *match) {
  char allow[256];
  rl_header header = {.name = RL_SLICE("Allow"), .id = RL_HEADER_ALLOW};
  header.value = rl_slice_of(allow, rl_allow_text(match->allow, allow, sizeof allow));
  rl_answer_plain(req, rl_miss_status(req, match), &header, match->known_path ? 1 : 0);
}

static void handle(rl_handler *handler, rl_req *req) {
  rl_dispatch *dispatch = (rl_dispatch *)handler;
  rl_match match;
  rl_router_match(dispatch->router, req->method, req->path, &match);
  if (match.route >= 0) dispatch->on_route(dispatch, req, &match);
  else if (dispatch->on_miss) dispatch->on_miss(dispatch, req, &match);
  else answer_miss(req, &match);
}

void rl_dispatch_init(rl_dispatch *dispatch, rl_router *router) {
  *dispatch = (rl_dispatch){.handler.handle = handle, .router = router};
}
