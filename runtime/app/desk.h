/*
 * The desk of `rille dev`: a second Lua state beside the program's, where the developer's loop is written
 * (lua/rille/dev/dashboard.lua). It lives as long as the process; the program's states come and go.
 *
 *   files change, a load ended, a request was answered --rl_desk_tell--> messages --receive()--> desk.lua
 *   desk.lua --reload(), watch(), ask()--> the owner (cli/dev.c) --> editions, watcher, the program's state
 *
 * Only a main task that was given a desk has one: in `serve` these functions raise.
 */
#ifndef RL_APP_DESK_H
#define RL_APP_DESK_H

#include "app/main.h"
#include "base/list.h"

enum { RL_DESK_MESSAGES = 4096 }; /* more are dropped: the desk has fallen far back */

typedef struct rl_desk rl_desk;

typedef struct rl_desk_message {
  rl_list node;
  const char *kind; /* static */
  size_t len;
  char text[];
} rl_desk_message;

struct rl_desk {
  /* Set by the owner. */
  void (*reload)(rl_desk *desk, bool environment);
  int (*watch)(rl_desk *desk, const char *directory);
  /* Appends what the program's state answers; false where there is none. */
  bool (*ask)(rl_desk *desk, rl_slice question, rl_buf *answer);
  void *owner;

  rl_list messages;
  unsigned count;
  rl_waker waiting;
};

void rl_desk_init(rl_desk *desk);
void rl_desk_free(rl_desk *desk);
/* Sends a message and wakes the desk. `kind` is static, `text` is copied. Dropped if too many wait or if out of memory. */
void rl_desk_tell(rl_desk *desk, const char *kind, rl_slice text);
/* Returns the oldest message, or NULL; and removes it once it has been read. */
rl_desk_message *rl_desk_first(rl_desk *desk);
void rl_desk_drop(rl_desk *desk, rl_desk_message *message);

/* Takes the function on top of the stack as what answers questions: f(question) -> text. It cannot wait. */
void rl_main_set_answer(lua_State *L);
/* Asks the function that the program's state has given to native.answer_desk. False where there is none, or it failed. */
bool rl_main_ask(rl_main *main, rl_slice question, rl_buf *answer);

#endif
