/*
 * Requests as tasks: from a matched route to the Lua function that answers it, and from what that returns to a response.
 *
 *   rl_dispatch -> rl_app (a Lua app, compiled: router, one function per route) -> task
 *      task: chain(req) -> result -> [on_response hooks] -> respond -> [stream body] -> release -> children end
 *                 \-- error -> on_error(req, err) -> result …
 *
 * A serving is what C knows of one request while its task runs; it lives in the request's arena. The Lua handle `req` may
 * outlive it: finishing empties the handle, and each method checks.
 */
#ifndef RL_VM_SERVE_H
#define RL_VM_SERVE_H

#include "http/response.h"
#include "server/dispatch.h"
#include "server/file_send.h"
#include "server/static.h"
#include "vm/task/task.h"

typedef struct rl_app rl_app;
typedef struct rl_serving rl_serving;
typedef struct rl_held rl_held;
typedef struct rl_wait_note rl_wait_note;

#define RL_APP_DEFAULT UINT64_MAX

typedef struct rl_app_route {
  uint64_t body_limit;   /* its own, or that of the app that it is mounted with; RL_APP_DEFAULT: the outermost app's */
  uint32_t cpu_limit_ms; /* 0: the outermost app's */
  char *name;            /* of the route, or NULL */
  char *label;           /* "GET /posts/{id}" for messages */
  rl_static *site;       /* files, served without Lua; NULL: a function answers */
} rl_app_route;

/* A compiled app. Userdata; its user value 1 is the table of functions (route id -> chain, -scope -> miss), 2 the Lua app. */
struct rl_app {
  rl_dispatch dispatch; /* first: dispatch.handler is what a worker is given */
  rl_vm *vm;
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

enum { RL_BODY_UNREAD, RL_BODY_READING, RL_BODY_WHOLE, RL_BODY_STREAMED };

/* Something that belongs to a request and is given back at its end, though Lua may hold a handle of it for longer. */
struct rl_held {
  rl_list node;
  void (*release)(rl_held *held);
};

struct rl_serving {
  rl_req *req; /* NULL once the exchange is over */
  rl_app *app;
  rl_task *task;
  rl_serving **handle; /* in the Lua handle; set to NULL when this ends */
  int route;           /* -1: a miss */
  int scope;           /* of a miss */
  int miss_status;
  uint32_t allow;
  bool gone;      /* the client has left */
  bool finishers; /* something wants to see the response before it leaves (req.session, security headers) */
  bool hooked;    /* its hooks have run, or failed */
  bool clogged;   /* more waits to leave than should, until the drain */
  rl_waker body_waker, drain_waker; /* of the request's task, while it waits for just that */
  uint8_t body_state;
  int body_error; /* of on_body_end */
  bool body_ended;
  rl_buf body; /* arrived, not handed to Lua yet */
  rl_list held;
  rl_header *trailers; /* of the streamed response; in the arena */
  size_t trailer_count;
  rl_wait_note *waits; /* development: what it waited for (bind/core/desk.c); in the arena */
  unsigned wait_count;
  unsigned param_count;
  rl_param params[];
};

/* Adds something to be released at the end; it may take itself out before (rl_list_remove). */
static inline void rl_serving_hold(rl_serving *serving, rl_held *held) { rl_list_push(&serving->held, &held->node); }

/* Cancels the requests under way; returns how many. */
unsigned rl_app_cancel(rl_app *app, const char *reason);

/* Gives back the request that a task answers, if it does: the state is closed, the task never runs again. For rl_task_each. */
void rl_serving_forget(void *ud, rl_task *task, unsigned depth);

/* Sets up the dispatch of a freshly made app. */
void rl_app_init(rl_app *app, rl_vm *vm);

/* What to do with the bytes of a body: asks for them, or for none. Bytes gather in serving->body, bounded by
 * RL_LIMIT_SPILL unless `whole`; the task is woken when there is something new. */
void rl_serving_read(rl_serving *serving, bool whole);

/* Waits until the client has taken enough that more may follow; the task of the request only, as its last act. */
int rl_serving_wait_drain(lua_State *L, rl_serving *serving, lua_KFunction k, lua_KContext ctx);

/* ---- responses as Lua values (bind/http/response.c) ---- */

enum { RL_RES_BYTES, RL_RES_STREAM, RL_RES_FILE };

/* The userdata. User value 1: the body (string, or function of a stream); 2: extra headers {name, value, …} or nil. */
typedef struct rl_res {
  int status;
  uint8_t kind;
  const char *content_type; /* static, or NULL */
} rl_res;

/* The response at `index`, or NULL where it is none. */
rl_res *rl_res_at(lua_State *L, int index);
/* Pushes a response: the body, a string or function, is on top of the stack and is taken. */
rl_res *rl_res_push(lua_State *L, int status, const char *content_type, int kind);
/* Adds a header of our own to the response on top of the stack, unchecked. */
void rl_res_add_header(lua_State *L, const char *name, rl_slice value);
/* Who returned something, for messages. */
typedef struct rl_returned {
  const char *who, *label;   /* "the handler of", "GET /posts/{id}" */
  int function;              /* index of the function, whose file and line are named … */
  const rl_serving *serving; /* … or of whose chain it is the first; else NULL */
} rl_returned;
/* Pushes the function that answers: the route's, or that of a miss. */
void rl_serving_push_chain(lua_State *L, const rl_serving *serving);
/* Pushes "app.lua:12: ", the place where the handler of the running request begins or its task was spawned: for a mistake whose
 * own line is not known; or "". */
void rl_res_push_place(lua_State *L);
/* Turns what a handler returned (`count` values on top) into one response on top of the stack; raises where it is none. */
void rl_res_from_results(lua_State *L, int count, const rl_returned *from);
/* Fills `resp` from the response at `index`; slices are borrowed as long as that value stays unchanged, headers come from
 * `arena`. 0 or RL_ENOMEM. */
int rl_res_fill(lua_State *L, int index, rl_resp *resp, rl_arena *arena);

/* Pushes the Lua app whose route (or miss) that is. */
void rl_serving_push_app(lua_State *L, const rl_serving *serving);
/* Pushes the handle `req` for a serving (bind/http/request.c). */
void rl_request_push(lua_State *L, rl_serving *serving);
/* The serving of the handle at `index`; raises where the request has ended. */
rl_serving *rl_check_serving(lua_State *L, int index);
/* Pushes `out`, which writes to the request whose handle is at `index` (bind/http/out.c). */
void rl_out_push(lua_State *L, int index);
/* The request for which a task runs, itself or by the one it belongs to; NULL where there is none (any more). */
rl_serving *rl_serving_of_task(const rl_task *task);
/* Pushes the handle `req` of that request; false where there is none (yet), and nothing is pushed. */
bool rl_serving_push_request(lua_State *L, const rl_serving *serving);
/* "GET /posts/{id}", or "no route". */
const char *rl_serving_label(const rl_serving *serving);

#endif
