/* A strict reader of answers; see answers.h. It does not use rille's own parsers, so that it can find their mistakes. */
#include "support/answers.h"

#include <stdlib.h>
#include <strings.h>

static void skip(rl_slice *s, size_t count) { *s = rl_slice_of(s->data + count, s->len - count); }

/* Takes a line with its CR LF off the front; Returns false if there is none. A bare CR or LF is none. */
static bool take_line(rl_slice *rest, rl_slice *line) {
  const char *lf = memchr(rest->data, '\n', rest->len);
  if (!lf || lf == rest->data || lf[-1] != '\r') return false;
  *line = rl_slice_of(rest->data, (size_t)(lf - 1 - rest->data));
  if (memchr(line->data, '\r', line->len)) return false;
  skip(rest, line->len + 2);
  return true;
}

static const char *take_status(rl_slice *rest, seen_answer *a) {
  rl_slice line;
  if (!take_line(rest, &line)) return "no status line";
  if (line.len < 13 || memcmp(line.data, "HTTP/1.1 ", 9) != 0 || line.data[12] != ' ') return "a bad status line";
  a->status = atoi(line.data + 9);
  return a->status < 100 || a->status > 599 ? "a bad status" : NULL;
}

static const char *check_field(rl_slice line) {
  size_t colon = rl_slice_find(line, ':', 0);
  if (!colon || colon == line.len) return "a field without a name";
  for (size_t i = 0; i < line.len; i++) {
    unsigned char c = (unsigned char)line.data[i];
    if ((c < 0x20 && c != '\t') || c == 0x7F || (i < colon && c <= ' ')) return "a control character in a field";
  }
  return NULL;
}

static const char *take_fields(rl_slice *rest, rl_slice *fields) {
  const char *from = rest->data;
  for (rl_slice line; take_line(rest, &line);) {
    if (!line.len) {
      *fields = rl_slice_of(from, (size_t)(line.data - from));
      return NULL;
    }
    const char *why = check_field(line);
    if (why) return why;
  }
  return "a head without an end";
}

size_t seen_answer_field(const seen_answer *answer, const char *name, rl_slice *value) {
  rl_slice rest = answer->head, line;
  size_t count = 0, len = strlen(name);
  while (rest.len && take_line(&rest, &line)) {
    if (line.len <= len || line.data[len] != ':' || strncasecmp(line.data, name, len) != 0) continue;
    if (!count++ && value) *value = rl_slice_trim(rl_slice_of(line.data + len + 1, line.len - len - 1));
  }
  return count;
}

static const char *take_counted(rl_slice *rest, seen_answer *a, rl_slice length) {
  char *end;
  unsigned long long size = strtoull(length.data, &end, 10);
  if (end != length.data + length.len) return "a bad Content-Length";
  size_t here = size < rest->len ? (size_t)size : rest->len;
  rl_buf_add(&a->body, rest->data, here);
  skip(rest, here);
  a->complete = here == size;
  return NULL;
}

static const char *take_chunks(rl_slice *rest, seen_answer *a) {
  rl_slice line, trailers;
  a->complete = false;
  while (take_line(rest, &line)) {
    char *end;
    size_t size = strtoul(line.data, &end, 16);
    if (!line.len || end != line.data + line.len) return "a bad chunk size";
    if (!size) {
      const char *why = take_fields(rest, &trailers);
      a->complete = !why;
      return rest->len ? why : NULL;
    }
    size_t here = size < rest->len ? size : rest->len;
    rl_buf_add(&a->body, rest->data, here);
    skip(rest, here);
    if (!rest->len) return NULL;
    if (!take_line(rest, &line) || line.len) return "a chunk without its end";
  }
  return NULL;
}

const char *seen_answer_next(rl_slice *rest, bool head_only, seen_answer *a) {
  rl_slice length, coding;
  memset(a, 0, sizeof *a);
  rl_buf_init(&a->body, RL_BUF_NO_LIMIT);
  a->complete = true;
  const char *why = take_status(rest, a);
  if (!why) why = take_fields(rest, &a->head);
  if (why) return why;
  size_t lengths = seen_answer_field(a, "content-length", &length);
  size_t codings = seen_answer_field(a, "transfer-encoding", &coding);
  if (lengths + codings > 1) return "more than one of Content-Length and Transfer-Encoding";
  bool bodiless = a->status < 200 || a->status == 204 || a->status == 304;
  if (a->status < 200 || a->status == 204)
    if (lengths || codings) return "a length where there is no body";
  if (bodiless || head_only) return NULL;
  if (lengths) return take_counted(rest, a, length);
  if (codings) return rl_slice_eq(coding, RL_SLICE("chunked")) ? take_chunks(rest, a) : "an unknown coding";
  rl_buf_add_slice(&a->body, *rest);
  skip(rest, rest->len);
  return NULL;
}
