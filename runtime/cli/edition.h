/*
 * Editions: the program of one worker, loaded as often as it is reloaded, each time into a Lua state of its own.
 *
 *                   load            ready: swap                 at rest            ended
 *     start, reload ----> next --------------------> current -----------> old ------------------> closed
 *                           \-- failed: closed, the current one goes on     (its requests finish, its lifespans end;
 *                                                                            forced after RL_EDITION_GRACE_MS)
 *
 * A connection asks the worker for its handler at each request, so the swap is one pointer and no connection notices. The
 * lifespans of the new edition have started before it answers and those of the old one end behind its last request: they
 * overlap. All editions of a worker live on its loop's thread.
 */
#ifndef RL_CLI_EDITION_H
#define RL_CLI_EDITION_H

#include "app/main.h"

typedef struct rl_edition rl_edition;
typedef struct rl_editions rl_editions;

enum { RL_EDITION_GRACE_MS = 10000 };

/* What became of a load. */
typedef struct rl_load {
  bool ok;
  uint64_t took_ms;
  rl_slice failure; /* JSON of the error where it failed (lua/rille/boot.lua); borrowed, may be empty */
} rl_load;

struct rl_editions {
  /* Set by the owner before start. */
  rl_loop *loop;
  rl_vm_options vm;
  const char *command, *app; /* of lua/rille/boot.lua, and its argument; borrowed */
  double shutdown_timeout;
  /* A load has ended; where it succeeded, `handler` answers from now on, else it is NULL. The first one's too. */
  void (*on_load)(rl_editions *editions, const rl_load *load, rl_handler *handler);
  /* Nothing is left: it was told to stop, the first load failed and `stays` is off, or the program ended by itself. */
  void (*on_end)(rl_editions *editions, int status);
  void (*on_record)(rl_editions *editions, rl_slice record); /* development: a request was answered; may be NULL */
  void *owner;
  bool stays; /* without a program, waiting for one that loads (rille dev) */

  rl_edition *current, *next;
  rl_list old;
  bool stopping, again;
  int status;
};

/* Loads the program for the first time. 0 or RL_ENOMEM. */
int rl_editions_start(rl_editions *editions);
/* Loads it again beside the current one. While one is being loaded: once more after that. */
void rl_editions_reload(rl_editions *editions);
/* Ends all of them: what loads is cancelled, what runs ends its lifespans. No request may be under way. */
void rl_editions_stop(rl_editions *editions);
/* Nothing can happen on the loop any more. A load that waits is ended by an error; false where nothing loads, or that was
 * tried before. */
bool rl_editions_give_up(rl_editions *editions);
/* The state that answers, or NULL. */
rl_vm *rl_editions_vm(const rl_editions *editions);
/* Asks the state that answers (app/desk.h). */
bool rl_editions_ask(rl_editions *editions, rl_slice question, rl_buf *answer);
/* How many states are alive. */
unsigned rl_editions_count(const rl_editions *editions);

#endif
