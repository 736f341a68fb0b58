/*
 * Tasks: coroutines owned by C. Every request is a task, so is each function that `rille.spawn` starts, and the loading of a
 * program.
 *
 *   READY --run--> RUNNING --rl_task_wait--> WAITING --rl_task_wake--> READY … --> ENDED
 *                                               |
 *                                            cancel: undoes the wait, then wakes the task, and the wait raises
 *
 * Only the event that a wait is for ends it. Each wait of a state has a number of its own. An rl_waker holds the task and
 * that number, and wakes nothing else. Code that waits takes these steps, in this order:
 *
 *   1. rl_task_may_wait      raises if no wait is possible or a cancellation is due; nothing is armed yet
 *   2. keep rl_task_waker    in the object that will end the wait: a job, a request's events, a queue
 *   3. arm it                and do not raise afterwards, unless it is disarmed first
 *   4. rl_task_wait          in the return statement, with an undo that disarms and empties the waker
 *   5. rl_task_wake          when it happens, once, on the loop's thread; a job on another thread sends mail first
 *
 * A continuation that waits again repeats 2 to 5 with a new waker. A wake with an old number changes nothing. It is counted
 * (vm.stale_wakes) and aborts the process under the address sanitizer, because it means that some undo is wrong.
 *
 * A task's thread may itself resume threads that the program made (coroutine.create). Each is a strand, linked to the strand
 * that resumed it. A wait anywhere suspends the whole chain. lua_getextraspace of a thread holds its strand.
 *
 *   task.strand (the task's own thread) <-resumer- strand <-resumer- strand (running)
 *
 * One function calls lua_resume: rl_strand_resume.
 *
 * Cancellation has one path, whatever its cause. A scope can be cancelled: the task as a whole, a rille.timeout, a
 * rille.group. Scopes nest. A shield hides the scopes outside it.
 *
 *   QUIET --fire--> FIRED --the wait under way, or the next, raises--> RAISED --a pcall catches it--> CAUGHT --next wait--> RAISED
 *
 * While a scope is RAISED its stack unwinds. Then __close may wait, for RL_LIMIT_CLEANUP_MS from the raise in all.
 * Children belong to the task that spawned them, and cannot outlive it.
 *
 * C owns an rl_task: it is allocated with its thread, and both are used again after the end (vm.idle). Lua sees a handle,
 * which outlives the task.
 */
#ifndef RL_VM_TASK_H
#define RL_VM_TASK_H

#include "base/limits.h"
#include "vm/vm.h"

typedef struct rl_scope rl_scope;
typedef struct rl_waiter rl_waiter;
typedef struct rl_belonging rl_belonging;
typedef struct rl_waker rl_waker;

struct rl_strand { /* task and resumer are NULL while nobody has resumed it */
  rl_task *task;   /* the task that it runs for */
  lua_State *co;
  rl_strand *resumer;       /* NULL for a task's own strand */
  unsigned protected_calls; /* protected calls that are active on this thread; each has a number, from 1 */
  uint16_t scopes;          /* scopes entered on this thread and not left yet */
  bool blocked;             /* some strand of the chain was resumed inside a call that no wait can pass */
  bool shown;               /* the program has seen this thread (coroutine.running): no other task uses it */
};

enum { RL_SCOPE_TASK, RL_SCOPE_TIMEOUT, RL_SCOPE_GROUP, RL_SCOPE_SHIELD };
enum { RL_SCOPE_QUIET, RL_SCOPE_FIRED, RL_SCOPE_RAISED, RL_SCOPE_CAUGHT };

struct rl_scope {
  rl_scope *outer;
  rl_task *task;
  uint8_t kind, state;
  int16_t code;             /* of the error it raises */
  int value_ref;            /* the value that it raises, such as a child's error; LUA_NOREF: one is made from `code` */
  unsigned protected_calls; /* where it was raised: under how many protected calls … */
  rl_strand *strand;        /* … of which thread */
};

/* A scope with a deadline: rille.timeout. */
typedef struct rl_timeout {
  rl_scope scope; /* first */
  rl_timer timer;
  double seconds;
} rl_timeout;

/* Ends one wait of one task. A zeroed one is empty: it wakes nobody. */
struct rl_waker {
  rl_task *task;
  uint64_t wait; /* the number of that wait */
};

/* Disarms a wait and empties its waker, because the task is cancelled. It must not wake the task. Returns false if the
 * operation cannot be stopped and its outcome matters (a write that has begun). Then the wait goes on, and the cancellation is
 * raised at the next one. While the state is closed (vm.closing) the result is ignored: the undo must let go of the task. */
typedef bool (*rl_undo)(rl_task *task, void *ud);

/* Is called when a task ends; linked in task.waiters until then. Also links a task into a queue (rl_task_arm_queue). */
struct rl_waiter {
  rl_list node;
  void (*on_end)(rl_waiter *waiter, rl_task *task);
};

/* A failure that nobody has waited for yet. It is logged when the parent ends or when it is collected, whichever comes first.
 * It is a userdata of its own, so that the handles of tasks that succeed need no finalizer. */
typedef struct rl_failure {
  rl_list node;        /* in the parent's list */
  char *error, *trace; /* what will be logged; NULL once it was, or somebody has waited */
} rl_failure;

/* The userdata by which Lua holds a task. It outlives the task and keeps its results in user value 1: a single result itself,
 * several as a table, a failure as {error, traceback, rl_failure}. */
typedef struct rl_task_handle {
  rl_task *task; /* NULL once it has ended */
  rl_failure *failure;
  int results; /* how many; -1: failed */
  bool cancelled;
} rl_task_handle;

/* An object that must end with its task at the latest, such as a transaction. Embedded in that object, and linked until it ends
 * or the task does. */
typedef struct rl_belonging {
  rl_list node;
  void (*on_task_end)(rl_belonging *belonging); /* called after it was unlinked; not when the state is closed */
} rl_belonging;

/* Fields that few tasks need. Allocated when the first is needed, and freed with the thread. */
typedef struct rl_task_extra {
  rl_task *task;
  rl_timer cleanup; /* bounds the waits of __close */
  uint64_t cleanup_until;
  rl_list failures;   /* of children that nobody has waited for */
  rl_list belongings; /* innermost last */
  char *reason;       /* why the whole task was cancelled, for the message */
  char *until;        /* what the wait that was undone waited for (rl_task_note_wait), for the message of a timeout */
} rl_task_extra;

enum { RL_TASK_READY, RL_TASK_RUNNING, RL_TASK_WAITING, RL_TASK_ENDED };
enum { RL_ARMED_NOT, RL_ARMED_POST, RL_ARMED_TIMER, RL_ARMED_WAITER };

/* A hundred thousand tasks may sleep at once, so each field must be worth its memory. */
struct rl_task {
  rl_strand strand; /* first */
  rl_vm *vm;
  rl_list sibling, children; /* node in the parent's list, in vm.roots or in vm.idle; list of this one's children */
  rl_task *parent;
  rl_list waiters;        /* of rl_waiter: called at the end */
  rl_scope *scope;        /* innermost */
  rl_scope *group;        /* of the parent: what a failure of this task fires, or NULL */
  rl_scope base;          /* the task as a whole */
  rl_task_handle *handle; /* anchored by the base's frame; NULL: it has none */
  rl_task_extra *extra;   /* or NULL */

  uint8_t status;
  bool failed;      /* its base caught an error */
  bool interrupted; /* the wait under way ends by raising the cancellation that is due */
  bool cleaning;    /* inside __close of a cancelled scope */
  bool ending;      /* it only waits for its children now */
  uint8_t armed;    /* RL_ARMED_*: which member of the union below is linked */
  bool quiet;       /* a cancellation of the wait under way is passed to its continuation instead of raised */
  int thread_ref;   /* anchors the thread */
  int trace_ref;    /* {value, traceback} of the last error, or LUA_NOREF */
  int nargs;
  uint32_t cpu_limit_ms; /* how long it may run without waiting; 0: no limit */

  int line;         /* where it was spawned; 0: in C */
  uint32_t waits;   /* how often it has waited */
  const char *site; /* the file, interned in the vm; if line is 0, a label that C has set, or NULL */
  uint64_t id;

  const char *wait_name; /* what it waits for ("sleep"), static; NULL while it does not */
  uint64_t wait_since;
  uint64_t wait; /* number of the wait under way, or of the next one; wakers compare it */
  rl_undo undo;
  void *undo_ud;
  lua_KFunction wait_k;
  lua_KContext wait_ctx;
  union {             /* one at a time, as `armed` says; only task.c and wait.c touch them */
    rl_post post;     /* READY: in the loop's queue */
    rl_timer timer;   /* WAITING: for a time … */
    rl_waiter waiter; /* … or for another task, or in a queue */
  };

  void (*on_end)(rl_task *task); /* called at the end, before the waiters; may be NULL */
  void *owner;                   /* for on_end */
};

/* ---- starting ---------------------------------------------------------------------------------------------------------- */

/* Makes a task with an empty thread. The caller pushes a base function and its arguments onto task->strand.co, and sets
 * task->nargs. `parent` may be NULL. `from` (may be NULL) is the thread that spawns it, for messages. Returns NULL if out of
 * memory. */
rl_task *rl_task_new(rl_vm *vm, rl_task *parent, lua_State *from);
/* Frees a task that was never started. */
void rl_task_del(rl_task *task);
/* Runs the task in this turn of the loop, after those that are ready already. */
void rl_task_start(rl_task *task);
/* Runs the task at once, up to its first wait; as rl_task_start if another task runs. */
void rl_task_run(rl_task *task);

/* Returns the task that L runs for, or NULL. */
rl_task *rl_task_running(lua_State *L);
/* Returns the strand of a thread, or NULL. */
static inline rl_strand *rl_strand_of(lua_State *L) { return *(rl_strand **)lua_getextraspace(L); }
static inline void rl_strand_set(lua_State *L, rl_strand *strand) { *(rl_strand **)lua_getextraspace(L) = strand; }
/* Returns true if a call ended with an error, by its status from lua_resume, lua_pcallk or as told to a continuation. */
static inline bool rl_call_failed(int status) { return status != LUA_OK && status != LUA_YIELD; }

/* ---- waiting ------------------------------------------------------------------------------------------------------------ */

/* Returns the task that runs, if it may wait here. Call it before anything is armed. Raises if no wait is possible (the message
 * names what prevents it), and if a cancellation is due. `name` is static and completes "cannot wait for …". */
rl_task *rl_task_may_wait(lua_State *L, const char *name);
/* Declares that a wait can pass a C function of ours, because it uses lua_callk or the like. Messages about impossible waits do
 * not name it. Raises if out of memory. */
void rl_lets_waits_through(lua_State *L, lua_CFunction function);
/* Lets every task that is ready run first. Call it as `return rl_task_yield(…)`. */
int rl_task_yield(lua_State *L, const char *name);
/* Returns the waker of the wait that is about to begin. */
static inline rl_waker rl_task_waker(rl_task *task) { return (rl_waker){task, task->wait}; }
/* Suspends the task until its waker is used, then runs `k` (NULL: no results). Call it as `return rl_task_wait(…)`. `name` is
 * static and completes "waits for …". `undo` is called if a cancellation comes first; it is never NULL. */
int rl_task_wait(lua_State *L, const char *name, rl_undo undo, void *ud, lua_KFunction k, lua_KContext ctx);
/* Does the same outside every protected call (in a task's base), where nothing may be raised. The status tells `k` of a
 * cancellation: LUA_ERRRUN, else LUA_YIELD. */
int rl_task_wait_quietly(lua_State *L, const char *name, rl_undo undo, void *ud, lua_KFunction k, lua_KContext ctx);
/* Ends the wait that the waker belongs to, and empties the waker. Returns false if there is nothing to end: the waker was
 * empty, or its wait is over already. */
bool rl_task_wake(rl_waker *waker);
/* Notes what an undone wait had to wait for ("the transaction begun at app.lua:12"), for the message of a timeout. Called inside
 * an undo. Copies `until`; NULL forgets it. */
void rl_task_note_wait(rl_task *task, const char *until);
/* The undo of a wait for which nothing is armed. */
bool rl_task_undo_nothing(rl_task *task, void *ud);

/* Arm the most common waits: for a time, for the end of a task, for a turn in a queue. The task itself is linked, so no waker is
 * needed. Call them after rl_task_may_wait. */
void rl_task_arm_timer(rl_task *task, double ms);
void rl_task_arm_end(rl_task *task, rl_task *of);
void rl_task_arm_queue(rl_task *task, rl_list *queue);
/* The undo of these three. */
bool rl_task_undo_armed(rl_task *task, void *ud);
/* Returns the first task of a queue; wakes it. The queue must not be empty. */
rl_task *rl_task_first_of(rl_list *queue);
void rl_task_wake_first(rl_list *queue);

/* ---- cancelling ---------------------------------------------------------------------------------------------------------- */

/* Cancels the task as a whole with an error of `code`. `reason` (copied, may be NULL) goes into its message. A second call has no
 * effect. */
void rl_task_cancel(rl_task *task, int code, const char *reason);
/* Cancels a scope: an error of `code` is raised inside it. No effect if it has been cancelled before. */
void rl_scope_fire(rl_scope *scope, int code);
/* Cancels a scope: the value on top of L's stack (popped) is raised inside it. Returns false if it has been cancelled before:
 * then nobody sees the value. */
bool rl_scope_fire_with(lua_State *L, rl_scope *scope);
/* Returns true if the scope was cancelled and the error at `index` is its own, or any other with code "cancelled". */
bool rl_scope_raised(lua_State *L, const rl_scope *scope, int index);
/* Enter and leave a scope of the task that L runs for, properly nested and on the same thread. The caller owns the memory. A
 * thread inside a scope cannot yield to its resumer: the task would go on in a scope that nobody leaves. */
void rl_scope_enter(lua_State *L, rl_scope *scope, int kind);
void rl_scope_leave(lua_State *L, rl_scope *scope);
void rl_timeout_enter(lua_State *L, rl_timeout *timeout, double seconds);
void rl_timeout_leave(lua_State *L, rl_timeout *timeout);

/* Returns true if a cancellation is due. It also fires timeouts that have passed without the loop having seen their timers: for
 * code that computes for long. */
bool rl_scope_is_overdue(rl_task *task);

/* ---- protected calls: the one place where errors are caught ---------------------------------------------------------------- */

/* Begins a protected call. Returns its number, to be passed as lua_pcallk's ctx. */
unsigned rl_protect_enter(lua_State *L);
/* Returns true if the error that ended the protected call is a cancellation. Call it before rl_protect_leave. */
bool rl_protect_is_cancellation(lua_State *L, unsigned number);
/* Ends a protected call. `caught`: an error stops here; else it will be raised again, or there was none. */
void rl_protect_leave(lua_State *L, unsigned number, bool caught);
/* Moves an error from the thread `from` to `to`, which resumed it. `caught`: it stops there, else it is raised again. */
void rl_protect_hand_over(rl_strand *from, rl_strand *to, bool caught);

/* ---- what was raised (trace.c) ------------------------------------------------------------------------------------------- */

/* Pushes an error value for any value at `index`: itself, or one whose cause it is (code "error", status 500). */
void rl_raised_wrap(lua_State *L, int index);
/* Is the message handler of protected calls: notes the traceback for the value, and returns the value unchanged. */
int rl_raised_handler(lua_State *L);
/* Notes the traceback on top of the stack (popped) for the value at `index`, a failure that comes from another task. */
void rl_raised_note_trace(lua_State *L, int index);
/* Pushes the traceback noted for the value at `index` by the running task, or nil. */
void rl_raised_push_trace(lua_State *L, int index);
/* Pushes a traceback of `of` from `level`, without C functions and the frames of our Lua library. A hook calls it in a
 * C function of its own (vm/task/heartbeat.c). */
void rl_raised_traceback(lua_State *L, lua_State *of, int level);
/* Pushes the error at `value` as text, then its traceback, and returns both, borrowed. A missing traceback is nil, and NULL. */
void rl_raised_describe(lua_State *L, int value, const char **text, const char **trace);

/* ---- the end ------------------------------------------------------------------------------------------------------------- */

/* The base function of ordinary tasks. Stack: the handle or nil, the function, its arguments. */
int rl_task_base(lua_State *L);
/* Ends any base: cancels and awaits the children, then returns the values above `keep`. Call it as `return rl_task_leave(…)`. */
int rl_task_leave(lua_State *L, int keep);
/* Appends "spawned at" of the task and its ancestors to the string on top of the stack. */
void rl_task_add_ancestors(lua_State *L, const rl_task *task);
/* Ties an object to the task. Returns false if out of memory. rl_list_remove of its node unties it. */
bool rl_task_own(rl_task *task, rl_belonging *belonging);
/* Marks a failure as waited for: it will not be logged. */
void rl_failure_waited(rl_failure *failure);
/* Logs the error at `index` with its traceback. */
void rl_task_log_error(lua_State *L, int index, const char *message);
/* Frees the threads of ended tasks that are kept for reuse. */
void rl_task_pool_free(rl_vm *vm);
/* The first step of closing a state whose tasks are still alive: undoes every wait while the objects waited for still exist. A
 * job that ends later wakes nobody. */
void rl_task_undo_all(rl_vm *vm);
/* The second step: frees the tasks. None of them runs again. Their threads are freed with the Lua state. */
void rl_task_forget_all(rl_vm *vm);
/* Frees the names of files, after the Lua state was closed. */
void rl_task_free_sites(rl_vm *vm);

/* ---- between the files of this room ---- */

/* Makes a waiting task ready: it runs in this turn of the loop. No effect on others. */
void rl__task_wake(rl_task *task);
/* Unlinks the task from what it is armed for. Another member of the union may be used then. */
void rl__task_disarm(rl_task *task);
/* Notes the line of the program at which `from` spawns it. */
void rl__task_note_site(rl_task *task, lua_State *from);

/* Returns the scope whose cancellation must be raised now, or NULL. Sets task->cleaning. */
rl_scope *rl_scope_due(rl_task *task);
/* Raises its error. There must be one. */
int rl_scope_raise_due(lua_State *L, rl_task *task) RL_RAISES;
/* Pushes the error that a scope raises. */
void rl_scope_push_error(lua_State *L, rl_scope *scope);
/* Ends the wait under way with an error. No effect if its undo refuses, or if the task is not waiting. */
void rl_task_interrupt(rl_task *task);
/* Returns the task's extra fields, allocated at the first call; NULL if out of memory. */
rl_task_extra *rl_task_extra_of(rl_task *task);

/* Calls `visit` for every live task, parents before their children; `depth` of a task without a parent is 0. The visitor
 * must not start or end tasks. */
void rl_task_each(rl_vm *vm, void (*visit)(void *ud, rl_task *task, unsigned depth), void *ud);

/* Resumes a strand; only this calls lua_resume. The arguments are on top of strand->co. Returns LUA_OK, LUA_YIELD or an error
 * status. */
int rl_strand_resume(rl_strand *strand, lua_State *from, int nargs, int *nres);

/* Replaces coroutine.*, pcall, xpcall and debug.getregistry by ours (vm/task/coroutine.c). Raises. */
void rl_coroutine_open(lua_State *L);

#endif
