/* The head guard of head.h: one pass over the lines. */
#include "http/h1/head.h"

#include <string.h>

#include "base/ascii.h"
#include "base/slice.h"

enum { METHOD_MAX = 32 };

void rl_head_scan_init(rl_head_scan *scan, bool trailer) {
  memset(scan, 0, sizeof *scan);
  scan->trailer = scan->started = trailer;
}

/* "HTTP/1.1": 505 for another well-formed version, 400 for anything else. */
static rl_fault check_version(rl_slice version) {
  if (rl_slice_eq(version, RL_SLICE("HTTP/1.1")) || rl_slice_eq(version, RL_SLICE("HTTP/1.0"))) return RL_FAULT_NONE;
  bool formed = version.len == 8 && memcmp(version.data, "HTTP/", 5) == 0 && version.data[6] == '.' &&
                rl_is((unsigned char)version.data[5], RL_CHAR_DIGIT) &&
                rl_is((unsigned char)version.data[7], RL_CHAR_DIGIT);
  return formed ? RL_FAULT_VERSION : RL_FAULT_REQUEST_LINE;
}

rl_fault rl_request_line_check(const char *line, size_t len) {
  rl_slice all = {line, len};
  size_t method = rl_slice_find(all, ' ', 0);
  if (method == len || method == 0) return RL_FAULT_REQUEST_LINE;
  for (size_t i = 0; i < method; i++)
    if (!rl_is((unsigned char)line[i], RL_CHAR_TOKEN)) return RL_FAULT_METHOD;
  if (method > METHOD_MAX) return RL_FAULT_METHOD;
  size_t target = rl_slice_find(all, ' ', method + 1);
  if (target == len || target == method + 1) return RL_FAULT_REQUEST_LINE;
  if (rl_slice_eq(all, RL_SLICE("PRI * HTTP/2.0"))) return RL_FAULT_HTTP2;
  return check_version(rl_slice_of(line + target + 1, len - target - 1));
}

static long fail(rl_head_scan *scan, rl_fault fault) {
  scan->fault = fault;
  return -1;
}

static rl_fault too_long(const rl_head_scan *scan) {
  return scan->started ? RL_FAULT_FIELD_LONG : RL_FAULT_TARGET_LONG;
}

static size_t line_limit(const rl_head_scan *scan, const rl_limits *limits) {
  return scan->started ? limits->field : limits->request_line;
}

/* A line without its CRLF that starts at data[scan->line] and is not empty. */
static rl_fault check_line(rl_head_scan *scan, const char *line, size_t len, const rl_limits *limits) {
  if (len > line_limit(scan, limits)) return too_long(scan);
  if (!scan->started) {
    scan->started = true;
    scan->fields_start = scan->line + len + 2;
    return rl_request_line_check(line, len);
  }
  if (line[0] == ' ' || line[0] == '\t') return RL_FAULT_FOLDED;
  if (line[0] == ':') return RL_FAULT_NO_NAME;
  if (++scan->fields > limits->fields) return RL_FAULT_FIELDS_MANY;
  return RL_FAULT_NONE;
}

static rl_fault too_large(const rl_head_scan *scan) {
  return scan->trailer ? RL_FAULT_TRAILER_LARGE : RL_FAULT_FIELDS_LARGE;
}

/* The start of a line that has not ended: it may be too long already, and a CR in it must be its last byte so far. */
static long wait_for_more(rl_head_scan *scan, const char *data, size_t len, const rl_limits *limits) {
  size_t partial = len - scan->line;
  if (partial > line_limit(scan, limits) + 2) return fail(scan, too_long(scan));
  const char *cr = memchr(data + scan->searched, '\r', len - scan->searched);
  if (cr && cr + 1 != data + len) return fail(scan, RL_FAULT_LINE_END);
  scan->searched = cr ? len - 1 : len;
  if (scan->started && len - scan->fields_start > limits->fields_size + 4) return fail(scan, too_large(scan));
  return 0;
}

long rl_head_scan_run(rl_head_scan *scan, const char *data, size_t len, const rl_limits *limits) {
  for (;;) {
    const char *from = data + scan->searched;
    const char *lf = scan->searched < len ? memchr(from, '\n', len - scan->searched) : NULL;
    if (!lf) return wait_for_more(scan, data, len, limits);
    const char *line = data + scan->line;
    const char *cr = memchr(line, '\r', (size_t)(lf - line));
    if (!cr || cr + 1 != lf) return fail(scan, RL_FAULT_LINE_END);
    size_t end = (size_t)(lf + 1 - data);
    if (cr > line) {
      rl_fault fault = check_line(scan, line, (size_t)(cr - line), limits);
      if (fault) return fail(scan, fault);
    } else if (scan->started) {
      if (end - scan->fields_start > limits->fields_size + 2) return fail(scan, too_large(scan));
      return (long)end;
    } else if (scan->skip) {
      return fail(scan, RL_FAULT_BLANK_LINES);
    } else {
      scan->skip = end;
    }
    scan->line = scan->searched = end;
  }
}
