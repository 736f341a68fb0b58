/*
 * Errors of databases, in the same form for all engines: the caller sees a code of base/error.h and a message; the
 * engine adds what it knows.
 */
#ifndef RL_DATA_ERROR_H
#define RL_DATA_ERROR_H

#include <stdbool.h>

typedef struct rl_sql_error {
  int code;               /* RL_ESQL, RL_EBUSY, RL_EFULL …; 0: none */
  int extended;           /* the engine's own code; 0 if the error is ours */
  int offset;             /* of the token at fault in the statement; -1: not known */
  bool running;           /* a row raised it, not the text of the statement */
  bool is_search;         /* a full-text query is malformed: whoever typed it is at fault, not the program */
  const char *constraint; /* "unique", "not_null", "check" …; static; NULL: no constraint failed */
  char message[512];
} rl_sql_error;

/* Fills in an error of our own. Returns `code`. */
int rl_sql_refused(rl_sql_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
