/* A queue of waiting tasks for Lua. lua/rille/task.lua builds channels, locks, semaphores and events on it. */
#include "bind/bind.h"
#include "bind/core/core.h"

/*
 * Tasks are woken in the order in which they came. A task that waits may offer a value, which the waker takes. A waker may hand
 * a value over to the task that it wakes. If a waiting task is cancelled, its offer is withdrawn. A value that was handed over
 * always arrives.
 *
 *   values (a Lua table): number of the wait -> the value that it offers, or that was handed to it
 */
typedef struct queue {
  rl_list waiting;
  int count;
  int values_ref; /* in the registry; LUA_NOREF until there is a value */
} queue;

static queue *check_queue(lua_State *L) { return luaL_checkudata(L, 1, "rille.queue"); }

/* queue() -> queue */
static int l_queue(lua_State *L) {
  queue *q = lua_newuserdatauv(L, sizeof *q, 0);
  rl_list_init(&q->waiting);
  q->count = 0;
  q->values_ref = LUA_NOREF;
  luaL_setmetatable(L, "rille.queue");
  return 1;
}

static int queue_gc(lua_State *L) {
  queue *q = check_queue(L);
  luaL_unref(L, LUA_REGISTRYINDEX, q->values_ref);
  q->values_ref = LUA_NOREF;
  return 0;
}

/* Makes the table of values. Finalizers may run meanwhile, and use this queue. */
static void make_values(lua_State *L, queue *q) {
  if (q->values_ref != LUA_NOREF) return;
  lua_newtable(L);
  if (q->values_ref == LUA_NOREF) q->values_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  else lua_pop(L, 1);
}

/* Keeps the value at `index` for a wait. Runs no finalizers. */
static void keep_value(lua_State *L, const queue *q, uint64_t wait, int index) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, q->values_ref);
  lua_pushvalue(L, index);
  lua_rawseti(L, -2, (lua_Integer)wait);
  lua_pop(L, 1);
}

/* Pushes the value kept for a wait, or nil, and forgets it. Allocates nothing, so an undo may call it. */
static void take_value(lua_State *L, const queue *q, uint64_t wait) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, q->values_ref);
  if (lua_isnil(L, -1)) return;
  lua_rawgeti(L, -1, (lua_Integer)wait);
  lua_pushnil(L);
  lua_rawseti(L, -3, (lua_Integer)wait);
  lua_remove(L, -2);
}

static bool undo_queue(rl_task *task, void *ud) {
  queue *q = ud;
  q->count--;
  take_value(task->vm->L, q, task->wait);
  lua_pop(task->vm->L, 1);
  return rl_task_undo_armed(task, NULL);
}

static int queue_k(lua_State *L, int status, lua_KContext wait) {
  (void)status;
  take_value(L, lua_touserdata(L, 1), (uint64_t)wait);
  return 1;
}

/* queue:wait(name, offer?) -> what wake() hands over, or nil: until another task wakes this one. `name` must be a constant */
static int l_queue_wait(lua_State *L) {
  queue *q = check_queue(L);
  const char *name = luaL_optstring(L, 2, "a queue");
  rl_task *task = rl_task_may_wait(L, name);
  uint64_t wait = task->wait;
  if (!lua_isnoneornil(L, 3)) {
    make_values(L, q);
    keep_value(L, q, wait, 3);
  }
  rl_task_arm_queue(task, &q->waiting);
  q->count++;
  return rl_task_wait(L, name, undo_queue, q, queue_k, (lua_KContext)wait);
}

static bool wake_one(lua_State *L, queue *q, bool hands_over) {
  if (hands_over) make_values(L, q); /* first: a finalizer may wake whoever waits */
  if (rl_list_empty(&q->waiting)) return false;
  if (hands_over) keep_value(L, q, rl_task_first_of(&q->waiting)->wait, 3);
  rl_task_wake_first(&q->waiting);
  q->count--;
  return true;
}

/* queue:wake(most?, value?) -> how many were woken: each is handed the value */
static int l_queue_wake(lua_State *L) {
  queue *q = check_queue(L);
  lua_Integer most = luaL_optinteger(L, 2, LUA_MAXINTEGER), woken = 0;
  bool hands_over = !lua_isnoneornil(L, 3);
  while (woken < most && wake_one(L, q, hands_over)) woken++;
  lua_pushinteger(L, woken);
  return 1;
}

/* queue:take() -> what the first waiting task offers, and wakes it; nil if nobody waits */
static int l_queue_take(lua_State *L) {
  queue *q = check_queue(L);
  if (rl_list_empty(&q->waiting)) return lua_pushnil(L), 1;
  take_value(L, q, rl_task_first_of(&q->waiting)->wait);
  rl_task_wake_first(&q->waiting);
  q->count--;
  return 1;
}

/* queue:count() -> how many wait */
static int l_queue_count(lua_State *L) {
  lua_pushinteger(L, check_queue(L)->count);
  return 1;
}

static const luaL_Reg queue_methods[] = {
    {"wait", l_queue_wait}, {"wake", l_queue_wake}, {"take", l_queue_take}, {"count", l_queue_count}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"queue", l_queue}, {NULL, NULL}};

void rl_bind_queue(lua_State *L) {
  rl_new_metatable(L, "rille.queue");
  luaL_newlib(L, queue_methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, queue_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
