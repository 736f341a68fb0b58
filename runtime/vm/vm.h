/*
 * The Lua state of a worker, and what C keeps beside it.
 *
 *   rl_vm -- lua_State (one; tasks are its threads)
 *         -- rl_loop it waits on
 *         -- pool of threads for tasks, list of live tasks
 *         -- scratch buffers that values are encoded into (vm/owner.h)
 *
 * This is the only room that sees lua.h. The state's allocator carries the vm, so rl_vm_of(L) costs one call. A vm belongs
 * to its loop's thread and nobody else touches it.
 */
#ifndef RL_VM_VM_H
#define RL_VM_VM_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "base/buf.h"
#include "loop/loop.h"
#include "vm/memory.h"
#include "vm/pulse.h"

/* These raise and never return, which Lua's headers do not say. Neither does a function of ours that is declared so: it has
 * a result only to be written `return raise(…)`, as Lua's own are. */
#define RL_RAISES __attribute__((noreturn))
int lua_error(lua_State *L) RL_RAISES;
int luaL_error(lua_State *L, const char *format, ...) RL_RAISES;
int luaL_argerror(lua_State *L, int arg, const char *message) RL_RAISES;
int luaL_typeerror(lua_State *L, int arg, const char *type) RL_RAISES;

typedef struct rl_vm rl_vm;
typedef struct rl_task rl_task;
typedef struct rl_strand rl_strand;
typedef struct rl_engine rl_engine;

/* How strict, and what an error may show. */
typedef enum rl_mode { RL_MODE_SERVE, RL_MODE_DEV, RL_MODE_TEST, RL_MODE_RUN } rl_mode;

typedef struct rl_vm_options {
  rl_mode mode;
  const char *root;      /* the folder that holds the program, absolute; copied */
  size_t memory_limit;   /* bytes; 0: none */
  int worker, workers;   /* rille.worker */
  unsigned generation;   /* counts the reloads of a worker's program */
  uint32_t cpu_limit_ms; /* how long a task may run without waiting, unless it is said for it; 0: no limit */
} rl_vm_options;

struct rl_vm {
  lua_State *L; /* the main thread: never runs a program's code itself */
  rl_loop *loop;
  rl_mode mode;
  char *root;
  int worker, workers;
  unsigned generation;
  uint32_t cpu_limit_ms;
  rl_memory memory;
  rl_pulse pulse;    /* for the stall guard */
  rl_list scratches; /* vm/owner.h */

  rl_task *running; /* the task whose code is on the C stack now, or NULL */
  rl_list roots;    /* live tasks without a parent; the others hang below them */
  rl_list idle;     /* ended ones whose threads wait to be used again */
  unsigned task_count, idle_count;
  uint64_t next_task_id, next_wait;
  uint64_t stale_wakes; /* wakes that came after their wait was over: faults of ours (vm/task/task.h) */
  bool closing;         /* rl_vm_del: waits are undone for good */
  bool offloaded;       /* it runs what another state has offloaded (bind/core/offload_state.h) */
  bool threads_shown;   /* a program can reach every thread (debug.getregistry): none is used again */
  char **sites;         /* names of files in which tasks were spawned */
  unsigned site_count;

  /* Says more of what a task waits for than its wait's name does; writes nothing where there is no more. Or NULL. */
  void (*describe_wait)(const rl_task *task, char *out, size_t size);
  /* Pushes "app.lua:12: " of what runs where no line of the program is on the stack, or "". Or NULL. */
  void (*push_place)(lua_State *L);
  /* Nothing can wake any task: ends the test that runs. Returns false if none does, or if it was told before. Or NULL. */
  bool (*give_up)(rl_vm *vm);
  void (*on_wait)(rl_task *task, bool begins); /* development: told of each wait; NULL: nobody wants to know */

  void (*on_thread)(rl_vm *vm, lua_State *co); /* tests: a task is to run on this thread; NULL: nobody wants to know */

  struct rl_file_cache *files; /* bytes of small static files; made when needed */
  rl_engine *engine;           /* of the HTTP client; NULL until the first pool is made (bind/client/pool.c) */
  int refs[16];                /* registry references of what hot paths need: RL_REF_* */
};

enum {
  RL_REF_ERROR_META,   /* metatable of error values */
  RL_REF_ARRAY_META,   /* metatable of rille.array */
  RL_REF_REQUEST_META, /* of req */
  RL_REF_RESPONSE_META,
  RL_REF_TASK_META,
  RL_REF_TRANSFER_META, /* of an exchange of the HTTP client */
  RL_REF_HEADERS_META,  /* of the headers that came with it */
  RL_REF_LOCATION_META, /* of a parsed URL */
  RL_REF_OWNER_META,    /* vm/owner.h */
  RL_REF_SCRATCH,       /* the owner of the scratch buffer that is kept */
  RL_REF_ON_RAISE,      /* development: the function that is told of what is raised, or 0 */
  RL_REF_COUNT
};

/* A bare state: memory and nothing on it; bind/open.h opens the libraries. The loop outlives it. Returns NULL if out of memory. */
rl_vm *rl_vm_new(rl_loop *loop, const rl_vm_options *options);
/* Closes the Lua state and frees what is C's. Its tasks have been forgotten. */
void rl_vm_del(rl_vm *vm);

static inline rl_vm *rl_vm_of(lua_State *L) {
  void *vm;
  lua_getallocf(L, &vm);
  return vm;
}

/* Returns true while a finalizer runs, in whatever frame or coroutine of it: an error there goes nowhere, and it is not called
 * again. Then lua_gc answers -1 to whatever is asked of the collector (since Lua 5.4.4; frames do not tell, for a finalizer may
 * have called by a tail call). */
static inline bool rl_in_finalizer(lua_State *L) { return lua_gc(L, LUA_GCISRUNNING) < 0; }

/* Pushes what a reference holds. */
static inline void rl_vm_push_ref(lua_State *L, int which) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, rl_vm_of(L)->refs[which]);
}

/* rille.null: JSON and SQL null where nil cannot stand. */
static inline void rl_push_null(lua_State *L) { lua_pushlightuserdata(L, NULL); }
static inline bool rl_is_null(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TLIGHTUSERDATA && !lua_touserdata(L, index);
}

#endif
