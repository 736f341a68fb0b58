/* The head scanner; see head.h. */
#include "http/h1/head.h"

#include <string.h>

#include "base/ascii.h"
#include "base/slice.h"
#include "http/header.h"

enum { METHOD_MAX = 32 };

void rl_head_scan_init(rl_head_scan *scan, rl_head_kind kind) {
  *scan = (rl_head_scan){.kind = (uint8_t)kind, .started = kind == RL_HEAD_OF_TRAILERS};
}

/* "HTTP/1.1", or a later 1.x: 505 for another well-formed version, 400 for anything else. */
static rl_fault check_version(rl_slice version) {
  if (rl_slice_eq(version, RL_SLICE("HTTP/1.1")) || rl_slice_eq(version, RL_SLICE("HTTP/1.0"))) return RL_FAULT_NONE;
  bool formed = version.len == 8 && memcmp(version.data, "HTTP/", 5) == 0 && version.data[6] == '.' &&
                rl_is((unsigned char)version.data[5], RL_CHAR_DIGIT) &&
                rl_is((unsigned char)version.data[7], RL_CHAR_DIGIT);
  if (!formed) return RL_FAULT_REQUEST_LINE;
  return version.data[5] == '1' ? RL_FAULT_NONE : RL_FAULT_VERSION;
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

/* ---- what llhttp would refuse ------------------------------------------------------------------------------------------ */

/* The field that the line starts with: Content-Length or Transfer-Encoding; no other says where a message ends. */
static rl_header_id framing_of(const char *line, size_t len) {
  static const rl_slice length = {"content-length", 14}, coding = {"transfer-encoding", 17};
  char first = (char)(*line | 0x20);
  if (first != 'c' && first != 't') return RL_HEADER_OTHER;
  if (len > length.len && line[length.len] == ':')
    return rl_slice_eq_nocase(rl_slice_of(line, length.len), length) ? RL_HEADER_CONTENT_LENGTH : RL_HEADER_OTHER;
  if (len > coding.len && line[coding.len] == ':')
    return rl_slice_eq_nocase(rl_slice_of(line, coding.len), coding) ? RL_HEADER_TRANSFER_ENCODING : RL_HEADER_OTHER;
  return RL_HEADER_OTHER;
}

static bool is_unusual(const char *line, size_t len) {
  switch (framing_of(line, len)) {
    case RL_HEADER_CONTENT_LENGTH: return memchr(line, '\t', len) != NULL;
    case RL_HEADER_TRANSFER_ENCODING: return memchr(line, '\t', len) || memchr(line, ',', len);
    default: return false;
  }
}

static void blank(char *from, const char *to) { memset(from, ' ', (size_t)(to - from)); }

/* "<TAB>chunked," -> "chunked  ", of the same length; any other list stays. */
static void simplify_coding(char *value, size_t len) {
  rl_slice rest = {value, len}, only, other;
  if (!rl_slice_next_element(&rest, &only) || rl_slice_next_element(&rest, &other)) return;
  if (!rl_slice_eq_nocase(only, RL_SLICE("chunked"))) return;
  memmove(value, only.data, only.len);
  blank(value + only.len, value + len);
}

static void simplify_length(char *value, size_t len) {
  rl_slice number = rl_slice_trim(rl_slice_of(value, len));
  if (!number.len) return;
  blank(value, number.data);
  blank(value + (number.data - value) + number.len, value + len);
}

static void simplify_line(char *line, size_t len) {
  rl_header_id id = framing_of(line, len);
  char *value = memchr(line, ':', len);
  if (!value || id == RL_HEADER_OTHER) return;
  size_t rest = len - (size_t)(++value - line);
  if (id == RL_HEADER_TRANSFER_ENCODING) simplify_coding(value, rest);
  else if (id == RL_HEADER_CONTENT_LENGTH) simplify_length(value, rest);
}

void rl_head_make_usual(char *head, size_t len) {
  char *end = memchr(head, '\r', len), *cr;
  if (!end || end - head < 8) return;
  if (end[-3] == '1' && end[-1] > '1') end[-1] = '1';
  for (char *line = end + 2; line < head + len; line = cr + 2) {
    cr = memchr(line, '\r', (size_t)(head + len - line));
    if (!cr) return;
    simplify_line(line, (size_t)(cr - line));
  }
}

/* ---- the scan ---------------------------------------------------------------------------------------------------------- */

static int fail(rl_head_scan *scan, rl_fault fault) {
  scan->fault = fault;
  return -1;
}

static rl_fault too_large(const rl_head_scan *scan) {
  return scan->kind == RL_HEAD_OF_TRAILERS ? RL_FAULT_TRAILER_LARGE : RL_FAULT_FIELDS_LARGE;
}

/* How long the line under way may be, and what is wrong with a longer one: its own limit, or what is left for all lines. */
static size_t most_of_line(const rl_head_scan *scan, const rl_limits *limits, rl_fault *longer) {
  if (!scan->started) {
    *longer = RL_FAULT_TARGET_LONG;
    return limits->request_line;
  }
  size_t used = scan->line - scan->fields_start + 2;
  size_t left = used < limits->fields_size ? limits->fields_size - used : 0;
  *longer = left < limits->field ? too_large(scan) : RL_FAULT_FIELD_LONG;
  return left < limits->field ? left : limits->field;
}

static rl_fault check_start_line(rl_head_scan *scan, const char *line, size_t len) {
  scan->started = true;
  scan->fields_start = scan->line + len + 2;
  scan->unusual = line[len - 1] > '1';
  return rl_request_line_check(line, len);
}

/* A line of a request or of trailers. It starts at data[scan->line] and is not empty. */
static rl_fault check_strictly(rl_head_scan *scan, const char *line, size_t len, const rl_limits *limits) {
  if (!scan->started) return check_start_line(scan, line, len);
  if (line[0] == ' ' || line[0] == '\t') return RL_FAULT_FOLDED;
  if (line[0] == ':') return RL_FAULT_NO_NAME;
  if (++scan->fields > limits->fields) return RL_FAULT_FIELDS_MANY;
  if (is_unusual(line, len)) scan->unusual = true;
  return RL_FAULT_NONE;
}

/* A line of a response. What it says is for http/h1/response_head.h to judge; the status line counts among the fields. */
static rl_fault check_leniently(rl_head_scan *scan, const rl_limits *limits) {
  bool is_field = scan->started;
  scan->started = true;
  return is_field && ++scan->fields > limits->fields ? RL_FAULT_FIELDS_MANY : RL_FAULT_NONE;
}

/* An empty line before the start line. */
static rl_fault check_blank(rl_head_scan *scan, size_t next, bool lenient) {
  if (scan->skip || lenient) return RL_FAULT_BLANK_LINES;
  scan->skip = next;
  return RL_FAULT_NONE;
}

static int wait_for_more(rl_head_scan *scan, size_t searched) {
  scan->searched = searched;
  return 0;
}

/* Faults are found in the order of the bytes that show them, so that the verdict does not depend on how they were cut.
 * Compiled twice, for `lenient` (responses) and not: this is where a server spends its time on heads. */
__attribute__((always_inline)) static inline int next_line(rl_head_scan *scan, const char *data, size_t len,
                                                           const rl_limits *limits, bool lenient, rl_slice *out) {
  for (;;) {
    const char *line = data + scan->line, *from = data + scan->searched, *end = data + len;
    const char *lf = from < end ? memchr(from, '\n', (size_t)(end - from)) : NULL, *upto = lf ? lf : end;
    const char *cr = from < upto ? memchr(from, '\r', (size_t)(upto - from)) : NULL;
    size_t size = (size_t)((cr ? cr : upto) - line);
    rl_fault longer, bad = RL_FAULT_NONE;
    if (size > most_of_line(scan, limits, &longer)) return fail(scan, longer);
    if (!cr && !lf) return wait_for_more(scan, len);
    if (cr && cr + 1 == end) return wait_for_more(scan, (size_t)(cr - data));
    if (cr ? cr + 1 != lf : !lenient) return fail(scan, RL_FAULT_LINE_END);
    size_t next = (size_t)(lf + 1 - data);
    bool blank = !size && !scan->started;
    if (size) bad = lenient ? check_leniently(scan, limits) : check_strictly(scan, line, size, limits);
    else if (blank) bad = check_blank(scan, next, lenient);
    if (bad) return fail(scan, bad);
    scan->line = scan->searched = next;
    *out = rl_slice_of(line, size);
    if (!blank) return 1;
  }
}

int rl_head_scan_line(rl_head_scan *scan, const char *data, size_t len, const rl_limits *limits, rl_slice *line) {
  return next_line(scan, data, len, limits, true, line);
}

long rl_head_scan_run(rl_head_scan *scan, const char *data, size_t len, const rl_limits *limits) {
  rl_slice line;
  for (int found; (found = next_line(scan, data, len, limits, false, &line));) {
    if (found < 0) return -1;
    if (!line.len) return (long)scan->line;
  }
  return 0;
}

bool rl_field_cut(rl_slice line, rl_slice *name, rl_slice *value) {
  size_t colon = rl_slice_find(line, ':', 0);
  if (colon == line.len) return false;
  *name = rl_slice_of(line.data, colon);
  *value = rl_slice_trim(rl_slice_of(line.data + colon + 1, line.len - colon - 1));
  return rl_header_name_is_safe(*name) && rl_header_value_is_safe(*value);
}
