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

typedef enum rl_sql_token_kind {
  RL_SQL_END,
  RL_SQL_WORD,     /* a keyword or a name */
  RL_SQL_QUOTED,   /* a name in quotes or brackets, with them */
  RL_SQL_VARIABLE, /* ?1 :name @name $name */
  RL_SQL_OTHER     /* a number, a text, a sign */
} rl_sql_token_kind;

/* Takes the next token off the front of `sql`, which is empty afterwards if there was none. */
rl_slice rl_sql_next_token(rl_slice *sql, rl_sql_token_kind *kind);
/* Returns the first statement of several, without its semicolon; CREATE TRIGGER holds some of its own. */
rl_slice rl_sql_first_statement(rl_slice sql);

#endif
