/*
 * Handles that a program has of databases and transactions, and who may use them.
 *
 * They may be used in any order with what closes them, from any task and from finalizers. Each use is checked by
 * rl_sql_check_self, and again, since Lua may have run a finalizer meanwhile, when its operation is sent (pending.h).
 *
 *   database --list--> transaction --belongs to--> task       closing the database, or the end of the task, rolls it back
 *       ^                  |
 *       +---user value-----+
 *
 * A transaction is used by the task that began it and by those that this one has spawned; inside tx:transaction, by the task
 * that runs that and by those below it, for a savepoint would undo what the others do.
 */
#ifndef RL_BIND_DATA_HANDLE_H
#define RL_BIND_DATA_HANDLE_H

#include "bind/bind.h"
#include "data/transaction.h"

typedef struct rl_lua_database {
  rl_database *db; /* NULL once it is closed */
  const rl_database_ops *ops;
  bool open;
  rl_list transactions; /* rl_transaction.node of those that have not ended */
  rl_list streams;      /* rl_lua_row_stream.node (row_stream.h) of those that are open */
  int shapes;           /* reference to the shapes of its rows (rows.h); 0: none yet */
  int shape_count;      /* how many they are */
  rl_buf left;          /* in tests: where those were begun that their tasks have left open, a line each */
} rl_lua_database;

/* A line of a program: "app.lua:12". */
typedef char rl_sql_site[LUA_IDSIZE + 16];

/* User value 1 is its database. */
typedef struct rl_lua_transaction {
  rl_transaction transaction; /* first */
  rl_belonging belonging;
  rl_lua_database *database;
  bool in_test;
  uint64_t idle_ms; /* how long it may be idle */
  bool was_idle;    /* for too long, and so it was ended */
  rl_sql_site site; /* where it was begun */
} rl_lua_transaction;

/* The database at index 1, or that of the transaction there (*transaction, else NULL), if the running task may use it;
 * raises if it was closed, has ended, or is another task's. */
rl_lua_database *rl_sql_check_self(lua_State *L, rl_lua_transaction **transaction);
/* A database at index 1 that is open … */
rl_lua_database *rl_sql_check_open(lua_State *L);
/* … and not inside a transaction of the running task. */
rl_lua_database *rl_sql_check_database(lua_State *L);
/* Raises if the database was closed, or if the running task is inside a transaction of it. */
void rl_sql_check_usable(lua_State *L, const rl_lua_database *database);
/* Raises if the transaction cannot be used, or not by the running task. */
void rl_sql_check_transaction(lua_State *L, const rl_lua_transaction *transaction);
/* Returns true if task `id` is `task` or one that it descends from. */
bool rl_sql_is_within(const rl_task *task, uint64_t id);

/* The line that the task runs, or, where it runs nothing of the program, that which spawned it. */
void rl_sql_note_site(const rl_task *task, rl_sql_site site);

/* Logs what became of a transaction that its program did not end. */
void rl_sql_complain(const rl_lua_transaction *transaction, const char *message);
/* Its task no longer ends it, if it has ended. */
void rl_sql_settle(rl_lua_transaction *transaction);

#endif
