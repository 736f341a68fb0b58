/* Who may use which handle; see handle.h. */
#include "bind/data/handle.h"

#include <stdio.h>

#include "base/log.h"
#include "bind/data/error.h"
#include "vm/inspect.h"

bool rl_sql_is_within(const rl_task *task, uint64_t id) {
  while (task && task->id != id) task = task->parent;
  return task != NULL;
}

/* Returns the transaction of the database that the running task is inside of, or NULL. */
static rl_lua_transaction *running_transaction(lua_State *L, const rl_lua_database *d) {
  const rl_task *running = rl_task_running(L);
  RL_LIST_EACH(&d->transactions, node) {
    rl_transaction *t = RL_CONTAINER(node, rl_transaction, node);
    if (t->state != RL_TRANSACTION_BEGINNING && rl_sql_is_within(running, t->task)) return (rl_lua_transaction *)t;
  }
  return NULL;
}

static void raise_idle(lua_State *L, const rl_lua_transaction *t) {
  rl_sql_mistake(
      L,
      "the transaction begun at %s was idle for %g s and was rolled back: do what takes long before it or after "
      "it (idle_timeout of rille.sqlite.open)",
      t->site, (double)t->idle_ms / 1000);
}

void rl_sql_check_transaction(lua_State *L, const rl_lua_transaction *handle) {
  const rl_transaction *t = &handle->transaction;
  const rl_task *running = rl_task_running(L);
  if (handle->was_idle) raise_idle(L, handle);
  if (t->state == RL_TRANSACTION_ENDED) rl_sql_mistake(L, "the transaction has ended%s", t->why ? t->why : "");
  if (!rl_sql_is_within(running, t->task))
    rl_sql_mistake(
        L,
        "the transaction belongs to another task, which began it at %s: it is used there, and in tasks that are "
        "spawned there",
        handle->site);
  if (t->state == RL_TRANSACTION_ENDING) rl_sql_mistake(L, "the transaction is being committed or rolled back");
  if (t->save_count && !rl_sql_is_within(running, rl_transaction_inner_task(t)))
    rl_sql_mistake(L, "another task is inside tx:transaction: until that ends, the transaction is its own");
}

static void check_is_open(lua_State *L, const rl_lua_database *d) {
  if (!d->open) rl_sql_mistake(L, "the database was closed");
}

rl_lua_database *rl_sql_check_open(lua_State *L) {
  rl_lua_database *d = luaL_checkudata(L, 1, "rille.database");
  check_is_open(L, d);
  return d;
}

void rl_sql_check_usable(lua_State *L, const rl_lua_database *d) {
  check_is_open(L, d);
  const rl_lua_transaction *t = running_transaction(L, d);
  if (t)
    rl_sql_mistake(
        L, "inside a transaction its own methods are used: the function's argument, not the database (begun at %s)",
        t->site);
}

rl_lua_database *rl_sql_check_database(lua_State *L) {
  rl_lua_database *d = rl_check_userdata(L, 1, RL_REF_DATABASE_META, "rille.database");
  rl_sql_check_usable(L, d);
  return d;
}

rl_lua_database *rl_sql_check_self(lua_State *L, rl_lua_transaction **transaction) {
  rl_lua_database *d = rl_test_userdata(L, 1, RL_REF_DATABASE_META);
  rl_lua_transaction *t = d ? NULL : rl_test_userdata(L, 1, RL_REF_TRANSACTION_META);
  *transaction = t;
  if (d) rl_sql_check_usable(L, d);
  if (!t) return d ? d : luaL_checkudata(L, 1, "rille.database");
  rl_sql_check_transaction(L, t);
  return t->database;
}

void rl_sql_settle(rl_lua_transaction *t) {
  if (t->transaction.state == RL_TRANSACTION_ENDED) rl_list_remove(&t->belonging.node);
}

void rl_sql_note_site(const rl_task *task, rl_sql_site site) {
  char file[LUA_IDSIZE];
  int line = rl_inspect_line(task, file, sizeof file);
  const rl_task *spawned = task;
  while (spawned && !spawned->line) spawned = spawned->parent;
  if (line) snprintf(site, sizeof(rl_sql_site), "%s:%d", file, line);
  else if (spawned) snprintf(site, sizeof(rl_sql_site), "%s:%d", spawned->site, spawned->line);
  else snprintf(site, sizeof(rl_sql_site), "?");
}

void rl_sql_complain(const rl_lua_transaction *t, const char *message) {
  rl_log_field field = RL_LOG_TEXT_FIELD("begun_at", rl_slice_str(t->site));
  rl_log(RL_LOG_WARN, rl_slice_str(message), &field, 1);
}
