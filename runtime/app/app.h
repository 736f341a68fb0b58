/*
 * An app as it is served: lua/rille/app.lua flattens what a program wrote (groups, mounts, middleware) into routes with one
 * function each, bind/http/app.c builds this from them, and a worker is given its dispatch.
 *
 *   rl_dispatch -> rl_app -> a static site (C), or rl_app.handle: a task (app/handle.h)
 */
#ifndef RL_APP_APP_H
#define RL_APP_APP_H

#include "server/dispatch.h"
#include "server/static.h"
#include "vm/vm.h"

typedef struct rl_app rl_app;

#define RL_APP_DEFAULT UINT64_MAX

typedef struct rl_app_route {
  uint64_t body_limit;   /* its own, or that of the app that it is mounted with; RL_APP_DEFAULT: the outermost app's */
  uint32_t cpu_limit_ms; /* 0: the outermost app's */
  char *name;            /* of the route, or NULL */
  char *label;           /* "GET /posts/{id}" for messages */
  rl_static *site;       /* files, served without Lua; NULL: a function answers */
} rl_app_route;

/* Answers a request; `miss_status` is 0 for a route's, else the status of a miss. */
typedef void (*rl_app_handle)(rl_app *app, rl_req *req, const rl_match *match, int miss_status);

/* A compiled app. Userdata; its user value 1 is the table of functions (route id -> chain, -scope -> miss), 2 the Lua app. */
struct rl_app {
  rl_dispatch dispatch; /* first: dispatch.handler is what a worker is given */
  rl_vm *vm;
  rl_app_handle handle;
  rl_router *router;
  rl_app_route *routes;
  size_t route_count;
  rl_limits limits; /* of the connections, where this is the outermost app */
  uint64_t body_limit;
  uint32_t cpu_limit_ms;                         /* 0: none */
  int self_ref;                                  /* keeps it alive while requests run */
  int chains_ref, on_error_ref, on_response_ref; /* registry */
  bool hooks_always;                             /* else only for requests that asked for it */
  int unsure;       /* the status of an answer where a converter had no memory to say whether its route fits; or 0 */
  unsigned serving; /* requests under way */
};

/* Sets up the dispatch of a freshly made app, whose requests `handle` answers. */
void rl_app_init(rl_app *app, rl_vm *vm, rl_app_handle handle);

#endif
