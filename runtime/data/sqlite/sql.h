/*
 * What must be known of a text of SQL before SQLite sees it. Everything here is linear in the text and never leaves it.
 *
 *   "-- a note\n;  PRAGMA main.foreign_keys = OFF ; DROP …"
 *    \__ blank __/ \_word_/
 */
#ifndef RL_DATA_SQLITE_SQL_H
#define RL_DATA_SQLITE_SQL_H

#include "base/slice.h"

/* Without white space, comments, semicolons and byte order marks at its front, as SQLite's tokenizer skips them. */
rl_slice rl_sql_skip_blank(rl_slice sql);
/* The first word of what rl_sql_skip_blank leaves; empty where that begins with no letter. */
rl_slice rl_sql_word(rl_slice sql);
/* Whether a statement must run outside a transaction (VACUUM, and PRAGMAs of the connection). */
bool rl_sql_runs_alone(rl_slice sql);

typedef struct rl_sql_pragma {
  rl_slice name, value; /* value: without quotes; no data where none is given */
  rl_slice rest;        /* what follows the statement */
} rl_sql_pragma;

/* Reads `PRAGMA [schema.]name [= value | (value)] [;]` off the front. False where something else stands there. */
bool rl_sql_read_pragma(rl_slice sql, rl_sql_pragma *out);
/* As SQLite reads a boolean: 1, on, yes, true; every other word is off. */
bool rl_sql_is_on(rl_slice value);
/* What follows the first semicolon, of a statement that holds neither texts nor comments (BEGIN, COMMIT). */
rl_slice rl_sql_skip_statement(rl_slice sql);
/* The number of the line, from 1, in which `at` stands; `at` points into `text`. */
unsigned rl_sql_line(rl_slice text, const char *at);

#endif
