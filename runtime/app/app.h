/*
 * A compiled app. lua/rille/app.lua flattens a program's groups, mounts and middleware into routes with one function each.
 * bind/http/app.c builds an rl_app from them. A worker hands its requests to the rl_dispatch in it.
 *
 *   rl_dispatch -> rl_app -> a static site (C), or rl_app.handle: a task (app/handle.h)
 *
 * It is a userdata, owned by Lua. self_ref keeps it alive while it serves.
 */
#ifndef RL_APP_APP_H
#define RL_APP_APP_H

#include "server/dispatch.h"
#include "server/static.h"
#include "vm/vm.h"

typedef struct rl_app rl_app;

#define RL_APP_DEFAULT UINT64_MAX

typedef struct rl_app_route {
  uint64_t body_limit;   /* bytes; its own or its mounted app's; RL_APP_DEFAULT: that of the outermost app */
  uint32_t cpu_limit_ms; /* 0: the outermost app's */
  char *name;            /* of the route, or NULL */
  char *label;           /* "GET /posts/{id}" for messages */
  rl_static *site;       /* files, served without Lua; NULL: a function answers */
} rl_app_route;

/* Answers a request. `miss_status` is 0 if a route matched, else the status of the miss. */
typedef void (*rl_app_handle)(rl_app *app, rl_req *req, const rl_match *match, int miss_status);

/* User value 1 is the table of functions (route id -> chain, -1 - scope -> miss), 2 that of Lua apps by the same keys, 3 that of
 * converters by number. */
struct rl_app {
  rl_dispatch dispatch; /* first: dispatch.handler is what a worker is given */
  rl_vm *vm;
  rl_app_handle handle;
  rl_router *router;
  rl_app_route *routes;
  size_t route_count;
  rl_limits limits; /* of the connections, if this is the outermost app */
  uint64_t body_limit;
  uint32_t cpu_limit_ms;                         /* 0: none */
  int self_ref;                                  /* keeps it alive while requests run */
  int chains_ref, on_error_ref, on_response_ref; /* registry */
  bool hooks_always; /* on_response hooks run for every request; else only if the request has its own */
  int unsure;        /* status to answer with because a converter ran out of memory; 0: none did */
  unsigned serving;  /* requests under way */
};

/* Initializes an app. `handle` answers its requests. The caller frees its router and routes. */
void rl_app_init(rl_app *app, rl_vm *vm, rl_app_handle handle);

#endif
