/*
 * Tasks: coroutines owned by C. Every request is one; so is everything that `rille.spawn` starts, and a program's own
 * loading.
 *
 *   READY --run--> RUNNING --rl_task_wait--> WAITING --rl_task_wake--> READY … --> ENDED
 *                                               |
 *                                            cancel: undo the wait, then as woken, but the wait raises
 *
 * A wait is ended only by what it waits for. Each wait of a state has a number of its own; an rl_waker holds the task and
 * that number, and wakes nothing else. Code that waits does these things, in this order:
 *
 *   1. rl_task_may_wait      raises where no wait is possible or a cancellation is due: nothing is armed yet
 *   2. keep rl_task_waker    in whatever will end the wait: a job, a request's events, a queue
 *   3. arm it                and raise nothing afterwards, unless it is disarmed first
 *   4. rl_task_wait          as the last act, with an undo that takes back what was armed and empties the waker
 *   5. rl_task_wake          when it happens, once; a job on a thread sends mail first, so that this runs on the loop
 *
 * A continuation that waits again repeats 2 to 5: the waker before is spent. A wake with a spent number changes nothing; it
 * is counted (vm.stale_wakes), and under the address sanitizer it ends the process, because some undo has failed.
 *
 * A task's thread may itself resume threads that the program made (coroutine.create): each is a strand, linked to the one
 * that resumed it, and a wait anywhere suspends the whole chain. lua_getextraspace of a thread holds its strand.
 *
 *   task.strand (the task's own thread) <-resumer- strand <-resumer- strand (running)
 *
 * One function calls lua_resume: rl_strand_resume.
 *
 * Cancellation has one path, whatever its cause. A scope is what can be cancelled: the task as a whole, a rille.timeout,
 * a rille.group. Scopes nest; a shield hides those outside it.
 *
 *   QUIET --fire--> FIRED --the wait under way, or the next, raises--> RAISED --a pcall catches it--> CAUGHT --next wait--> RAISED
 *
 * While a scope is RAISED its stack unwinds, and the waits of __close pass, with RL_LIMIT_CLEANUP_MS for each.
 * Children belong to the task that spawned them and cannot outlive it.
 */
#ifndef RL_VM_TASK_H
#define RL_VM_TASK_H

#include "base/limits.h"
#include "vm/vm.h"

typedef struct rl_scope rl_scope;
typedef struct rl_waiter rl_waiter;
typedef struct rl_belonging rl_belonging;
typedef struct rl_waker rl_waker;

struct rl_strand { /* NULL task and resumer: nobody has resumed it */
  rl_task *task;   /* for whom it runs */
  lua_State *co;
  rl_strand *resumer;       /* NULL for a task's own */
  unsigned protected_calls; /* pcall, xpcall … active on this thread: numbers them from 1 */
  uint16_t scopes;          /* entered on this thread and not left yet */
  bool blocked;             /* some resumer was called from where no wait is possible */
  bool shown;               /* the program has seen this thread (coroutine.running): nobody else is given it */
};

enum { RL_SCOPE_TASK, RL_SCOPE_TIMEOUT, RL_SCOPE_GROUP, RL_SCOPE_SHIELD };
enum { RL_SCOPE_QUIET, RL_SCOPE_FIRED, RL_SCOPE_RAISED, RL_SCOPE_CAUGHT };

struct rl_scope {
  rl_scope *outer;
  rl_task *task;
  uint8_t kind, state;
  int16_t code;             /* of the error it raises */
  int value_ref;            /* or the very value to raise (a group's failed child), LUA_NOREF */
  unsigned protected_calls; /* where it was raised: under how many protected calls … */
  rl_strand *strand;        /* … of which thread */
};

/* A scope with a deadline: rille.timeout. */
typedef struct rl_timeout {
  rl_scope scope; /* first */
  rl_timer timer;
  double seconds;
} rl_timeout;

/* Ends one wait of one task. Zeroed: it wakes nobody. */
struct rl_waker {
  rl_task *task;
  uint64_t wait; /* the number of that wait */
};

/* Takes back what was armed for a wait, because the task is cancelled, and empties its waker; it must not wake. Returns false
 * if that cannot be taken back and its outcome matters (a write that has begun): then the wait goes on, and the cancellation
 * is raised at the next one. When the state is closed (vm.closing) the answer is not heeded: what was armed must let go. */
typedef bool (*rl_undo)(rl_task *task, void *ud);

/* Somebody who wants to know that a task has ended, linked in task.waiters until then. */
struct rl_waiter {
  rl_list node;
  void (*on_end)(rl_waiter *waiter, rl_task *task);
};

/* A failure that nobody has waited for yet: logged when the parent ends or when it is collected, whatever comes first.
 * A userdata of its own, so that the handles of tasks that succeed need no finalizer. */
typedef struct rl_failure {
  rl_list node;        /* in the parent's list */
  char *error, *trace; /* what will be logged; NULL once it was, or somebody has waited */
} rl_failure;

/* What Lua holds of a task: it outlives the task and keeps its results (user value 1: the only one, or a table of several;
 * of a failure {error, traceback, rl_failure}). */
typedef struct rl_task_handle {
  rl_task *task; /* NULL once it has ended */
  rl_failure *failure;
  int results; /* how many; -1: failed */
  bool cancelled;
} rl_task_handle;

/* Something that ends with its task at the latest, such as a transaction; embedded by who owns it, and linked until it ends
 * or the task does. */
typedef struct rl_belonging {
  rl_list node;
  void (*on_task_end)(rl_belonging *belonging); /* it is unlinked already; not called when the state is closed */
} rl_belonging;

/* What few tasks ever need; made when it is needed, and kept with the thread. */
typedef struct rl_task_extra {
  rl_task *task;
  rl_timer cleanup; /* bounds the waits of __close */
  uint64_t cleanup_until;
  rl_list failures;   /* of children that nobody has waited for */
  rl_list belongings; /* innermost last */
  char *reason;       /* said by a cancellation of the whole */
  char *until;        /* what the wait that is being undone waited for first, for the message of a timeout */
} rl_task_extra;

enum { RL_TASK_READY, RL_TASK_RUNNING, RL_TASK_WAITING, RL_TASK_ENDED };
enum { RL_ARMED_NOT, RL_ARMED_POST, RL_ARMED_TIMER, RL_ARMED_WAITER };

/* A hundred thousand of these may sleep at once: every field is paid for as often. */
struct rl_task {
  rl_strand strand; /* first */
  rl_vm *vm;
  rl_list sibling, children; /* in the parent's list, or vm.roots, or vm.idle; mine */
  rl_task *parent;
  rl_list waiters;
  rl_scope *scope;        /* innermost */
  rl_scope *group;        /* of the parent: what a failure of this task fires, or NULL */
  rl_scope base;          /* the task as a whole */
  rl_task_handle *handle; /* anchored by the base's frame; NULL: it has none */
  rl_task_extra *extra;   /* or NULL */

  uint8_t status;
  bool failed;      /* its base caught an error */
  bool interrupted; /* the wait under way ends by raising what is due */
  bool cleaning;    /* inside __close of a cancelled scope */
  bool ending;      /* only waits for its children now */
  uint8_t armed;    /* RL_ARMED_*: which of the union below is linked */
  bool quiet;       /* the wait under way tells its continuation of a cancellation, and raises nothing */
  int thread_ref;   /* anchors the thread */
  int trace_ref;    /* {value, traceback} of the last error, or LUA_NOREF */
  int nargs;
  uint32_t cpu_limit_ms; /* how long it may run without waiting; 0: no limit */

  int line;         /* where it was spawned; 0: in C */
  uint32_t waits;   /* how often it has waited */
  const char *site; /* the file, interned in the vm; or what C says that it is, where line is 0; or NULL */
  uint64_t id;

  const char *wait_name; /* what it waits for ("sleep"), static; NULL while it does not */
  uint64_t wait_since;
  uint64_t wait; /* number of the wait under way, or of the next one */
  rl_undo undo;
  void *undo_ud;
  lua_KFunction wait_k;
  lua_KContext wait_ctx;
  union {             /* one at a time, as `armed` says; only task.c touches them */
    rl_post post;     /* READY: in the loop's queue */
    rl_timer timer;   /* WAITING: for a time … */
    rl_waiter waiter; /* … or for another task, or in a queue */
  };

  void (*on_end)(rl_task *task); /* C's own interest; before the waiters hear */
  void *owner;                   /* whose interest */
};

/* ---- starting ---------------------------------------------------------------------------------------------------------- */

/* A task with a thread of its own and nothing on it: the caller pushes a base function and its arguments onto
 * task->strand.co and says how many arguments. `parent` may be NULL. `from` (may be NULL) is where it is spawned, for
 * messages. NULL where memory is short. */
rl_task *rl_task_new(rl_vm *vm, rl_task *parent, lua_State *from);
/* Gives back one that was never started. */
void rl_task_del(rl_task *task);
/* Runs it in this turn of the loop, behind what is ready already. */
void rl_task_start(rl_task *task);
/* Runs it at once, up to its first wait. Not from inside another task. */
void rl_task_run(rl_task *task);

/* The task for which L runs, or NULL. */
rl_task *rl_task_running(lua_State *L);
static inline rl_strand *rl_strand_of(lua_State *L) { return *(rl_strand **)lua_getextraspace(L); }

/* ---- waiting ------------------------------------------------------------------------------------------------------------ */

/* To be called before anything is armed. Raises where no wait is possible (saying what is in the way and where), and where
 * a cancellation is due. `name` is what the wait is called ("db:query"), static. */
rl_task *rl_task_may_wait(lua_State *L, const char *name);
/* Says that a C function of ours calls what may wait (by lua_callk): it is not named when a wait is impossible. */
void rl_lets_waits_through(lua_State *L, lua_CFunction function);
/* Lets everything that is ready run first: a wait for nothing. */
int rl_task_yield(lua_State *L, const char *name);
/* The waker of the wait that is about to begin. */
static inline rl_waker rl_task_waker(rl_task *task) { return (rl_waker){task, task->wait}; }
/* As the last thing a C function does: `return rl_task_wait(…)`. The task sleeps until its waker is used; then `k` runs (NULL:
 * no results). `undo` is called when a cancellation comes first; never NULL. */
int rl_task_wait(lua_State *L, const char *name, rl_undo undo, void *ud, lua_KFunction k, lua_KContext ctx);
/* The same for C that stands outside every protected call (a task's base): a cancellation raises nothing, `k` is told by its
 * status: LUA_ERRRUN, else LUA_YIELD. */
int rl_task_wait_quietly(lua_State *L, const char *name, rl_undo undo, void *ud, lua_KFunction k, lua_KContext ctx);
/* Ends the wait that the waker belongs to, and empties the waker. Returns false where there is nothing to end: the waker was
 * empty, or its wait is over already. */
bool rl_task_wake(rl_waker *waker);
/* From inside an undo: says what had to end first ("the transaction begun at app.lua:12"), for the error's message. */
void rl_task_note_wait(rl_task *task, const char *until);
/* An undo for waits that nothing is armed for. */
bool rl_task_undo_nothing(rl_task *task, void *ud);

/* What most waits are for: the task itself is linked, and no waker is needed. Called after rl_task_may_wait. */
void rl_task_arm_timer(rl_task *task, double ms);
void rl_task_arm_end(rl_task *task, rl_task *of);
void rl_task_arm_queue(rl_task *task, rl_list *queue);
/* The undo of these three. */
bool rl_task_undo_armed(rl_task *task, void *ud);
/* The first task of a queue that is not empty, and waking it. */
rl_task *rl_task_first_of(rl_list *queue);
void rl_task_wake_first(rl_list *queue);

/* ---- cancelling ---------------------------------------------------------------------------------------------------------- */

/* Cancels the task as a whole with an error of `code`; `reason` (may be NULL) is said in its message. A second call changes
 * nothing. */
void rl_task_cancel(rl_task *task, int code, const char *reason);
/* Raises an error of `code` inside a scope of that task, as a cancellation of it. Nothing where it has been cancelled. */
void rl_scope_fire(rl_scope *scope, int code);
/* Raises the value on top of L's stack (popped) inside a scope of that task, as a cancellation of it. Returns false where the
 * scope has been cancelled before: then nobody sees the value. */
bool rl_scope_fire_with(lua_State *L, rl_scope *scope);
/* Returns true if the error at `index` is what the scope was cancelled with, or a cancellation that came out of it. */
bool rl_scope_raised(lua_State *L, const rl_scope *scope, int index);
/* Enters and leaves scopes of the task that L runs for, properly nested and on the same thread; the memory is the caller's. A
 * thread that is inside of one cannot yield to its resumer: the task would go on in a scope that nobody leaves. */
void rl_scope_enter(lua_State *L, rl_scope *scope, int kind);
void rl_scope_leave(lua_State *L, rl_scope *scope);
void rl_timeout_enter(lua_State *L, rl_timeout *timeout, double seconds);
void rl_timeout_leave(lua_State *L, rl_timeout *timeout);

/* For code that computes for long: whether a cancellation is due, by a deadline too that has passed meanwhile, though the loop
 * did not come to its timer. */
bool rl_scope_is_overdue(rl_task *task);

/* ---- protected calls: the one place where errors are caught ---------------------------------------------------------------- */

/* Counts a protected call in; its number goes to lua_pcallk's ctx. */
unsigned rl_protect_enter(lua_State *L);
/* Whether the error that ended it is a cancellation on its way out (asked before it is counted out). */
bool rl_protect_is_cancellation(lua_State *L, unsigned number);
/* Counts it out. `caught`: an error stops here; else it is raised again, or there was none. */
void rl_protect_leave(lua_State *L, unsigned number, bool caught);
/* An error left the thread `from` for `to`, which resumed it: caught there, or raised again. */
void rl_protect_hand_over(rl_strand *from, rl_strand *to, bool caught);

/* ---- what was raised (trace.c) ------------------------------------------------------------------------------------------- */

/* Pushes an error value for whatever is at `index`: itself, or one that wraps it (code "error", status 500). */
void rl_raised_wrap(lua_State *L, int index);
/* Pushes the value at `index` as text, whatever its __tostring does: borrowed. */
const char *rl_raised_push_text(lua_State *L, int index);
/* Message handler for protected calls: notes the traceback of L for this value, returns the value itself. */
int rl_raised_handler(lua_State *L);
/* Notes the traceback on top of the stack (popped) for the value at `index`: a failure that comes from another task. */
void rl_raised_note_trace(lua_State *L, int index);
/* Pushes the traceback noted for the value at `index` by the running task, or nil. */
void rl_raised_push_trace(lua_State *L, int index);
/* Pushes a traceback of `of` from `level`: Lua frames of the program, C and our own trimmed. */
void rl_raised_traceback(lua_State *L, lua_State *of, int level);
/* The error at `value` and its traceback as text: borrowed, both pushed (a missing traceback as nil, and NULL). */
void rl_raised_describe(lua_State *L, int value, const char **text, const char **trace);

/* ---- the end ------------------------------------------------------------------------------------------------------------- */

/* Base function of ordinary tasks. Stack: the handle or nil, the function, its arguments. */
int rl_task_base(lua_State *L);
/* The last step of any base: cancels and awaits the children, then returns what is on the stack above `keep`. */
int rl_task_leave(lua_State *L, int keep);
/* Appends "spawned at" of the task and its ancestors to the string on top of the stack. */
void rl_task_add_ancestors(lua_State *L, const rl_task *task);
/* Ties something to the task. False where memory is short. rl_list_remove of its node unties it. */
bool rl_task_own(rl_task *task, rl_belonging *belonging);
/* Somebody has waited for it: nothing will be logged. */
void rl_failure_waited(rl_failure *failure);
/* Nobody did: logs it, once. */
void rl_failure_log(rl_failure *failure);
/* Logs the error at `index` with its traceback. */
void rl_task_log_error(lua_State *L, int index, const char *message);
/* Frees the threads that wait to be used again. */
void rl_task_pool_free(rl_vm *vm);
/* A state is closed with tasks still alive, in two steps. Undoes every wait, while those that are waited for still live: a job
 * that ends later wakes nobody. */
void rl_task_undo_all(rl_vm *vm);
/* Then frees what C holds of the tasks; none of them runs again. */
void rl_task_forget_all(rl_vm *vm);
void rl_task_free_sites(rl_vm *vm);

/* ---- between the files of this room ---- */

/* Makes a waiting task ready: it runs in this turn of the loop. */
void rl__task_wake(rl_task *task);
/* Takes the task out of whatever it is linked into: its memory in the union is free for another use. */
void rl__task_disarm(rl_task *task);
/* Notes the line of the program at which `from` spawns it. */
void rl__task_note_site(rl_task *task, lua_State *from);

/* The scope whose cancellation is to be raised now, or NULL; sets task->cleaning. */
rl_scope *rl_scope_due(rl_task *task);
/* Raises it. */
int rl_scope_raise_due(lua_State *L, rl_task *task) RL_RAISES;
/* Pushes the error that a scope raises. */
void rl_scope_push_error(lua_State *L, rl_scope *scope);
/* Ends the wait under way by an error; not where it cannot be taken back. */
void rl_task_interrupt(rl_task *task);
/* Returns what few tasks need, made when it is first needed; NULL if out of memory. */
rl_task_extra *rl_task_extra_of(rl_task *task);

/* Calls `visit` for every live task, parents before their children; `depth` of a task without a parent is 0. The visitor
 * must not start or end tasks. */
void rl_task_each(rl_vm *vm, void (*visit)(void *ud, rl_task *task, unsigned depth), void *ud);

/* The one place that resumes. Arguments are on top of strand->co. LUA_OK, LUA_YIELD or an error status. */
int rl_strand_resume(rl_strand *strand, lua_State *from, int nargs, int *nres);

/* coroutine.*, pcall and xpcall of our own (vm/task/coroutine.c). */
void rl_coroutine_open(lua_State *L);

#endif
