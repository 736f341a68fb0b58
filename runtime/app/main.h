/*
 * The main task of a state: runs one command of the library (lua/rille/boot.lua) from start to end.
 *
 *   start -> boot.main(command, args…) -> [ready(compiled app) … wait_stop()] -> exit status -> on_end
 *
 * Serving commands say `ready` when the app is loaded and its lifespans have started, then wait; whoever runs the vm tells
 * them to stop, and they end the lifespans.
 */
#ifndef RL_APP_MAIN_H
#define RL_APP_MAIN_H

#include "server/worker.h"
#include "vm/task/task.h"

typedef struct rl_main rl_main;
typedef struct rl_dashboard rl_dashboard;

enum { RL_MAIN_BY_SIGNAL = -1 }; /* 128 and the number of the signal that asked (loop/stop.h) */

struct rl_main {
  rl_vm *vm;
  rl_task *task;
  /* The app answers requests from now on. NULL where nobody serves. */
  void (*on_ready)(rl_main *main, rl_handler *handler);
  /* The command has ended with this exit status. */
  void (*on_end)(rl_main *main, int status);
  /* It failed: the error as JSON, before on_end. May be NULL. */
  void (*on_failure)(rl_main *main, rl_slice failure);
  /* SIGINT: true where it was dealt with and the program goes on. May be NULL. */
  bool (*on_interrupt)(rl_main *main);
  /* Development: what is known of a request that was answered, as JSON. May be NULL. */
  void (*on_record)(rl_main *main, rl_slice record);
  void *owner;
  bool stopping;           /* it was told to stop */
  bool stuck;              /* rl_main_give_up */
  int stop_status;         /* its exit status where it ends by that, or RL_MAIN_BY_SIGNAL */
  rl_dashboard *dashboard; /* of rille dev (dashboard.h), or NULL */
  rl_vm *before;           /* the state that this one is to replace (app:keep), or NULL */
  rl_handler *handler;     /* the app, once it is ready */
  rl_waker waiting;        /* of who waits for the stop */
  double shutdown_timeout; /* seconds that background tasks have */
};

/* vm, callbacks and owner are set by the caller; the struct outlives the task. 0 or RL_ENOMEM. */
int rl_main_start(rl_main *main, const char *command, int argc, char **argv);
/* Wakes the command that waits for its stop. */
void rl_main_stop(rl_main *main);
/* Cancels the main task: a command that does not wait for a stop (rille run), or does not yet (it is loading). */
void rl_main_cancel(rl_main *main);
/* Nothing can ever wake a task of this state any more: says so with the tree of tasks, and ends the command by an error, so that
 * what it has opened is closed. False where that was tried before. */
bool rl_main_give_up(rl_main *main);
/* Returns the main task of a state. Raises if it has none. */
rl_main *rl_main_of(lua_State *L);
/* Requests that its app has under way. */
unsigned rl_main_requests(const rl_main *main);
/* Cancels them; returns how many there were. */
unsigned rl_main_cancel_requests(rl_main *main);

#endif
