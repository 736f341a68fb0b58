/*
 * Serving a static directory without Lua: the answer of rl_static_find put on the wire, and the request released.
 */
#ifndef RL_SERVER_STATIC_SERVE_H
#define RL_SERVER_STATIC_SERVE_H

#include "server/static.h"

/* `path` is what follows the prefix and its slash. Owns the request. */
void rl_static_serve(rl_static *site, rl_req *req, rl_slice path);
/* Returns the address of a directory that was asked for without its slash, in the request's arena; .data is NULL if memory is
 * short. */
rl_slice rl_static_location(rl_req *req);

#endif
