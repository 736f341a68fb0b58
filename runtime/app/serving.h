/*
 * A request while its task runs: the link between rl_req, the task, and the Lua handle `req`. It lives in the request's
 * arena. The handle may outlive it, so finishing sets the handle's pointer to NULL, and each method checks.
 *
 *   rl_serving_new -> rl_serving_events … -> rl_serving_finish (app/handle.c is the task in between)
 */
#ifndef RL_APP_SERVING_H
#define RL_APP_SERVING_H

#include "app/app.h"
#include "vm/task/task.h"

typedef struct rl_serving rl_serving;
typedef struct rl_cleanup rl_cleanup;
typedef struct rl_wait_note rl_wait_note;

enum { RL_SERVING_PIECE = 64 << 10 }; /* bytes; larger bodies are read and sent in pieces of this size */
enum { RL_AT_REQUEST = 2 };           /* stack index of the handle `req` in the task's base */

enum { RL_BODY_UNREAD, RL_BODY_READING, RL_BODY_WHOLE, RL_BODY_STREAMED };

/* An object that is released at the end of a request, although Lua may hold a handle of it for longer. Embedded in that object. */
struct rl_cleanup {
  rl_list node;
  void (*run)(rl_cleanup *cleanup);
};

struct rl_serving {
  rl_req *req; /* NULL once the exchange is over */
  rl_app *app;
  rl_task *task;
  rl_serving **handle; /* the pointer in the Lua handle; set to NULL at the end */
  int route;           /* -1: a miss */
  int scope;           /* of a miss */
  int miss_status;
  uint32_t allow;
  bool gone;      /* the client has left */
  bool finishers; /* the request has hooks of its own that see the response (req.session, security headers) */
  bool hooked;    /* its hooks have run, or failed */
  bool keeps;     /* the handle has a table at RL_KEPT_CACHE */
  bool clogged;   /* too many bytes wait to be sent; set until the drain */
  rl_waker body_waker, drain_waker; /* of the request's task, while it waits for just that */
  uint8_t body_state;
  int body_error; /* of on_body_end */
  bool body_ended;
  rl_buf body; /* bytes that have arrived and were not passed to Lua yet */
  rl_list cleanups;
  rl_header *trailers; /* of the streamed response; in the arena */
  size_t trailer_count;
  rl_wait_note *waits; /* development: what it waited for (bind/core/dashboard.c); in the arena */
  unsigned wait_count;
  unsigned param_count;
  rl_param params[];
};

/* Makes a serving in the request's arena, without a task. Returns NULL if out of memory. */
rl_serving *rl_serving_new(rl_app *app, rl_req *req, const rl_match *match);
/* The events of the request: gather its body, wake its task, cancel the task if the client leaves. */
extern const rl_req_events rl_serving_events;
/* Ends the exchange for Lua: empties the handle, runs the cleanups, releases the request and with it the serving. The task may
 * live on for its children. */
void rl_serving_finish(rl_serving *serving);
/* Finishes the serving of a task that has ended, if that has not happened. Tasks of requests have this as their on_end, which also
 * marks them as such. */
void rl_serving_on_task_end(rl_task *task);
/* Releases the request that a task answers, if it answers one. Used when the state is closed and the task never runs again. A
 * visitor of rl_task_each. */
void rl_serving_forget(void *ud, rl_task *task, unsigned depth);
/* Cancels the requests of an app that are under way. Returns how many there were. */
unsigned rl_serving_cancel_all(rl_app *app, const char *reason);

/* Adds an object to be released at the end. It may remove itself before (rl_list_remove). */
static inline void rl_serving_add_cleanup(rl_serving *serving, rl_cleanup *cleanup) {
  rl_list_push(&serving->cleanups, &cleanup->node);
}

/* Lets the body flow into serving->body and takes the waker of the wait that begins. With `whole` it is woken at the end of the
 * body. Else it is woken for each piece, and reading pauses when RL_SERVING_PIECE bytes wait. */
void rl_serving_read(rl_serving *serving, bool whole);
/* Waits until the client has taken enough that more may be sent. Only for the request's own task. Call it as
 * `return rl_serving_wait_drain(…)`. */
int rl_serving_wait_drain(lua_State *L, rl_serving *serving, lua_KFunction k, lua_KContext ctx);
/* The undo of that wait. */
bool rl_serving_undo_drain(rl_task *task, void *serving);

/* Returns how long its code may run without waiting, in ms: the route's limit, or the app's; 0: no limit. */
uint32_t rl_serving_cpu_limit(const rl_serving *serving);
/* Returns "GET /posts/{id}", or "no route". Borrowed from the app. */
const char *rl_serving_label(const rl_serving *serving);
/* Returns the serving of a task or of its nearest ancestor that answers a request. Returns NULL if there is none, or if it has been
 * finished. */
rl_serving *rl_serving_of_task(const rl_task *task);

/* Pushes the function that answers the route or the miss. */
void rl_serving_push_chain(lua_State *L, const rl_serving *serving);
/* User values of the handle: a table of what was read of the request, and the table of its parameters. */
enum { RL_KEPT_CACHE = 1, RL_KEPT_PARAMS, RL_KEPT_COUNT = RL_KEPT_PARAMS };

/* Pushes the Lua app to which the route or the miss belongs. */
void rl_serving_push_app(lua_State *L, const rl_serving *serving);
/* Pushes the handle `req` of that request. Returns false, and pushes nothing, if there is none yet. */
bool rl_serving_push_request(lua_State *L, const rl_serving *serving);
/* Makes and pushes that handle, with RL_KEPT_COUNT user values; its methods are bind/http/request.c. */
void rl_serving_push_handle(lua_State *L, rl_serving *serving);
/* Pushes `out`, which writes to the request whose handle is at `index`; its methods are bind/http/out.c. */
void rl_serving_push_out(lua_State *L, int index);
/* Pushes the place where the handler of the running request is defined or the running task was spawned ("app.lua:12: "), for a
 * mistake whose own line is unknown; or "". An rl_vm.push_place. */
void rl_serving_push_place(lua_State *L);

#endif
