/* Who answers a request of rille dev; see dev_gate.h. */
#include "cli/dev_gate.h"

#include "cli/dev_access.h"
#include "server/dispatch.h"

bool rl_dev_gate_is_for_dashboard(const rl_req *req) {
  return rl_slice_eq(req->path, RL_SLICE("/_rille")) || rl_slice_starts(req->path, RL_SLICE("/_rille/"));
}

static bool is_browser(const rl_req *req) {
  rl_field_list list = rl_req_list(req, RL_HEADER_ACCEPT);
  rl_slice element;
  while (rl_field_list_next(&list, &element))
    if (rl_slice_starts(element, RL_SLICE("text/html"))) return true;
  return false;
}

/* Returns true if the dashboard answers with the reason why the program does not load. Other clients of a broken program get the
 * code before. */
static bool is_explained(const rl_dev_gate *g, const rl_req *req) {
  return req->shows_dev && (!g->program || (g->broken && is_browser(req)));
}

static void handle(rl_handler *handler, rl_req *req) {
  rl_dev_gate *g = (rl_dev_gate *)handler;
  bool for_dashboard = rl_dev_gate_is_for_dashboard(req);
  req->shows_dev = rl_dev_may_see_pages(g->options, req);
  if (for_dashboard && !rl_dev_may_ask_dashboard(g->options, req)) rl_answer_plain(req, 404, NULL, 0);
  else if (for_dashboard || is_explained(g, req)) g->dashboard->handle(g->dashboard, req);
  else if (g->program) g->program->handle(g->program, req);
  else rl_answer_plain(req, 500, NULL, 0);
}

void rl_dev_gate_init(rl_dev_gate *g, const rl_options *options) {
  *g = (rl_dev_gate){.handler = {.handle = handle}, .options = options};
}
