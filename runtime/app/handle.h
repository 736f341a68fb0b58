/*
 * Runs one request as a task: calls the Lua function that answers it, and sends the response.
 *
 *   task: chain(req) -> result -> [on_response hooks] -> respond -> [stream body] -> release -> children end
 *            \-- error -> on_error(req, err) -> result …
 */
#ifndef RL_APP_HANDLE_H
#define RL_APP_HANDLE_H

#include "app/app.h"

/* Starts the task that answers `req`, and runs it up to its first wait. `miss_status` is 0 if `match` names a route, else the
 * status of the miss. Answers 503 if out of memory. An rl_app_handle. */
void rl_handle_request(rl_app *app, rl_req *req, const rl_match *match, int miss_status);

#endif
