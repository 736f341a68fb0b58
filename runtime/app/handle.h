/*
 * One request as a task, from the Lua function that answers it to the response on its way.
 *
 *   task: chain(req) -> result -> [on_response hooks] -> respond -> [stream body] -> release -> children end
 *            \-- error -> on_error(req, err) -> result …
 */
#ifndef RL_APP_HANDLE_H
#define RL_APP_HANDLE_H

#include "app/app.h"

/* Starts the task that answers `req`, up to its first wait. `match` names the route; or it is a miss, and `miss_status` says which.
 * Answers 503 if out of memory. For rl_app.handle. */
void rl_handle_request(rl_app *app, rl_req *req, const rl_match *match, int miss_status);

#endif
