/*
 * The text of an .env file, as the libraries of that name read it:
 *
 *   # a comment                        export NAME=value       "export " may stand in front
 *   NAME=value # a comment             the '#' of a comment follows a space; NAME=a#b is a#b
 *   NAME=                              the empty text; so is NAME= # a comment
 *   NAME="two\nlines, a \" and a \\"   escapes: \n \r \t \" \\ \$; other backslashes stay. May go over several lines
 *   NAME='as it stands, it\'s so'      only \' is another. May go over several lines
 *
 * Nothing is expanded. What is ambiguous is refused rather than guessed, because the values are secrets: a value that begins
 * with '#', a quote that is not closed, something after a closed one.
 */
#ifndef RL_BASE_DOTENV_H
#define RL_BASE_DOTENV_H

#include "base/buf.h"

typedef struct rl_dotenv {
  rl_slice rest; /* borrowed */
  unsigned line; /* of where `rest` begins, from 1 */
  /* Of what rl_dotenv_next has found: */
  rl_slice name;
  rl_buf value;
  unsigned at;     /* its line */
  const char *why; /* static */
} rl_dotenv;

/* The text is borrowed until the end; a byte order mark is passed over. */
void rl_dotenv_init(rl_dotenv *d, rl_slice text);
/* 1 with the next name and value; 0 at the end; RL_ESYNTAX where `why` says what is wrong at line `at`; RL_ENOMEM. */
int rl_dotenv_next(rl_dotenv *d);
void rl_dotenv_free(rl_dotenv *d);

#endif
