/*
 * One SQLite connection with its prepared statements. Belongs to one thread.
 *
 *   inline reader (each worker)   read-only, busy_timeout 0, a budget for each run
 *   reader thread                 read-only
 *   writer                        the only one that writes
 *
 * A statement is prepared once and kept, most recently used first. An authorizer looks at each while it is prepared:
 *
 *   - BEGIN, COMMIT, SAVEPOINT and ATTACH are refused to programs (sqlite3_stmt_readonly is 1 for BEGIN and ATTACH); our
 *     own pass (`trusted`);
 *   - what asks for the state of a connection, or leaves some behind (PRAGMAs, last_insert_rowid(), TEMP tables), is
 *     noted, and allowed only where that means something: see rl_circumstance. Some PRAGMAs take effect while they are
 *     prepared, so this cannot be asked later.
 */
#ifndef RL_DATA_SQLITE_CONNECTION_H
#define RL_DATA_SQLITE_CONNECTION_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/list.h"
#include "data/sqlite/pragma.h"
#include "data/rows.h"
#include "data/value.h"

typedef struct rl_statement rl_statement;
typedef struct rl_connection rl_connection;

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

/* What a statement has to do with the state of its connection. */
typedef struct rl_needs {
  const rl_pragma *pragma; /* NULL: none */
  rl_pragma_kind kind;     /* of that one, as it is used */
  bool asks;               /* … without a value */
  const char *function;    /* last_insert_rowid, changes or total_changes; NULL: none */
  bool temporary;          /* makes a TEMP table, view, index or trigger */
} rl_needs;

struct rl_statement {
  rl_list node;       /* connection.statements, most recently used first */
  rl_statement *next; /* in its bucket */
  char *sql;
  size_t sql_len;
  uint64_t hash;
  sqlite3_stmt *stmt;
  bool readonly, has_tail; /* has_tail: another statement follows in the text */
  bool in_use, is_short;
  rl_needs needs;
  unsigned slow_runs; /* > 0: too slow for inline, to be tried again after so many runs */
};

typedef struct rl_sql_error {
  int code;     /* RL_ESQL, RL_EBUSY, RL_EFULL … */
  int extended; /* SQLite's extended result code, 0 where the fault is not SQLite's */
  int offset;   /* of the token at fault in the statement, -1: not known */
  bool running; /* it came from a row, not from the text of the statement */
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
  rl_buf *dropped;              /* takes the name of the table that a statement drops; NULL: nobody asks */
  rl_circumstance circumstance; /* of what is prepared and run now */
  rl_needs needs;               /* noted of the statement that is being prepared */
  const char *function_within;  /* … of one inside a trigger, a view or a CTE */
  bool has_temporary;           /* something TEMP was made and not dropped yet */
  bool has_deferral;            /* PRAGMA defer_foreign_keys was said, and not taken back yet */
  rl_sql_error denial;          /* why the authorizer refused; code 0: for our own transactions' sake */
};

/* Opens `path` with SQLite's flags and the settings every connection has (WAL readers, foreign keys on, extensions off).
 * It waits for nobody until it is told to. 0, or the code with `error` filled in; then nothing is open. */
int rl_connection_open(rl_connection *connection, const char *path, int flags, rl_sql_error *error);
void rl_connection_close(rl_connection *connection);
/* Runs SQL of our own, without parameters and results. */
int rl_connection_run(rl_connection *connection, const char *sql, rl_sql_error *error);

/* The prepared statement of a text, from the cache; NULL with `error` filled in (code RL_EAGAIN: it is none for a
 * connection that reads, but the writer may run it). Give it back with rl_statement_end. */
rl_statement *rl_statement_get(rl_connection *connection, rl_slice sql, rl_sql_error *error);
/* Binds; the bytes must live until rl_statement_end. RL_EINVALID where number or names do not fit. */
int rl_statement_bind(rl_connection *connection, rl_statement *statement, const rl_sql_params *params, rl_sql_error *error);
/* 1: a row; 0: done; else a code with `error` filled in (RL_ETIMEOUT where the budget was exceeded). */
int rl_statement_step(rl_connection *connection, rl_statement *statement, rl_sql_error *error);
/* Resets it, forgets its parameters. */
void rl_statement_end(rl_connection *connection, rl_statement *statement);

/* A column of the row under way; borrowed until the next step. Where memory was short it is NULL, and the statement says so
 * (rl_statement_is_short): asked once a row was read. */
rl_value rl_statement_column(rl_statement *statement, int column);
static inline bool rl_statement_is_short(const rl_statement *statement) { return statement->is_short; }
/* Packs column names, and the row under way. 0 or RL_ENOMEM. */
int rl_statement_pack_names(const rl_statement *statement, rl_rows *rows);
int rl_statement_pack_row(rl_statement *statement, rl_rows *rows);

/* Prepares one statement of `sql` that is not kept; *rest is what follows it. *stmt is NULL where there was none (comments).
 * 0 or a code with `error`. The caller finalizes. */
int rl_statement_prepare(rl_connection *connection, rl_slice sql, sqlite3_stmt **stmt, rl_slice *rest,
                         rl_sql_error *error);
/* Notes what a statement that has run leaves behind in the connection … */
void rl_connection_note(rl_connection *connection, const rl_needs *needs);
/* … and takes it back, at the end of its transaction, script or migration: others come after it. */
void rl_connection_tidy(rl_connection *connection);

/* Bounds every run of the connection from now on, in nanoseconds of uv_hrtime; 0 lifts it. */
void rl_connection_budget(rl_connection *connection, uint64_t deadline_ns);

/* Fills `error` from SQLite's result code, the connection's message and the authorizer's. Returns error->code. */
int rl_connection_failed(rl_connection *connection, int result, rl_sql_error *error);
/* The same without an authorizer. */
int rl_sql_failed(rl_sql_error *error, sqlite3 *db, int result);
/* Adds which process holds the database, where the system tells: to a message that it is locked. */
void rl_sql_add_holder(rl_sql_error *error, sqlite3 *db);
/* An error with a message of our own. */
int rl_sql_refused(rl_sql_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
