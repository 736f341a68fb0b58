/* Log lines; see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/date.h"
#include "base/json.h"
#include "base/utf8.h"

enum { LINE_LIMIT = 64 << 10 };

static rl_log_format log_format = RL_LOG_TEXT;
static rl_log_level log_threshold = RL_LOG_INFO;
static _Thread_local rl_log_sink capture;
static _Thread_local void *capture_ud;
static _Thread_local rl_log_tap told;
static _Thread_local void *told_ud;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void rl_log_setup(rl_log_format format, rl_log_level threshold) {
  log_format = format;
  log_threshold = threshold;
}

void rl_log_capture(rl_log_sink sink, void *ud) {
  capture = sink;
  capture_ud = ud;
}

void rl_log_tell(rl_log_tap tap, void *ud) {
  told = tap;
  told_ud = ud;
}

bool rl_log_wants(rl_log_level level) { return (log_format != RL_LOG_OFF || capture) && level >= log_threshold; }

const char *rl_log_level_name(rl_log_level level) { return level_names[level]; }

int rl_log_level_of(rl_slice word) {
  for (int i = 0; i < 4; i++)
    if (rl_slice_eq(word, rl_slice_str(level_names[i]))) return i;
  return -1;
}

/* ---- text -------------------------------------------------------------------------------------------------------------- */

/* Writes one character, or a byte that is none, so that it cannot end a value, start a line, or act on a terminal. */
static void add_escaped(rl_buf *out, uint32_t point) {
  switch (point) {
    case '\n': rl_buf_add_str(out, "\\n"); break;
    case '\r': rl_buf_add_str(out, "\\r"); break;
    case '\t': rl_buf_add_str(out, "\\t"); break;
    default: rl_buf_addf(out, point > 0xFF ? "\\u{%x}" : "\\x%02x", point);
  }
}

/* Returns the length of the first character and decodes it. A byte that is no UTF-8 counts as one and is not `formed`. */
static size_t next_character(rl_slice s, uint32_t *point, bool *formed) {
  size_t step = rl_utf8_step(s.data, s.len);
  *formed = step > 0;
  *point = step ? rl_utf8_decode(s.data, step) : (unsigned char)*s.data;
  return step ? step : 1;
}

/* `newline`: replaces each line break, or NULL. `quoted`: inside of quotes. */
static void add_visible(rl_buf *out, rl_slice s, const char *newline, bool quoted) {
  for (size_t i = 0, step; i < s.len; i += step) {
    uint32_t point;
    bool formed;
    step = next_character(rl_slice_of(s.data + i, s.len - i), &point, &formed);
    if (point == '\n' && newline) {
      rl_buf_add_str(out, newline);
    } else if (!formed || (rl_utf8_is_control(point) && (point != '\t' || quoted))) {
      add_escaped(out, point);
    } else {
      if (quoted && (point == '"' || point == '\\')) rl_buf_add_char(out, '\\');
      rl_buf_add(out, s.data + i, step);
    }
  }
}

static bool is_bare_word(rl_slice s) {
  for (size_t i = 0; i < s.len; i++)
    if (!rl_is((unsigned char)s.data[i], RL_CHAR_URI) || s.data[i] == '=') return false;
  return s.len > 0;
}

void rl_log_add_value(rl_buf *out, rl_slice value) {
  if (is_bare_word(value)) {
    rl_buf_add_slice(out, value);
    return;
  }
  rl_buf_add_char(out, '"');
  add_visible(out, value, NULL, true);
  rl_buf_add_char(out, '"');
}

/* A name may come from a stranger too, if a program logs a form. */
static void add_key(rl_buf *out, const char *key) {
  for (; *key; key++) {
    unsigned char c = (unsigned char)*key;
    if (rl_is(c, RL_CHAR_UNRESERVED)) rl_buf_add_char(out, (char)c);
    else rl_buf_addf(out, "\\x%02x", c);
  }
}

/* Our own long values follow the line, indented. Line breaks of any other value are escaped. */
static bool is_block(const rl_log_field *f) {
  static const char *const names[] = {"traceback", "error", "tree"};
  if (!f->text.data || rl_slice_find(f->text, '\n', 0) == f->text.len) return false;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(f->key, names[i]) == 0) return true;
  return false;
}

static void add_text_field(rl_buf *out, const rl_log_field *f) {
  rl_buf_add_char(out, ' ');
  add_key(out, f->key);
  rl_buf_add_char(out, '=');
  if (f->literal) rl_buf_add_str(out, f->literal);
  else if (!f->text.data) rl_json_write_integer(out, f->number);
  else rl_log_add_value(out, f->text);
}

/* Quotes a message with '=' in it, which could pass for fields. */
static void add_message(rl_buf *out, rl_slice message) {
  bool quoted = rl_slice_find(message, '=', 0) < message.len;
  if (quoted) rl_buf_add_char(out, '"');
  add_visible(out, message, "\n    ", quoted);
  if (quoted) rl_buf_add_char(out, '"');
}

static void add_text_line(rl_buf *out, const char *when, rl_log_level level, rl_slice message,
                          const rl_log_field *fields, size_t count) {
  rl_buf_addf(out, "%s %-5s ", when, level_names[level]);
  add_message(out, message);
  for (size_t i = 0; i < count; i++)
    if (!is_block(&fields[i])) add_text_field(out, &fields[i]);
  for (size_t i = 0; i < count; i++) {
    if (!is_block(&fields[i])) continue;
    rl_buf_addf(out, "\n  %s:\n    ", fields[i].key);
    add_visible(out, fields[i].text, "\n    ", false);
  }
}

/* ---- JSON -------------------------------------------------------------------------------------------------------------- */

/* Renames a key that would pass for one of the line's own: of two members of one name, readers take the last. */
static void add_json_key(rl_buf *out, const char *key) {
  static const char *const own[] = {"time", "level", "message"};
  char renamed[16];
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
    if (strcmp(key, own[i]) != 0) continue;
    snprintf(renamed, sizeof renamed, "%s_", key);
    key = renamed;
    break;
  }
  rl_json_write_bytes(out, rl_slice_str(key));
}

static void add_json_line(rl_buf *out, const char *when, rl_log_level level, rl_slice message,
                          const rl_log_field *fields, size_t count) {
  rl_buf_addf(out, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", when, level_names[level]);
  rl_json_write_bytes(out, message);
  for (size_t i = 0; i < count; i++) {
    rl_buf_add_char(out, ',');
    add_json_key(out, fields[i].key);
    rl_buf_add_char(out, ':');
    if (fields[i].literal) rl_buf_add_str(out, fields[i].literal);
    else if (fields[i].text.data) rl_json_write_bytes(out, fields[i].text);
    else rl_json_write_integer(out, fields[i].number);
  }
  rl_buf_add_char(out, '}');
}

/* ---- the line ---------------------------------------------------------------------------------------------------------- */

/* Writes all of it. Drops what a full disk or a closed pipe refuses, so that the service goes on. */
static void write_line(rl_buf *line) {
  rl_buf_add_char(line, '\n');
  for (size_t done = 0; done < line->len;) {
    ssize_t n = write(STDERR_FILENO, line->data + done, line->len - done);
    if (n <= 0) return;
    done += (size_t)n;
  }
}

void rl_log(rl_log_level level, rl_slice message, const rl_log_field *fields, size_t count) {
  if (!rl_log_wants(level)) return;
  if (told) told(told_ud, level, message, fields, count);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  char when[25];
  rl_date_format_iso((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, when);
  rl_buf line;
  rl_buf_init(&line, LINE_LIMIT);
  if (log_format == RL_LOG_JSON) add_json_line(&line, when, level, message, fields, count);
  else add_text_line(&line, when, level, message, fields, count);
  if (capture) capture(capture_ud, level, rl_buf_slice(&line));
  else write_line(&line);
  rl_buf_free(&line);
}

void rl_logf(rl_log_level level, const char *format, ...) {
  if (!rl_log_wants(level)) return;
  char text[1024];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (n < 0) return;
  rl_log(level, rl_slice_of(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1), NULL, 0);
}
