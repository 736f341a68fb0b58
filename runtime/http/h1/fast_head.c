/* One pass over a usual request head; see fast_head.h. */
#include "http/h1/fast_head.h"

#include "base/ascii.h"

enum { LENGTH_DIGITS = 18 };

static bool is_line_end(const char *at, const char *end) { return end - at >= 2 && at[0] == '\r' && at[1] == '\n'; }

static const char *skip(const char *at, const char *end, int classes) {
  while (at < end && rl_is((unsigned char)*at, classes)) at++;
  return at;
}

/* Returns the start of the next line, or NULL. */
static const char *cut_request_line(const char *at, const char *end, rl_fast_head *head) {
  static const char version[] = {'H', 'T', 'T', 'P', '/', '1', '.'};
  const char *space = skip(at, end, RL_CHAR_ALPHA);
  head->method_name = rl_slice_of(at, (size_t)(space - at));
  if (end - space < 2 || space[0] != ' ' || space[1] != '/') return NULL;
  head->method = rl_method_of(head->method_name);
  if (head->method == RL_METHOD_NONE) return NULL;
  const char *target = space + 1, *after = skip(target, end, RL_CHAR_URI);
  head->target = rl_slice_of(target, (size_t)(after - target));
  if (end - after < 11 || *after != ' ' || memcmp(after + 1, version, sizeof version) != 0) return NULL;
  if (after[8] != '1' && after[8] != '0') return NULL;
  head->version = after[8] == '1' ? RL_HTTP_1_1 : RL_HTTP_1_0;
  return is_line_end(after + 9, end) ? after + 11 : NULL;
}

/* Counts the field that says how long the body is. Returns false if it takes a closer look. */
static bool is_usual(const rl_header *field, unsigned *lengths) {
  if (field->id == RL_HEADER_TRANSFER_ENCODING) return false;
  if (field->id != RL_HEADER_CONTENT_LENGTH) return true;
  const char *digits = field->value.data, *end = digits + field->value.len;
  return ++*lengths == 1 && field->value.len && field->value.len <= LENGTH_DIGITS &&
         skip(digits, end, RL_CHAR_DIGIT) == end;
}

/* Returns the start of the next line, or NULL. */
static const char *cut_field(const char *at, const char *end, rl_header *field) {
  const char *colon = skip(at, end, RL_CHAR_TOKEN);
  if (colon == at || colon == end || *colon != ':') return NULL;
  field->name = rl_slice_of(at, (size_t)(colon - at));
  at = colon + 1;
  size_t len = rl_header_value_end(rl_slice_of(at, (size_t)(end - at)));
  if (!is_line_end(at + len, end)) return NULL;
  field->value = rl_slice_trim(rl_slice_of(at, len));
  field->id = (uint8_t)rl_header_id_of(field->name);
  return at + len + 2;
}

/* A limit of one line or of all fields cannot be passed by a head that is not longer in all. */
static bool is_within(size_t len, size_t fields, const rl_limits *limits) {
  return len <= limits->request_line && len <= limits->field && len <= limits->fields_size && fields <= limits->fields;
}

bool rl_fast_head_cut(rl_slice in, const rl_limits *limits, rl_fast_head *head) {
  const char *end = in.data + in.len, *at = cut_request_line(in.data, end, head);
  unsigned lengths = 0;
  size_t count = 0;
  for (; at && !is_line_end(at, end); count++) {
    if (count == RL_FAST_HEAD_FIELDS) return false;
    at = cut_field(at, end, &head->fields[count]);
    if (at && !is_usual(&head->fields[count], &lengths)) return false;
  }
  if (!at) return false;
  head->field_count = count;
  head->len = (size_t)(at + 2 - in.data);
  return is_within(head->len, count, limits);
}
