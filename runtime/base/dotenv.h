/*
 * The text of an .env file, as the libraries of that name read it:
 *
 *   # a comment                        export NAME=value       "export " may come first
 *   NAME=value # a comment             the '#' of a comment follows a space; NAME=a#b is a#b
 *   NAME=                              the empty text; so is NAME= # a comment
 *   NAME="two\nlines, a \" and a \\"   escapes: \n \r \t \" \\ \$; other backslashes stay. May go over several lines
 *   NAME='as it stands, it\'s so'      only \' is another. May go over several lines
 *
 * Nothing is expanded. The values are secrets, so ambiguous lines are refused rather than guessed: a value that begins with
 * '#', a quote that is not closed, text after a closing quote.
 */
#ifndef RL_BASE_DOTENV_H
#define RL_BASE_DOTENV_H

#include "base/buf.h"

typedef struct rl_dotenv {
  rl_slice rest; /* borrowed */
  unsigned line; /* where `rest` begins, from 1 */
  /* The result of rl_dotenv_next: */
  rl_slice name;
  rl_buf value;
  unsigned at;     /* its line */
  const char *why; /* static */
} rl_dotenv;

/* Starts to read; the text is borrowed until rl_dotenv_free. A byte order mark is skipped. */
void rl_dotenv_init(rl_dotenv *d, rl_slice text);
/* Returns 1 with the next name and value, 0 at the end, RL_ESYNTAX with the reason in `why` and the line in `at`, or
 * RL_ENOMEM. */
int rl_dotenv_next(rl_dotenv *d);
void rl_dotenv_free(rl_dotenv *d);

#endif
