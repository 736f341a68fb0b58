/* The error table of error.h, turned into look-ups. */
#include "base/error.h"

#include <stddef.h>
#include <string.h>

typedef struct error_row {
  int code;
  int status;
  const char *name, *word, *text;
} error_row;

static const error_row rows[] = {
#define X(name, number, word, status, text) {number, status, #name, word, text},
    RL_ERROR_MAP(X)
#undef X
};

static const error_row *find(int code) {
  static const error_row ok = {0, 200, "OK", "ok", "no error"};
  static const error_row unknown = {0, 500, "UNKNOWN", "unknown", "unknown error"};
  if (code == 0) return &ok;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].code == code) return &rows[i];
  return &unknown;
}

int rl_error_of_word(const char *word) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].word, word) == 0) return rows[i].code;
  return 0;
}

const char *rl_error_name(int code) { return find(code)->name; }
const char *rl_error_word(int code) { return find(code)->word; }
const char *rl_error_text(int code) { return find(code)->text; }
int rl_error_status(int code) { return find(code)->status; }
