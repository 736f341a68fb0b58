/*
 * Reads a text of SQL as far as rille must know it before SQLite does. Everything here is linear in the text.
 *
 *   "-- a note\n;  PRAGMA main.foreign_keys = OFF ; DROP …"
 *    \__ blank __/ \_word_/
 */
#ifndef RL_DATA_SQLITE_SQL_H
#define RL_DATA_SQLITE_SQL_H

#include "base/slice.h"

/* Skips white space, comments, semicolons and byte order marks at the front, as SQLite's tokenizer does. */
rl_slice rl_sql_skip_blank(rl_slice sql);
/* Returns the first word of what rl_sql_skip_blank leaves; empty if that does not begin with a letter. */
rl_slice rl_sql_word(rl_slice sql);
/* Returns true if a statement must run outside a transaction (VACUUM, and PRAGMAs of the connection). */
bool rl_sql_runs_alone(rl_slice sql);

typedef struct rl_sql_pragma {
  rl_slice name, value; /* value: without quotes; no data where none is given */
  rl_slice rest;        /* what follows the statement */
} rl_sql_pragma;

/* Reads `PRAGMA [schema.]name [= value | (value)] [;]` off the front. Returns false if it does not begin so. */
bool rl_sql_read_pragma(rl_slice sql, rl_sql_pragma *out);
/* Reads a boolean as SQLite does: 1, on, yes, true; every other word is off. */
bool rl_sql_is_on(rl_slice value);
/* Skips to after the first semicolon, in a statement that holds neither texts nor comments (BEGIN, COMMIT). */
rl_slice rl_sql_skip_statement(rl_slice sql);
/* Returns the number of the line of `at`, from 1; `at` points into `text`. */
unsigned rl_sql_line(rl_slice text, const char *at);

#endif
