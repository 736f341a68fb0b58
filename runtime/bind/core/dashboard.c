/*
 * The developer's loop for Lua: the dashboard's side (messages, reloads, questions) and the program's (answers, and what a request
 * waited for). See app/dashboard.h.
 */
#include "app/dashboard.h"

#include <string.h>
#include <unistd.h>

#include "app/serving.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "vm/owner.h"

static rl_dashboard *dashboard_of(lua_State *L) {
  rl_dashboard *dashboard = rl_main_of(L)->dashboard;
  if (!dashboard) luaL_error(L, "this state is not the dashboard of rille dev");
  return dashboard;
}

static bool undo_receive(rl_task *task, void *ud) {
  (void)task;
  ((rl_dashboard *)ud)->waiting.task = NULL;
  return true;
}

static int receive_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rl_dashboard *dashboard = dashboard_of(L);
  rl_dashboard_message *message = rl_dashboard_first(dashboard);
  if (!message) return 0;
  lua_pushstring(L, message->kind);
  lua_pushlstring(L, message->text, message->len);
  rl_dashboard_drop(dashboard, message); /* only now: pushing may have raised */
  return 2;
}

/* dashboard_receive() -> kind, text */
static int l_receive(lua_State *L) {
  rl_dashboard *dashboard = dashboard_of(L);
  if (rl_dashboard_first(dashboard)) return receive_k(L, LUA_OK, 0);
  dashboard->waiting = rl_task_waker(rl_task_may_wait(L, "a message"));
  return rl_task_wait(L, "a message", undo_receive, dashboard, receive_k, 0);
}

/* ---- what the dashboard asks for ---------------------------------------------------------------------------------------------- */

/* dashboard_reload(environment): loads the program again; `environment`: .env has changed. A message says how it went. */
static int l_reload(lua_State *L) {
  rl_dashboard *dashboard = dashboard_of(L);
  dashboard->reload(dashboard, lua_toboolean(L, 1));
  return 0;
}

/* dashboard_watch(directory) -> whether it is watched now, with all below it */
static int l_watch(lua_State *L) {
  rl_dashboard *dashboard = dashboard_of(L);
  lua_pushboolean(L, dashboard->watch(dashboard, luaL_checkstring(L, 1)) == RL_OK);
  return 1;
}

/* dashboard_ask(question) -> what the program's state answers, or nil */
static int l_ask(lua_State *L) {
  rl_dashboard *dashboard = dashboard_of(L);
  rl_slice question = rl_check_slice(L, 1);
  rl_buf *answer = rl_scratch_push(L);
  if (dashboard->ask(dashboard, question, answer)) return rl_scratch_result(L, answer, answer->error);
  rl_scratch_give(answer);
  lua_pushnil(L);
  return 1;
}

/* dashboard_is_terminal() -> whether a person reads stdout */
static int l_is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty(STDOUT_FILENO));
  return 1;
}

/* answer_dashboard(f): f(question) -> text; it cannot wait */
static int l_answer_dashboard(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  rl_main_set_answer(L);
  return 0;
}

/* ---- what a request waited for -------------------------------------------------------------------------------------------- */

enum { MOST_WAITS = 200 };

struct rl_wait_note {
  rl_wait_note *before;
  const rl_task *task;
  const char *name;
  uint64_t from_ns, to_ns; /* to_ns is 0 while it waits */
};

static void note_begin(rl_serving *s, const rl_task *task) {
  rl_wait_note *note = s->wait_count < MOST_WAITS ? rl_arena_alloc(&s->req->arena, sizeof *note) : NULL;
  if (!note) return;
  *note = (rl_wait_note){.before = s->waits, .task = task, .name = task->wait_name, .from_ns = uv_hrtime()};
  s->waits = note;
  s->wait_count++;
}

static void on_wait(rl_task *task, bool begins) {
  rl_serving *s = rl_serving_of_task(task);
  if (!s || !s->req) return;
  if (begins) {
    note_begin(s, task);
    return;
  }
  rl_wait_note *note = s->waits;
  while (note && (note->task != task || note->to_ns)) note = note->before;
  if (note) note->to_ns = uv_hrtime();
}

/* trace_waits(): from now on what requests wait for is noted */
static int l_trace_waits(lua_State *L) {
  rl_vm_of(L)->on_wait = on_wait;
  return 0;
}

/* request_key() -> what stands for the request of the running task, or nil */
static int l_request_key(lua_State *L) {
  rl_serving *s = rl_serving_of_task(rl_task_running(L));
  if (s) lua_pushlightuserdata(L, s);
  else lua_pushnil(L);
  return 1;
}

/* request_shows_dev() -> whether who asks may see pages of development */
static int l_request_shows_dev(lua_State *L) {
  const rl_serving *s = rl_serving_of_task(rl_task_running(L));
  lua_pushboolean(L, s && s->req && s->req->shows_dev);
  return 1;
}

/* request_route() -> the index of the route of the running task's request, from 1, or nil */
static int l_request_route(lua_State *L) {
  const rl_serving *s = rl_serving_of_task(rl_task_running(L));
  if (s && s->route >= 0) lua_pushinteger(L, s->route + 1);
  else lua_pushnil(L);
  return 1;
}

/* request_waits() -> list of {name, from, to} in seconds of native.now, the last one first */
static int l_request_waits(lua_State *L) {
  const rl_serving *s = rl_serving_of_task(rl_task_running(L));
  lua_newtable(L);
  lua_Integer count = 0;
  for (const rl_wait_note *note = s ? s->waits : NULL; note; note = note->before) {
    lua_createtable(L, 3, 0);
    lua_pushstring(L, note->name);
    lua_rawseti(L, -2, 1);
    lua_pushnumber(L, (double)note->from_ns / 1e9);
    lua_rawseti(L, -2, 2);
    lua_pushnumber(L, (double)(note->to_ns ? note->to_ns : uv_hrtime()) / 1e9);
    lua_rawseti(L, -2, 3);
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

/* on_raise(f): from now on f(value) is called for each value that is raised, before the stack unwinds: level 3 is the function
 * that raised it. f cannot wait; what it raises itself is dropped. */
static int l_on_raise(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  rl_vm_of(L)->refs[RL_REF_ON_RAISE] = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

/* memory_used() -> bytes of this state */
static int l_memory_used(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)rl_vm_of(L)->memory.used);
  return 1;
}

static const luaL_Reg functions[] = {{"dashboard_receive", l_receive},
                                     {"dashboard_reload", l_reload},
                                     {"dashboard_watch", l_watch},
                                     {"dashboard_ask", l_ask},
                                     {"dashboard_is_terminal", l_is_terminal},
                                     {"answer_dashboard", l_answer_dashboard},
                                     {"trace_waits", l_trace_waits},
                                     {"request_key", l_request_key},
                                     {"request_shows_dev", l_request_shows_dev},
                                     {"request_route", l_request_route},
                                     {"request_waits", l_request_waits},
                                     {"on_raise", l_on_raise},
                                     {"memory_used", l_memory_used},
                                     {NULL, NULL}};

void rl_bind_dashboard(lua_State *L) {
  if (rl_vm_of(L)->mode != RL_MODE_DEV) return;
  luaL_setfuncs(L, functions, 0);
}
