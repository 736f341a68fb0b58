/* The dashboard of `rille dev`: its messages, and the question that the program's state answers. See dashboard.h. */
#include "app/dashboard.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

/* ---- messages -------------------------------------------------------------------------------------------------------- */

void rl_dashboard_init(rl_dashboard *dashboard) {
  memset(dashboard, 0, sizeof *dashboard);
  rl_list_init(&dashboard->messages);
}

void rl_dashboard_free(rl_dashboard *dashboard) {
  for (rl_list *node; (node = rl_list_shift(&dashboard->messages));)
    rl_free(RL_CONTAINER(node, rl_dashboard_message, node));
}

void rl_dashboard_tell(rl_dashboard *dashboard, const char *kind, rl_slice text) {
  rl_dashboard_message *m = dashboard->count < RL_DASHBOARD_MESSAGES ? rl_alloc(sizeof *m + text.len) : NULL;
  if (!m) return;
  m->kind = kind;
  m->len = text.len;
  if (text.len) memcpy(m->text, text.data, text.len);
  rl_list_push(&dashboard->messages, &m->node);
  dashboard->count++;
  rl_task_wake(&dashboard->waiting);
}

rl_dashboard_message *rl_dashboard_first(rl_dashboard *dashboard) {
  return rl_list_empty(&dashboard->messages) ? NULL
                                             : RL_CONTAINER(dashboard->messages.next, rl_dashboard_message, node);
}

void rl_dashboard_drop(rl_dashboard *dashboard, rl_dashboard_message *message) {
  rl_list_remove(&message->node);
  dashboard->count--;
  rl_free(message);
}

/* ---- the question ---------------------------------------------------------------------------------------------------- */

static const char answer_key = 0; /* registry: the function that answers the dashboard */

void rl_main_set_answer(lua_State *L) { lua_rawsetp(L, LUA_REGISTRYINDEX, &answer_key); }

/* Stack: the function, the question (light userdata). Leaves a string. */
static int answer_question(lua_State *L) {
  const rl_slice *question = lua_touserdata(L, 2);
  lua_pushlstring(L, question->data, question->len);
  lua_replace(L, 2);
  lua_call(L, 1, 1);
  luaL_tolstring(L, -1, NULL);
  return 1;
}

static void add_text(lua_State *L, rl_buf *out) {
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  rl_buf_add(out, text, len);
}

bool rl_main_ask(rl_main *main, rl_slice question, rl_buf *answer) {
  lua_State *L = main->vm->L;
  int top = lua_gettop(L);
  if (!lua_checkstack(L, 8)) return false;
  lua_pushcfunction(L, answer_question);
  bool there = lua_rawgetp(L, LUA_REGISTRYINDEX, &answer_key) == LUA_TFUNCTION;
  if (there) {
    lua_pushlightuserdata(L, &question);
    there = lua_pcall(L, 2, 1, 0) == LUA_OK;
    const char *why = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error that is not a string";
    if (there) add_text(L, answer);
    else rl_logf(RL_LOG_WARN, "dev: the program's state did not answer: %s", why);
  }
  lua_settop(L, top);
  return there;
}
