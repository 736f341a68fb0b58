/*
 * A store of sessions as Lua has it, whoever keeps the sessions: load, save and revoke on records.
 *
 *   bind/http/session.c        stores that answer at once: sealed, in memory
 *   bind/data/session.c        a store in a database
 */
#ifndef RL_BIND_HTTP_SESSION_H
#define RL_BIND_HTTP_SESSION_H

#include "bind/bind.h"
#include "session/store.h"

/* Checks and messages for a store that may fail or wait. */
typedef struct rl_session_guard {
  /* Before each call: raises if the store cannot be used now. */
  void (*check)(lua_State *L, void *ud);
  /* Before a call waits; `writes`: it is no load. Raises if it would wait for ever. */
  void (*check_wait)(lua_State *L, const rl_task *task, void *ud, bool writes);
  /* A call that has waited is given up: notes for the error that is raised instead what it has waited for. */
  void (*note_wait)(rl_task *task, void *ud, bool writes);
  /* Raises what call->fault says. */
  int (*raise)(lua_State *L, const rl_session_call *call, void *ud);
} rl_session_guard;

typedef struct rl_session_box rl_session_box;

/* Pushes a box without a store, which has one user value for what its store borrows; name, max_age and lifetime (seconds) are
 * read at `index`, index + 1 and index + 2. Raises if out of memory. */
rl_session_box *rl_session_box_push(lua_State *L, int index);
/* Gives it its store, which it deletes; `guard` may be NULL. Raises RL_ENOMEM if `store` is NULL. */
void rl_session_box_set(lua_State *L, rl_session_box *box, rl_session_store *store, const rl_session_guard *guard,
                        void *ud);

#endif
