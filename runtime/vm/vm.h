/*
 * The Lua state of a worker, and the data that C keeps with it.
 *
 *   rl_vm -- lua_State (one; tasks are its threads)
 *         -- the rl_loop that it waits on
 *         -- the tree of live tasks, and a pool of threads for new ones (vm/task/task.h)
 *         -- scratch buffers that values are encoded into (vm/owner.h)
 *
 * Rooms below this one do not see lua.h. The state's allocator carries the vm, so rl_vm_of(L) costs one call. A vm belongs
 * to its loop's thread, and no other thread touches it, except the stall guard its pulse (vm/pulse.h).
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

/* Marks a function that always raises. Lua's headers do not say so of these four, hence the declarations. Ours return int
 * only so that a caller can write `return raise(…)`, as with Lua's own. */
#define RL_RAISES __attribute__((noreturn))
int lua_error(lua_State *L) RL_RAISES;
int luaL_error(lua_State *L, const char *format, ...) RL_RAISES;
int luaL_argerror(lua_State *L, int arg, const char *message) RL_RAISES;
int luaL_typeerror(lua_State *L, int arg, const char *type) RL_RAISES;

typedef struct rl_vm rl_vm;
typedef struct rl_task rl_task;
typedef struct rl_strand rl_strand;
typedef struct rl_engine rl_engine;

/* Decides how strict checks are, and how much an error shows to a client. */
typedef enum rl_mode { RL_MODE_SERVE, RL_MODE_DEV, RL_MODE_TEST, RL_MODE_RUN } rl_mode;

typedef struct rl_vm_options {
  rl_mode mode;
  const char *root;      /* the folder that holds the program, absolute; copied */
  size_t memory_limit;   /* bytes; 0: none */
  int worker, workers;   /* rille.worker */
  unsigned generation;   /* counts the reloads of a worker's program */
  uint32_t cpu_limit_ms; /* how long a task may run without waiting, if it has no limit of its own; 0: no limit */
} rl_vm_options;

/* Values that hot paths need, by their references in the registry. */
enum {
  RL_REF_ERROR_META,     /* metatable of error values */
  RL_REF_ARRAY_META,     /* metatable of rille.array */
  RL_REF_JSON_TEXT_META, /* of JSON that is written already (bind/core/json_text.c) */
  RL_REF_REQUEST_META,   /* of req */
  RL_REF_REQUEST_HEADERS_META,
  RL_REF_RESPONSE_META,
  RL_REF_TASK_META,
  RL_REF_TRANSFER_META, /* of an exchange of the HTTP client */
  RL_REF_HEADERS_META,  /* of the headers that came with it */
  RL_REF_LOCATION_META, /* of a parsed URL */
  RL_REF_POOL_META,     /* of a pool of the HTTP client's connections */
  RL_REF_DATABASE_META,
  RL_REF_TRANSACTION_META,
  RL_REF_OWNER_META,   /* vm/owner.h */
  RL_REF_JSON_LAYOUTS, /* of rl_vm.json_layouts */
  RL_REF_SCRATCH,      /* the owner of the scratch buffer that is kept */
  RL_REF_ON_RAISE,     /* development: the function that is called with each value raised; 0: none */
  RL_REF_COUNT
};

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
  rl_list roots;    /* live tasks without a parent; the others are in their parents' lists */
  rl_list idle;     /* ended tasks, whose threads are used again */
  unsigned task_count, idle_count;
  uint64_t next_task_id, next_wait;
  uint64_t stale_wakes; /* wakes that came after their wait was over: bugs of ours (vm/task/task.h) */
  bool closing;         /* rl_vm_close: waits are undone for good */
  bool offloaded;       /* it runs what another state has offloaded (bind/core/offload_state.h) */
  bool threads_shown;   /* the program can reach every thread (debug.getregistry): none is used again */
  char **sites;         /* names of files in which tasks were spawned */
  unsigned site_count;

  /* Writes details of what a task waits for, to follow the name of its wait; or writes nothing. May be NULL. */
  void (*describe_wait)(const rl_task *task, char *out, size_t size);
  /* Pushes "app.lua:12: " for code with no line of the program on its stack: where the running request or task begins; or "".
   * May be NULL. */
  void (*push_place)(lua_State *L);
  /* Ends the running test, because nothing can wake any task. Returns false if none runs, or if it was called before. May be
   * NULL. */
  bool (*give_up)(rl_vm *vm);
  /* Development: called when a wait begins and when it ends. May be NULL. */
  void (*on_wait)(rl_task *task, bool begins);
  /* Tests: called when a task gets this thread, and when the stall guard has taken its hook off, so that a hook can be set. May be
   * NULL. */
  void (*on_thread)(rl_vm *vm, lua_State *co);

  struct rl_json_layout
      *json_layouts;           /* what the JSON encoder remembers (bind/core/json_layout.h): a value of the registry */
  struct rl_file_cache *files; /* bytes of small static files; NULL until needed */
  rl_engine *engine;           /* of the HTTP client; NULL until the first pool is made (bind/client/pool.c) */
  int refs[RL_REF_COUNT];      /* registry references; 0: none yet */
  const void *metas[RL_REF_COUNT]; /* the addresses of those that are metatables */
};

/* Makes a bare state, without libraries; rl_vm_open (bind/open.h) opens them. The loop outlives it. Returns NULL if out of
 * memory. */
rl_vm *rl_vm_new(rl_loop *loop, const rl_vm_options *options);
/* Closes the Lua state and frees what C keeps with it. Its tasks must have been forgotten (rl_task_forget_all). */
void rl_vm_del(rl_vm *vm);

static inline rl_vm *rl_vm_of(lua_State *L) {
  void *vm;
  lua_getallocf(L, &vm);
  return vm;
}

/* Returns true while a finalizer runs, in any of its frames or coroutines. An error there reaches nobody, and a finalizer is
 * not called again. Since Lua 5.4.4 lua_gc returns -1 meanwhile. (The frames do not tell: a tail call replaces the
 * finalizer's.) */
static inline bool rl_in_finalizer(lua_State *L) { return lua_gc(L, LUA_GCISRUNNING) < 0; }

/* Pushes the value of a reference RL_REF_*. */
static inline void rl_vm_push_ref(lua_State *L, int which) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, rl_vm_of(L)->refs[which]);
}

/* Anchors the metatable on top of the stack, and pops it. */
static inline void rl_vm_keep_meta(lua_State *L, int which) {
  rl_vm *vm = rl_vm_of(L);
  vm->metas[which] = lua_topointer(L, -1);
  vm->refs[which] = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Returns true if the value at `index` has that metatable. */
static inline bool rl_vm_has_meta(lua_State *L, int index, int which) {
  if (!lua_getmetatable(L, index)) return false;
  bool same = lua_topointer(L, -1) == rl_vm_of(L)->metas[which];
  lua_pop(L, 1);
  return same;
}

/* rille.null stands for JSON and SQL null inside tables, which cannot hold nil. */
static inline void rl_push_null(lua_State *L) { lua_pushlightuserdata(L, NULL); }
static inline bool rl_is_null(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TLIGHTUSERDATA && !lua_touserdata(L, index);
}

#endif
