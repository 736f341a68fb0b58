/*
 * The dashboard of `rille dev`: a second Lua state beside the program's, where the developer's loop is written
 * (lua/rille/dev/dashboard.lua). It lives as long as the process; the program's states come and go.
 *
 *   files change, a load ended, a request was answered --rl_dashboard_tell--> messages --receive()--> dashboard.lua
 *   dashboard.lua --reload(), watch(), ask()--> the owner (cli/dev.c) --> generations, watcher, the program's state
 *
 * Only a main task that was given a dashboard has one: in `serve` these functions raise.
 */
#ifndef RL_APP_DASHBOARD_H
#define RL_APP_DASHBOARD_H

#include "app/main.h"
#include "base/list.h"

enum { RL_DASHBOARD_MESSAGES = 4096 }; /* more are dropped: the dashboard has fallen far back */

typedef struct rl_dashboard rl_dashboard;

typedef struct rl_dashboard_message {
  rl_list node;
  const char *kind; /* static */
  size_t len;
  char text[];
} rl_dashboard_message;

struct rl_dashboard {
  /* Set by the owner. */
  void (*reload)(rl_dashboard *dashboard, bool environment);
  int (*watch)(rl_dashboard *dashboard, const char *directory);
  /* Appends what the program's state answers; false where there is none. */
  bool (*ask)(rl_dashboard *dashboard, rl_slice question, rl_buf *answer);
  void *owner;

  rl_list messages;
  unsigned count;
  rl_waker waiting;
};

void rl_dashboard_init(rl_dashboard *dashboard);
void rl_dashboard_free(rl_dashboard *dashboard);
/* Sends a message and wakes the dashboard. `kind` is static, `text` is copied. Dropped if too many wait or if out of memory. */
void rl_dashboard_tell(rl_dashboard *dashboard, const char *kind, rl_slice text);
/* Returns the oldest message, or NULL; and removes it once it has been read. */
rl_dashboard_message *rl_dashboard_first(rl_dashboard *dashboard);
void rl_dashboard_drop(rl_dashboard *dashboard, rl_dashboard_message *message);

/* Takes the function on top of the stack as what answers questions: f(question) -> text. It cannot wait. */
void rl_main_set_answer(lua_State *L);
/* Asks the function that the program's state has given to native.answer_dashboard. False where there is none, or it failed. */
bool rl_main_ask(rl_main *main, rl_slice question, rl_buf *answer);

#endif
