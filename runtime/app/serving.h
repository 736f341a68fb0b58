/*
 * What C knows of one request while its task runs. It lives in the request's arena. The Lua handle `req` may outlive it: finishing
 * empties the handle, and each method checks.
 *
 *   rl_serving_new -> rl_serving_events … -> rl_serving_finish (app/handle.c is the task in between)
 */
#ifndef RL_APP_SERVING_H
#define RL_APP_SERVING_H

#include "app/app.h"
#include "http/response.h"
#include "server/file_send.h"
#include "vm/task/task.h"

typedef struct rl_serving rl_serving;
typedef struct rl_cleanup rl_cleanup;
typedef struct rl_wait_note rl_wait_note;

enum { RL_SERVING_PIECE = 64 << 10 }; /* a body that is larger goes through in pieces of so many bytes */
enum { RL_AT_REQUEST = 2 };           /* where the handle `req` stands on the stack of the task's base */

enum { RL_BODY_UNREAD, RL_BODY_READING, RL_BODY_WHOLE, RL_BODY_STREAMED };

/* Something that belongs to a request and is given back at its end, though Lua may hold a handle of it for longer. */
struct rl_cleanup {
  rl_list node;
  void (*run)(rl_cleanup *cleanup);
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
  rl_list cleanups;
  rl_header *trailers; /* of the streamed response; in the arena */
  size_t trailer_count;
  rl_wait_note *waits; /* development: what it waited for (bind/core/dashboard.c); in the arena */
  unsigned wait_count;
  unsigned param_count;
  rl_param params[];
};

/* One in the request's arena, without a task. Returns NULL if out of memory. */
rl_serving *rl_serving_new(rl_app *app, rl_req *req, const rl_match *match);
/* What the request tells: gathers its body, wakes the task, cancels it if the client goes. */
extern const rl_req_events rl_serving_events;
/* The exchange is over for Lua: empties the handle, gives back the request and the serving with it. The task may live on for its
 * children. */
void rl_serving_finish(rl_serving *serving);
/* The end of the task of a request, by which it is known (rl_task.on_end): finishes the serving if that has not happened. */
void rl_serving_on_task_end(rl_task *task);
/* Gives back the request that a task answers, if it does: the state is closed, the task never runs again. For rl_task_each. */
void rl_serving_forget(void *ud, rl_task *task, unsigned depth);
/* Cancels the requests of an app that are under way. Returns how many there were. */
unsigned rl_serving_cancel_all(rl_app *app, const char *reason);

/* Adds something to be released at the end; it may take itself out before (rl_list_remove). */
static inline void rl_serving_add_cleanup(rl_serving *serving, rl_cleanup *cleanup) {
  rl_list_push(&serving->cleanups, &cleanup->node);
}

/* Asks for the bytes of the body. They gather in serving->body, bounded by RL_LIMIT_SPOOL unless `whole`; the task is woken when
 * there is something new. */
void rl_serving_read(rl_serving *serving, bool whole);
/* Waits until the client has taken enough that more may follow; the task of the request only, as its last act. */
int rl_serving_wait_drain(lua_State *L, rl_serving *serving, lua_KFunction k, lua_KContext ctx);
/* The undo of that wait. */
bool rl_serving_undo_drain(rl_task *task, void *serving);

/* How long its code may run without waiting, in ms: the route's limit or the app's; 0: no limit. */
uint32_t rl_serving_cpu_limit(const rl_serving *serving);
/* "GET /posts/{id}", or "no route". */
const char *rl_serving_label(const rl_serving *serving);
/* Returns the request for which a task runs, itself or by the one it belongs to; NULL if there is none (any more). */
rl_serving *rl_serving_of_task(const rl_task *task);

/* Pushes the function that answers: the route's, or that of a miss. */
void rl_serving_push_chain(lua_State *L, const rl_serving *serving);
/* Pushes the Lua app whose route (or miss) that is. */
void rl_serving_push_app(lua_State *L, const rl_serving *serving);
/* Pushes the handle `req` of that request. Returns false, and pushes nothing, if there is none yet. */
bool rl_serving_push_request(lua_State *L, const rl_serving *serving);
/* Makes and pushes that handle; its methods are bind/http/request.c. */
void rl_serving_push_handle(lua_State *L, rl_serving *serving);
/* Pushes `out`, which writes to the request whose handle is at `index`; its methods are bind/http/out.c. */
void rl_serving_push_out(lua_State *L, int index);
/* Pushes "app.lua:12: ", the place where the handler of the running request begins or its task was spawned, for a mistake whose own
 * line is not known; or "". */
void rl_serving_push_place(lua_State *L);

#endif
