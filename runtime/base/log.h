/*
 * The log: one line an event, on stderr, as text for people or JSON for machines.
 *
 *   2026-11-22T14:17:32.123Z error  handler failed  id=7f3a route=post message="…"
 *
 * A line is put together in a buffer of the calling thread and leaves with one write(2), so lines of several threads never
 * mix. Levels below the threshold cost one comparison. Tracebacks and errors of several lines follow the line, indented, in
 * text; in JSON they stay one string.
 *
 * Values, names and messages may be a stranger's. In text a value that is no bare word stands in quotes, with quotes and
 * backslashes escaped; control characters, marks of direction and bytes that are no UTF-8 are \n, \x9b, \u{202e}; a message
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
  rl_slice text;       /* where .data is not NULL */
  int64_t number;      /* else */
  const char *literal; /* else, where not NULL: written as it is (true, 1.5) */
} rl_log_field;

#define RL_LOG_TEXT_FIELD(k, s) ((rl_log_field){.key = (k), .text = (s)})
#define RL_LOG_NUMBER_FIELD(k, n) ((rl_log_field){.key = (k), .number = (n)})

/* Appends a value as it stands in a line of text: a bare word, or in quotes. */
void rl_log_add_value(rl_buf *out, rl_slice value);

/* For the whole process, before threads start. */
void rl_log_setup(rl_log_format format, rl_log_level threshold);
bool rl_log_wants(rl_log_level level);

/* `fields` may be NULL where count is 0; everything is borrowed until return. */
void rl_log(rl_log_level level, rl_slice message, const rl_log_field *fields, size_t count);
void rl_logf(rl_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Development: each line of this thread that is wanted is told to `tap` too, in its parts (borrowed), before it is written;
 * NULL: nobody wants to know. */
typedef void (*rl_log_tap)(void *ud, rl_log_level level, rl_slice message, const rl_log_field *fields, size_t count);
void rl_log_tell(rl_log_tap tap, void *ud);

/* Tests: lines of this thread go to `sink` (without the newline) instead of stderr; NULL puts stderr back. */
typedef void (*rl_log_sink)(void *ud, rl_log_level level, rl_slice line);
void rl_log_capture(rl_log_sink sink, void *ud);

/* The word of a level ("info"); and the level of a word, or -1. */
const char *rl_log_level_name(rl_log_level level);
int rl_log_level_of(rl_slice word);

#endif
