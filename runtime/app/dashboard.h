/*
 * The dashboard of `rille dev`: a second Lua state beside the program's, which runs the developer's loop
 * (lua/rille/dev/dashboard.lua). It lives as long as the process, while reloads replace the program's state.
 *
 *   files change, a load ended, a request was answered --rl_dashboard_tell--> messages --receive()--> dashboard.lua
 *   dashboard.lua --reload(), watch(), ask()--> the owner (cli/dev.c) --> generations, watcher, the program's state
 *
 * Only the main task of that state has a dashboard. All of this runs on the loop's thread. The owner embeds the rl_dashboard.
 */
#ifndef RL_APP_DASHBOARD_H
#define RL_APP_DASHBOARD_H

#include "app/main.h"
#include "base/list.h"

enum { RL_DASHBOARD_MESSAGES = 4096 }; /* unread messages; more are dropped */

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
  /* Appends the answer of the program's state. Returns false if there is no such state, or it does not answer. */
  bool (*ask)(rl_dashboard *dashboard, rl_slice question, rl_buf *answer);
  void *owner;

  rl_list messages;
  unsigned count;
  rl_waker waiting;
};

void rl_dashboard_init(rl_dashboard *dashboard);
/* Frees the messages that were not read. */
void rl_dashboard_free(rl_dashboard *dashboard);
/* Sends a message and wakes the dashboard. `kind` is static, `text` is copied. The message is dropped if too many wait, or if out
 * of memory. */
void rl_dashboard_tell(rl_dashboard *dashboard, const char *kind, rl_slice text);
/* Returns the oldest message, or NULL. */
rl_dashboard_message *rl_dashboard_first(rl_dashboard *dashboard);
/* Removes and frees a message. */
void rl_dashboard_drop(rl_dashboard *dashboard, rl_dashboard_message *message);

/* Makes the function on top of the stack (popped) answer questions: f(question) -> text. It cannot wait. */
void rl_main_set_answer(lua_State *L);
/* Asks the function that was set in the state of this main task. Appends its answer. Returns false if there is none, or if it
 * failed. */
bool rl_main_ask(rl_main *main, rl_slice question, rl_buf *answer);

#endif
