/*
 * The main task of a state. It runs one command of the library (lua/rille/boot.lua) from start to end.
 *
 *   start -> boot.main(command, args…) -> [ready(compiled app) … wait_stop()] -> exit status -> on_end
 *
 * A serving command calls `ready` when the app is loaded and its lifespans have started, then waits. The owner of the vm
 * (runtime/cli) tells it to stop, and it ends the lifespans. The owner embeds the rl_main; it outlives the task.
 */
#ifndef RL_APP_MAIN_H
#define RL_APP_MAIN_H

#include "server/worker.h"
#include "vm/task/task.h"

typedef struct rl_main rl_main;
typedef struct rl_dashboard rl_dashboard;
struct rl_tls_store;

enum { RL_MAIN_BY_SIGNAL = -1 }; /* exit status: 128 plus the number of the signal that came (loop/stop.h) */

struct rl_main {
  rl_vm *vm;
  rl_task *task;
  /* Called when the app can answer requests. NULL if the command does not serve. */
  void (*on_ready)(rl_main *main, rl_handler *handler);
  /* Called when the command has ended, with its exit status. */
  void (*on_end)(rl_main *main, int status);
  /* Called before on_end if the command failed, with the error as JSON. May be NULL. */
  void (*on_failure)(rl_main *main, rl_slice failure);
  /* Called for SIGINT. Returns true if it was handled and the program goes on. May be NULL. */
  bool (*on_interrupt)(rl_main *main);
  /* Development: called for each answered request, with a description as JSON. May be NULL. */
  void (*on_record)(rl_main *main, rl_slice record);
  void *owner;
  bool stopping;                     /* it was told to stop */
  bool stuck;                        /* rl_main_give_up was called */
  int stop_status;                   /* exit status of a command that was told to stop, or RL_MAIN_BY_SIGNAL */
  rl_dashboard *dashboard;           /* of rille dev (dashboard.h), or NULL */
  struct rl_tls_store *certificates; /* of the state that keeps them (cli/acme_thread.h), or NULL */
  rl_vm *before;                     /* the state that this one is to replace (app:keep), or NULL */
  rl_handler *handler;               /* the app, once it is ready */
  rl_waker waiting;                  /* of who waits for the stop */
  double shutdown_timeout;           /* seconds that background tasks have */
};

/* Starts the command. The caller has set vm, the callbacks and owner; the struct outlives the task. Copies the arguments. Returns 0
 * or RL_ENOMEM. */
int rl_main_start(rl_main *main, const char *command, int argc, char **argv);
/* Wakes the command that waits for its stop. */
void rl_main_stop(rl_main *main);
/* Cancels the main task, for a command that does not wait for a stop (rille run), or not yet (it is loading). */
void rl_main_cancel(rl_main *main);
/* Ends a command all of whose tasks wait with nothing left that could wake one. Logs the tree of tasks and cancels the command,
 * so that it closes what it has opened. In a test, ends the test instead. Returns false if that was tried before. */
bool rl_main_give_up(rl_main *main);
/* Returns the main task of a state. Raises if it has none. */
rl_main *rl_main_of(lua_State *L);
/* Returns how many requests its app has under way. */
unsigned rl_main_requests(const rl_main *main);
/* Cancels these requests. Returns how many there were. */
unsigned rl_main_cancel_requests(rl_main *main);

#endif
