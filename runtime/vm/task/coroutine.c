/*
 * pcall, xpcall, coroutine.* and debug.getregistry: a program's own, made to work inside tasks. They behave as Lua 5.4's manual says; what is
 * added is that a wait inside a program's coroutine suspends the task and not that coroutine, that __close of a failing
 * coroutine may wait, and that a cancellation knows who caught it.
 *
 * A thread from coroutine.create holds, at the bottom of its stack, its base function, its strand and the program's
 * function:   [strand_base, strand, f] args…     so the strand lives exactly as long as the thread can be resumed.
 */
#define RL_ARGUMENTS_AS_LUA
#include <string.h>

#include "base/error.h"
#include "vm/task/heartbeat.h"
#include "vm/task/task.h"

/* ---- protected calls --------------------------------------------------------------------------------------------------------- */

static bool failed(int status) { return status != LUA_OK && status != LUA_YIELD; }

static int pcall_k(lua_State *L, int status, lua_KContext number) {
  rl_protect_leave(L, (unsigned)number, failed(status));
  if (failed(status)) {
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
  }
  return lua_gettop(L) - 1; /* all but the message handler */
}

/* pcall(f, ...) -> true, results... | false, error */
static int l_pcall(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushcfunction(L, rl_raised_handler);
  lua_pushboolean(L, 1);
  lua_rotate(L, 1, 2);
  lua_KContext number = rl_protect_enter(L);
  return pcall_k(L, lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 1, number, pcall_k), number);
}

static int xpcall_k(lua_State *L, int status, lua_KContext number) {
  rl_protect_leave(L, (unsigned)number, failed(status));
  if (failed(status)) {
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
  }
  return lua_gettop(L) - 2;
}

/* xpcall(f, handler, ...) -> true, results... | false, what handler returned */
static int l_xpcall(lua_State *L) {
  int n = lua_gettop(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushboolean(L, 1);
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2);
  lua_KContext number = rl_protect_enter(L);
  return xpcall_k(L, lua_pcallk(L, n - 2, LUA_MULTRET, 2, number, xpcall_k), number);
}

/* ---- threads of the program ------------------------------------------------------------------------------------------------------ */

static void set_strand(lua_State *L, rl_strand *strand) { *(rl_strand **)lua_getextraspace(L) = strand; }

static int strand_base_k(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  set_strand(L, NULL); /* nothing of the program runs on this thread any more; the strand goes with the stack */
  return failed(status) ? lua_error(L) : lua_gettop(L) - 2;
}

/* Stack: strand, f, args… */
static int strand_base(lua_State *L) {
  lua_pushcfunction(L, rl_raised_handler);
  lua_insert(L, 2);
  return strand_base_k(L, lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 2, 0, strand_base_k), 0);
}

/* All is made on L: to raise on a thread that does not run would end the process. */
static lua_State *create_thread(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  rl_strand *strand = lua_newuserdatauv(L, sizeof *strand, 0);
  memset(strand, 0, sizeof *strand);
  strand->co = co;
  lua_pushcfunction(co, strand_base);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 2);
  set_strand(co, strand);
  return co;
}

/* coroutine.create(f) -> thread */
static int l_create(lua_State *L) {
  create_thread(L);
  return 1;
}

static lua_State *check_thread(lua_State *L, int index) {
  lua_State *co = lua_tothread(L, index);
  luaL_argexpected(L, co, index, "coroutine");
  return co;
}

static bool is_fresh(lua_State *co) { return lua_status(co) == LUA_OK && lua_gettop(co) > 0; }

static const char *status_of(lua_State *L, lua_State *co) {
  rl_strand *strand = rl_strand_of(co);
  lua_Debug ar;
  if (L == co) return "running";
  if (strand && strand->task) return "normal"; /* it runs, or a wait inside it does */
  if (lua_status(co) == LUA_YIELD) return "suspended";
  if (lua_status(co) != LUA_OK) return "dead";
  if (lua_getstack(co, 0, &ar)) return "normal";
  return is_fresh(co) ? "suspended" : "dead";
}

/* coroutine.status(thread) -> "running" | "suspended" | "normal" | "dead" */
static int l_status(lua_State *L) {
  lua_pushstring(L, status_of(L, check_thread(L, 1)));
  return 1;
}

/* What resuming came to. */
enum { WAITS = -2, FAILED = -1 };

/* Runs `co` with what is on top of its stack. Returns how many results were moved to L, FAILED with the error there, or
 * WAITS: the task waits somewhere inside, so L must yield too. */
static int run_thread(lua_State *L, lua_State *co, int nargs) {
  rl_strand *strand = rl_strand_of(co);
  rl_task *task = strand->task;
  int nres, status = rl_strand_resume(strand, L, nargs, &nres);
  if (status == LUA_YIELD && task && task->status != RL_TASK_RUNNING) return WAITS; /* or is ready again already */
  if (failed(status)) {
    lua_xmove(co, L, 1);
    return FAILED;
  }
  if (status == LUA_YIELD) {
    if (strand->resumer)
      rl_protect_hand_over(strand, strand->resumer, true); /* a __close yields: nobody unwinds any more */
    strand->task = NULL;
    strand->resumer = NULL;
  }
  if (!lua_checkstack(L, nres + 1)) {
    lua_pop(co, nres);
    lua_pushliteral(L, "too many results to resume");
    return FAILED;
  }
  lua_xmove(co, L, nres);
  return nres;
}

/* Starts or continues `co` with `nargs` values from L. */
static int resume(lua_State *L, lua_State *co, int nargs) {
  const char *status = status_of(L, co);
  rl_strand *strand = rl_strand_of(co), *mine = rl_strand_of(L);
  if (strcmp(status, "suspended") != 0 || !strand) {
    lua_pushfstring(L, "cannot resume %s coroutine", strcmp(status, "dead") == 0 ? status : "non-suspended");
    return FAILED;
  }
  if (!lua_checkstack(co, nargs)) {
    lua_pushliteral(L, "too many arguments to resume");
    return FAILED;
  }
  bool first = is_fresh(co);
  lua_xmove(L, co, nargs);
  strand->task = mine ? mine->task : NULL;
  strand->resumer = mine;
  strand->blocked = !lua_isyieldable(L) || (mine && mine->blocked);
  return run_thread(L, co, first ? nargs + 2 : nargs);
}

/* The strand of a thread that is gone is not ours to read; who resumed it settles what was raised inside. */
static void settle(lua_State *L, rl_strand *inner, bool caught) {
  rl_strand *mine = rl_strand_of(L);
  if (mine) rl_protect_hand_over(inner, mine, caught);
}

static int resume_done(lua_State *L, rl_strand *strand, int n);

static int resume_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  rl_strand *strand = (rl_strand *)ctx;
  return resume_done(L, strand, run_thread(L, strand->co, 0));
}

static int resume_done(lua_State *L, rl_strand *strand, int n) {
  if (n == WAITS) return lua_yieldk(L, 0, (lua_KContext)strand, resume_k);
  if (n == FAILED) settle(L, strand, true);
  lua_pushboolean(L, n != FAILED);
  int results = n == FAILED ? 1 : n;
  lua_insert(L, -(results + 1));
  return results + 1;
}

/* coroutine.resume(thread, ...) -> true, values... | false, error */
static int l_resume(lua_State *L) {
  lua_State *co = check_thread(L, 1);
  rl_strand *strand = rl_strand_of(co);
  return resume_done(L, strand, resume(L, co, lua_gettop(L) - 1));
}

static int wrap_done(lua_State *L, rl_strand *strand, int n);

static int wrap_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  rl_strand *strand = (rl_strand *)ctx;
  return wrap_done(L, strand, run_thread(L, strand->co, 0));
}

static int wrap_done(lua_State *L, rl_strand *strand, int n) {
  if (n == WAITS) return lua_yieldk(L, 0, (lua_KContext)strand, wrap_k);
  if (n != FAILED) return n;
  settle(L, strand, false);
  return lua_error(L);
}

static int l_wrap_call(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  rl_strand *strand = rl_strand_of(co);
  return wrap_done(L, strand, resume(L, co, lua_gettop(L)));
}

/* coroutine.wrap(f) -> function */
static int l_wrap(lua_State *L) {
  create_thread(L);
  lua_pushcclosure(L, l_wrap_call, 1);
  return 1;
}

/* coroutine.yield(...) -> what resume was given */
static int l_yield(lua_State *L) {
  rl_strand *strand = rl_strand_of(L);
  if (strand && strand->task && strand == &strand->task->strand)
    return luaL_error(L, "attempt to yield from outside a coroutine (a task waits, it does not yield)");
  if (strand && strand->scopes)
    return luaL_error(
        L, "attempt to yield out of rille.timeout, rille.shield or a group: it must end in the same coroutine");
  return lua_yield(L, lua_gettop(L));
}

/* coroutine.isyieldable([thread]) -> boolean */
static int l_isyieldable(lua_State *L) {
  lua_State *co = lua_isnone(L, 1) ? L : check_thread(L, 1);
  rl_strand *strand = rl_strand_of(co);
  bool root = strand && strand->task && strand == &strand->task->strand;
  lua_pushboolean(L, lua_isyieldable(co) && !root);
  return 1;
}

/* coroutine.running() -> thread, whether it is the main one. A thread that the program has seen is its own from then on. */
static int l_running(lua_State *L) {
  rl_strand *strand = rl_strand_of(L);
  if (strand) strand->shown = true;
  lua_pushboolean(L, lua_pushthread(L));
  return 2;
}

/* debug.getregistry() -> table. Every thread stands there: none is used for a second task any more. */
static int l_getregistry(lua_State *L) {
  rl_vm *vm = rl_vm_of(L);
  vm->threads_shown = true;
  rl_task_pool_free(vm);
  lua_pushvalue(L, LUA_REGISTRYINDEX);
  return 1;
}

/* coroutine.close(thread) -> true | false, error */
static int l_close(lua_State *L) {
  lua_State *co = check_thread(L, 1);
  const char *status = status_of(L, co);
  if (strcmp(status, "suspended") != 0 && strcmp(status, "dead") != 0)
    return luaL_error(L, "cannot close a %s coroutine", status);
  rl_strand *strand = rl_strand_of(co), *mine = rl_strand_of(L);
  if (strand) { /* its __close methods run for this task; they cannot wait */
    strand->task = mine ? mine->task : NULL;
    strand->resumer = mine;
    strand->blocked = true;
  }
  lua_State *_Atomic *running = &rl_vm_of(L)->pulse.running;
  lua_State *before = atomic_exchange_explicit(running, co, memory_order_relaxed); /* for the stall guard */
  int result = lua_resetthread(co);
  atomic_store_explicit(running, before, memory_order_relaxed);
  set_strand(co, NULL);
  lua_pushboolean(L, result == LUA_OK);
  if (result == LUA_OK) return 1;
  lua_xmove(co, L, 1);
  return 2;
}

/* ---- where no wait is possible, in words ---------------------------------------------------------------------------------------- */

static void barrier(lua_State *L, const char *library, const char *name, const char *text) {
  lua_getglobal(L, library);
  lua_getfield(L, -1, name);
  lua_CFunction function = lua_tocfunction(L, -1);
  lua_pop(L, 2);
  lua_pushstring(L, text);
  lua_rawsetp(L, -2, (const void *)(uintptr_t)function);
}

static void open_barriers(lua_State *L) {
  lua_newtable(L);
  barrier(L, "table", "sort", "a table.sort comparator");
  barrier(L, "table", "concat", "a metamethod called by table.concat");
  barrier(L, "string", "gsub", "a string.gsub callback");
  barrier(L, "string", "format", "__tostring called by string.format");
  barrier(L, LUA_GNAME, "tostring", "__tostring");
  barrier(L, LUA_GNAME, "print", "__tostring called by print");
  barrier(L, LUA_GNAME, "ipairs", "__index called by ipairs");
  barrier(L, LUA_GNAME, "pairs", "__pairs");
  barrier(L, LUA_GNAME, "load", "a reader function of load");
  barrier(L, "coroutine", "close", "__close run by coroutine.close");
  lua_setfield(L, LUA_REGISTRYINDEX, "rille.barriers");
  static const lua_CFunction transparent[] = {
      l_pcall, l_xpcall, l_resume, l_wrap_call, strand_base, rl_task_base, rl_heartbeat_bounded};
  for (size_t i = 0; i < sizeof transparent / sizeof *transparent; i++) rl_lets_waits_through(L, transparent[i]);
}

void rl_lets_waits_through(lua_State *L, lua_CFunction function) {
  lua_getfield(L, LUA_REGISTRYINDEX, "rille.barriers");
  lua_pushboolean(L, 1);
  lua_rawsetp(L, -2, (const void *)(uintptr_t)function);
  lua_pop(L, 1);
}

static const luaL_Reg functions[] = {{"create", l_create}, {"resume", l_resume},   {"wrap", l_wrap},
                                     {"yield", l_yield},   {"status", l_status},   {"isyieldable", l_isyieldable},
                                     {"close", l_close},   {"running", l_running}, {NULL, NULL}};

void rl_coroutine_open(lua_State *L) {
  lua_getglobal(L, "coroutine");
  luaL_setfuncs(L, functions, 0);
  lua_getglobal(L, "debug");
  lua_pushcfunction(L, l_getregistry);
  lua_setfield(L, -2, "getregistry");
  lua_pop(L, 2);
  lua_pushcfunction(L, l_pcall);
  lua_setglobal(L, "pcall");
  lua_pushcfunction(L, l_xpcall);
  lua_setglobal(L, "xpcall");
  open_barriers(L);
}
