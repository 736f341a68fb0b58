/*
 * From a request to whoever answers it: the router's match, or the standard answer if there is none.
 * `app/` and C programs put their routes into one of these.
 */
#ifndef RL_SERVER_DISPATCH_H
#define RL_SERVER_DISPATCH_H

#include "server/answer.h"
#include "server/router.h"
#include "server/worker.h"

typedef struct rl_dispatch rl_dispatch;

struct rl_dispatch {
  rl_handler handler; /* first: give its address to a worker */
  rl_router *router;  /* borrowed */
  /* A route matched. `match` is borrowed until return. */
  void (*on_route)(rl_dispatch *dispatch, rl_req *req, const rl_match *match);
  /* None did. NULL: the miss is answered with its status, and Allow if it applies. */
  void (*on_miss)(rl_dispatch *dispatch, rl_req *req, const rl_match *match);
};

void rl_dispatch_init(rl_dispatch *dispatch, rl_router *router);

/* The status of a miss: 404; 405 where the path is known; 204 for OPTIONS there, and for "OPTIONS *". */
int rl_miss_status(const rl_req *req, const rl_match *match);

#endif
