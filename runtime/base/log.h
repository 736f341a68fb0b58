/*
 * The log: one line for each event, on stderr, as text for people or JSON for machines.
 *
 *   2026-11-22T14:17:32.123Z error  handler failed  id=7f3a route=post message="…"
 *
 * A line is built in a buffer of the calling thread and written with one write(2), so lines of several threads never mix.
 * Levels below the threshold cost one comparison. Tracebacks and errors of several lines follow the line, indented, in
 * text; in JSON they stay one string.
 *
 * Values, names and messages may come from a stranger. In text a value that is no bare word is quoted, with quotes and
 * backslashes escaped. Control characters, marks of direction and bytes that are no UTF-8 become \n, \x9b, \u{202e}. A message
 * with '=' in it is quoted like a value. So no field and no line can be forged, and nothing acts on a terminal.
 */
#ifndef RL_BASE_LOG_H
#define RL_BASE_LOG_H

#include <stdint.h>

#include "base/buf.h"

typedef enum rl_log_level { RL_LOG_DEBUG, RL_LOG_INFO, RL_LOG_WARN, RL_LOG_ERROR } rl_log_level;
typedef enum rl_log_format { RL_LOG_TEXT, RL_LOG_JSON, RL_LOG_OFF } rl_log_format;

typedef struct rl_log_field {
  const char *key;
  rl_slice text;       /* if .data is not NULL */
  int64_t number;      /* else */
  const char *literal; /* else, if not NULL: written verbatim (true, 1.5) */
} rl_log_field;

#define RL_LOG_TEXT_FIELD(k, s) ((rl_log_field){.key = (k), .text = (s)})
#define RL_LOG_NUMBER_FIELD(k, n) ((rl_log_field){.key = (k), .number = (n)})

/* Appends a value as a line of text has it: a bare word, or in quotes. */
void rl_log_add_value(rl_buf *out, rl_slice value);

/* Applies to the whole process. Call before threads start. */
void rl_log_setup(rl_log_format format, rl_log_level threshold);
bool rl_log_wants(rl_log_level level);

/* `fields` may be NULL if count is 0; everything is borrowed until return. */
void rl_log(rl_log_level level, rl_slice message, const rl_log_field *fields, size_t count);
void rl_logf(rl_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Development: gives each line of this thread that is wanted to `tap` too, in its parts (borrowed until return), before it
 * is written. NULL ends that. */
typedef void (*rl_log_tap)(void *ud, rl_log_level level, rl_slice message, const rl_log_field *fields, size_t count);
void rl_log_tell(rl_log_tap tap, void *ud);

/* Tests: sends lines of this thread to `sink` (without the newline) instead of stderr; NULL restores stderr. */
typedef void (*rl_log_sink)(void *ud, rl_log_level level, rl_slice line);
void rl_log_capture(rl_log_sink sink, void *ud);

/* Returns the word of a level ("info"); and the level of a word, or -1. */
const char *rl_log_level_name(rl_log_level level);
int rl_log_level_of(rl_slice word);

#endif
