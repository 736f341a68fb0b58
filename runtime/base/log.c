/* Log lines; see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/buf.h"
#include "base/date.h"
#include "base/json.h"
#include "base/utf8.h"

enum { LINE_LIMIT = 64 << 10 };

static rl_log_format log_format = RL_LOG_TEXT;
static rl_log_level log_threshold = RL_LOG_INFO;
static _Thread_local rl_log_sink capture;
static _Thread_local void *capture_ud;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void rl_log_setup(rl_log_format format, rl_log_level threshold) {
  log_format = format;
  log_threshold = threshold;
}

void rl_log_capture(rl_log_sink sink, void *ud) {
  capture = sink;
  capture_ud = ud;
}

bool rl_log_wants(rl_log_level level) { return (log_format != RL_LOG_OFF || capture) && level >= log_threshold; }

const char *rl_log_level_name(rl_log_level level) { return level_names[level]; }

int rl_log_level_of(rl_slice word) {
  for (int i = 0; i < 4; i++)
    if (rl_slice_eq(word, rl_slice_str(level_names[i]))) return i;
  return -1;
}

/* Control bytes as \xXX, so that a value cannot start a line or colour a terminal. `newline` follows each line break. */
static void add_visible(rl_buf *out, rl_slice s, const char *newline) {
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.data[i];
    if (c == '\n' && newline) rl_buf_add_str(out, newline);
    else if ((c < 0x20 && c != '\t') || c == 0x7F) rl_buf_addf(out, "\\x%02x", c);
    else rl_buf_add_char(out, (char)c);
  }
}

static bool is_bare_word(rl_slice s) {
  for (size_t i = 0; i < s.len; i++)
    if (!rl_is((unsigned char)s.data[i], RL_CHAR_URI)) return false;
  return s.len > 0;
}

static bool is_multiline(const rl_log_field *f) {
  return f->text.data && rl_slice_find(f->text, '\n', 0) < f->text.len;
}

static void add_text_field(rl_buf *out, const rl_log_field *f) {
  rl_buf_addf(out, " %s=", f->key);
  if (f->literal) rl_buf_add_str(out, f->literal);
  else if (!f->text.data) rl_json_write_integer(out, f->number);
  else if (is_bare_word(f->text)) rl_buf_add_slice(out, f->text);
  else {
    rl_buf_add_char(out, '"');
    add_visible(out, f->text, NULL);
    rl_buf_add_char(out, '"');
  }
}

static void add_text_line(rl_buf *out, const char *when, rl_log_level level, rl_slice message,
                          const rl_log_field *fields, size_t count) {
  rl_buf_addf(out, "%s %-5s ", when, level_names[level]);
  add_visible(out, message, "\n    ");
  for (size_t i = 0; i < count; i++)
    if (!is_multiline(&fields[i])) add_text_field(out, &fields[i]);
  for (size_t i = 0; i < count; i++) {
    if (!is_multiline(&fields[i])) continue;
    rl_buf_addf(out, "\n  %s:\n    ", fields[i].key);
    add_visible(out, fields[i].text, "\n    ");
  }
}

static void add_json_line(rl_buf *out, const char *when, rl_log_level level, rl_slice message,
                          const rl_log_field *fields, size_t count) {
  rl_buf_addf(out, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", when, level_names[level]);
  rl_json_write_bytes(out, message);
  for (size_t i = 0; i < count; i++) {
    rl_buf_add_char(out, ',');
    rl_json_write_bytes(out, rl_slice_str(fields[i].key));
    rl_buf_add_char(out, ':');
    if (fields[i].literal) rl_buf_add_str(out, fields[i].literal);
    else if (fields[i].text.data) rl_json_write_bytes(out, fields[i].text);
    else rl_json_write_integer(out, fields[i].number);
  }
  rl_buf_add_char(out, '}');
}

/* Writes all of it; what a full disk or a closed pipe refuses is dropped, the service goes on. */
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
