/*
 * Decides what statements may do with the state of their connection. SQLite asks while it prepares a statement:
 *
 *   - BEGIN, COMMIT, SAVEPOINT and ATTACH are refused to programs (sqlite3_stmt_readonly is 1 for BEGIN and ATTACH); our
 *     own pass (`trusted`);
 *   - what asks for the state of a connection, or leaves some there (PRAGMAs, last_insert_rowid(), TEMP tables), is
 *     noted, and allowed only where that means something: see rl_circumstance. Some PRAGMAs take effect while they are
 *     prepared, so this cannot be asked later.
 */
#ifndef RL_DATA_SQLITE_AUTHORIZER_H
#define RL_DATA_SQLITE_AUTHORIZER_H

#include <sqlite3.h>

#include "base/buf.h"
#include "data/error.h"
#include "data/sqlite/pragma.h"

/* Under what circumstances a statement runs. */
typedef enum rl_circumstance {
  RL_RUNS_READING,        /* on one of the connections that read */
  RL_RUNS_READING_ONLY,   /* … of who has no writer */
  RL_RUNS_SINGLE,         /* by itself, in a group of writes */
  RL_RUNS_FIRST,          /* in a script or batch, before others */
  RL_RUNS_LATER,          /* in a script or batch, after another one */
  RL_RUNS_IN_TRANSACTION, /* an interactive one */
  RL_RUNS_IN_MIGRATION,
  RL_RUNS_ALONE /* on the writer, between transactions */
} rl_circumstance;

/* How a statement uses the state of its connection. */
typedef struct rl_needs {
  const rl_pragma *pragma; /* NULL: none */
  rl_pragma_kind kind;     /* of that one, as it is used */
  bool asks;               /* … without a value */
  const char *function;    /* last_insert_rowid, changes or total_changes; NULL: none */
  bool temporary;          /* makes a TEMP table, view, index or trigger */
} rl_needs;

/* One for each connection. */
typedef struct rl_authorizer {
  bool trusted;                 /* what is prepared or re-prepared now is our own */
  rl_circumstance circumstance; /* of what is prepared and run now */
  rl_buf *dropped;              /* takes the name of the table that a statement drops; NULL: nobody asks */
  rl_needs needs;               /* noted of the statement that is being prepared */
  const char *function_within;  /* the same of a function inside a trigger, a view or a CTE */
  rl_sql_error denial;          /* why a statement was refused; code 0: because it would end our own transaction */
} rl_authorizer;

/* From now on SQLite asks. The authorizer lives as long as the connection. */
void rl_authorizer_watch(rl_authorizer *authorizer, sqlite3 *db);
/* A statement is prepared next: forgets what was noted of the one before. */
void rl_authorizer_reset(rl_authorizer *authorizer);
/* The statement was prepared: takes what is noted of it. Returns 0 if it may run; RL_EAGAIN if not here, but the writer may
 * know better; RL_EINVALID with `error`. */
int rl_authorizer_accept(rl_authorizer *authorizer, sqlite3_stmt *stmt, rl_sql_error *error);
/* The same question about a statement that is prepared already. */
int rl_authorizer_check(const rl_authorizer *authorizer, const rl_needs *needs, rl_sql_error *error);
/* Fills in why SQLite said "not authorized". Returns error->code. */
int rl_authorizer_explain(const rl_authorizer *authorizer, rl_sql_error *error);

#endif
