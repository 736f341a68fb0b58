/*
 * Generations: the program of one worker, loaded anew at each reload, each time into a Lua state of its own.
 *
 *                   load            ready: swap                 at rest            ended
 *     start, reload ----> next --------------------> current -----------> old ------------------> closed
 *                           \-- failed: closed, the current one goes on     (its requests finish, its lifespans end;
 *                                                                            forced after RL_GENERATION_GRACE_MS)
 *
 * A connection asks the worker for its handler at each request, so the swap is one pointer and no connection notices. Lifespans
 * overlap: those of the new generation start before it answers, those of the old one end after its last request.
 *
 * All generations of a worker live on its loop's thread. The struct belongs to the caller and must outlive on_end.
 */
#ifndef RL_CLI_GENERATION_H
#define RL_CLI_GENERATION_H

#include "app/main.h"

typedef struct rl_generation rl_generation;
typedef struct rl_generations rl_generations;

enum { RL_GENERATION_GRACE_MS = 10000 };

/* The result of a load. */
typedef struct rl_load {
  bool ok;
  uint64_t took_ms;
  rl_slice failure; /* if it failed: the error as JSON (lua/rille/boot.lua); borrowed until return, may be empty */
} rl_load;

struct rl_generations {
  /* Set by the owner before start. */
  rl_loop *loop;
  rl_vm_options vm;
  const char *command, *app; /* a command of lua/rille/boot.lua and its argument; borrowed */
  double shutdown_timeout;   /* seconds */
  /* A load has ended, the first one included. If it succeeded, `handler` answers from now on, else it is NULL. */
  void (*on_load)(rl_generations *generations, const rl_load *load, rl_handler *handler);
  /* The current program has ended by itself: its handler must not be asked any more. */
  void (*on_gone)(rl_generations *generations);
  /* Nothing is left: it was told to stop, the first load failed and `stays` is off, or the program ended by itself. */
  void (*on_end)(rl_generations *generations, int status);
  void (*on_record)(rl_generations *generations,
                    rl_slice record); /* development: a request was answered; may be NULL */
  void *owner;
  bool stays; /* goes on without a program until one loads (rille dev) */

  rl_generation *current, *next;
  rl_list old;
  bool stopping, again;
  int status;
};

/* Loads the program for the first time. Returns 0 or RL_ENOMEM. */
int rl_generations_start(rl_generations *generations);
/* Loads it again beside the current one. If a load is under way, another follows it. */
void rl_generations_reload(rl_generations *generations);
/* Ends all of them: cancels a load, ends the lifespans of what runs. No request may be under way. */
void rl_generations_stop(rl_generations *generations);
/* Call when nothing can happen on the loop any more. Ends a load that waits by an error. Returns false if nothing loads or
 * that was tried before. */
bool rl_generations_give_up(rl_generations *generations);
/* Returns the state that answers, or NULL; borrowed until the next reload. */
rl_vm *rl_generations_vm(const rl_generations *generations);
/* Asks the state that answers (app/dashboard.h) and appends its answer. Returns false if there is none or it failed. */
bool rl_generations_ask(rl_generations *generations, rl_slice question, rl_buf *answer);
/* Counts the states that are alive. */
unsigned rl_generations_count(const rl_generations *generations);

#endif
