/*
 * One SQLite connection with its prepared statements. Belongs to one thread.
 *
 *   inline reader (each worker)   read-only, busy_timeout 0, a budget for each run
 *   reader thread                 read-only
 *   writer                        the only one that writes
 *
 * A statement is prepared once and kept, most recently used first. BEGIN, COMMIT, SAVEPOINT and ATTACH are refused to
 * programs by an authorizer (sqlite3_stmt_readonly is 1 for BEGIN and ATTACH), which lets our own pass.
 */
#ifndef RL_DATA_CONNECTION_H
#define RL_DATA_CONNECTION_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/list.h"
#include "data/rows.h"
#include "data/value.h"

typedef struct rl_statement rl_statement;
typedef struct rl_connection rl_connection;

struct rl_statement {
  rl_list node;       /* connection.statements, most recently used first */
  rl_statement *next; /* in its bucket */
  char *sql;
  size_t sql_len;
  uint64_t hash;
  sqlite3_stmt *stmt;
  bool readonly, has_tail; /* has_tail: another statement follows in the text */
  bool in_use;
  unsigned slow_runs; /* > 0: too slow for inline, to be tried again after so many runs */
};

typedef struct rl_sql_error {
  int code;     /* RL_ESQL, RL_EBUSY, RL_EFULL … */
  int extended; /* SQLite's extended result code, 0 where the fault is not SQLite's */
  char message[512];
} rl_sql_error;

enum { RL_STATEMENT_BUCKETS = 64 };

struct rl_connection {
  sqlite3 *db;
  rl_list statements;
  unsigned count;
  rl_statement *buckets[RL_STATEMENT_BUCKETS];
  uint64_t deadline_ns;         /* of the run under way, 0: none */
  bool interrupted;             /* … and it was exceeded */
  const atomic_bool *cancelled; /* ends the run under way when it becomes true; NULL: nobody asks */
  bool trusted;                 /* what is prepared or re-prepared now is our own */
};

/* Opens `path` with SQLite's flags and the settings every connection has (WAL readers, foreign keys on, extensions off).
 * 0, or the code with `error` filled in; then nothing is open. */
int rl_connection_open(rl_connection *connection, const char *path, int flags, int busy_timeout_ms,
                       rl_sql_error *error);
void rl_connection_close(rl_connection *connection);
/* Runs SQL of our own, without parameters and results. */
int rl_connection_run(rl_connection *connection, const char *sql, rl_sql_error *error);

/* The prepared statement of a text, from the cache; NULL with `error` filled in. Give it back with rl_statement_end. */
rl_statement *rl_statement_get(rl_connection *connection, rl_slice sql, rl_sql_error *error);
/* Binds; the bytes must live until rl_statement_end. RL_EINVALID where number or names do not fit. */
int rl_statement_bind(rl_connection *connection, rl_statement *statement, const rl_params *params, rl_sql_error *error);
/* 1: a row; 0: done; else a code with `error` filled in (RL_ETIMEOUT where the budget was exceeded). */
int rl_statement_step(rl_connection *connection, rl_statement *statement, rl_sql_error *error);
/* Resets it, forgets its parameters. */
void rl_statement_end(rl_connection *connection, rl_statement *statement);

/* A column of the row under way; borrowed until the next step. */
rl_value rl_statement_column(const rl_statement *statement, int column);
/* Packs column names, and the row under way. 0 or RL_ENOMEM. */
int rl_statement_pack_names(const rl_statement *statement, rl_rows *rows);
int rl_statement_pack_row(const rl_statement *statement, rl_rows *rows);

/* Bounds every run of the connection from now on, in nanoseconds of uv_hrtime; 0 lifts it. */
void rl_connection_budget(rl_connection *connection, uint64_t deadline_ns);

/* Fills `error` from SQLite's result code and the connection's message. Returns error->code. */
int rl_sql_failed(rl_sql_error *error, sqlite3 *db, int result);
/* The same with a message of our own. */
int rl_sql_refused(rl_sql_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
