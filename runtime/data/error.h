/*
 * Errors of databases, in the same form for all engines: the caller sees a code of base/error.h and a message; the
 * engine adds what it knows.
 */
#ifndef RL_DATA_ERROR_H
#define RL_DATA_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

typedef struct rl_sql_error {
  int code;              /* RL_ESQL, RL_EBUSY, RL_EFULL …; 0: none */
  int extended;          /* the engine's own code; 0 if the error is ours */
  const char *name;      /* of that code, "SQLITE_BUSY"; static; NULL: it has none */
  const char *state;     /* SQLSTATE, five characters; static; NULL: not known */
  const char *violation; /* "unique", "not_null", "check" …; static; NULL: no constraint failed */
  int offset;            /* of the token at fault in the statement; -1: not known */
  uint16_t constraint_at,
      constraint_len; /* the constraint as the engine names it, in the message; length 0: it does not */
  bool running;       /* a row raised it, not the text of the statement */
  bool is_search;     /* a full-text query is malformed: whoever typed it is at fault, not the program */
  char message[512];
} rl_sql_error;

/* Fills in an error of our own. Returns `code`. */
int rl_sql_refused(rl_sql_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Returns the name of the constraint that failed, borrowed from the error; empty if that is not known. */
static inline rl_slice rl_sql_error_constraint(const rl_sql_error *error) {
  return rl_slice_of(error->message + error->constraint_at, error->constraint_len);
}
/* Removes half a character from the end of a message that was cut. */
void rl_sql_error_mend(rl_sql_error *error);

#endif
