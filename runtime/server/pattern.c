/* Patterns of routes; see pattern.h. */
#include "server/pattern.h"

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "base/limits.h"

static bool is_name(rl_slice s) {
  for (size_t i = 0; i < s.len; i++)
    if (s.data[i] != '_' && !rl_is((unsigned char)s.data[i], i ? RL_CHAR_ALPHA | RL_CHAR_DIGIT : RL_CHAR_ALPHA))
      return false;
  return s.len > 0;
}

/* "{id:int}" without its braces. */
static int parse_param(rl_pattern_part *part, rl_slice inside, rl_buf *why) {
  size_t colon = rl_slice_find(inside, ':', 0);
  part->param = true;
  part->text = rl_slice_of(inside.data, colon);
  part->converter = colon < inside.len ? rl_slice_of(inside.data + colon + 1, inside.len - colon - 1) : RL_SLICE("str");
  if (is_name(part->text)) return RL_OK;
  rl_buf_addf(why, "'{%.*s}' is not a parameter: expected {name} or {name:converter}", RL_FMT(inside));
  return RL_ESYNTAX;
}

static int parse_segment(rl_pattern_part *part, rl_slice segment, rl_buf *why) {
  bool opens = segment.len >= 2 && segment.data[0] == '{' && segment.data[segment.len - 1] == '}';
  if (opens) return parse_param(part, rl_slice_of(segment.data + 1, segment.len - 2), why);
  part->text = segment;
  if (rl_slice_find(segment, '{', 0) == segment.len && rl_slice_find(segment, '}', 0) == segment.len) return RL_OK;
  rl_buf_addf(why, "'%.*s' mixes text and a parameter: {name} is a whole segment", RL_FMT(segment));
  return RL_ESYNTAX;
}

static bool is_repeated(const rl_pattern *pattern, rl_slice name) {
  for (size_t i = 0; i < pattern->count; i++)
    if (pattern->parts[i].param && rl_slice_eq(pattern->parts[i].text, name)) return true;
  return false;
}

static int add_segment(rl_pattern *pattern, rl_slice segment, unsigned *params, rl_buf *why) {
  rl_pattern_part part = {.text = segment};
  int code = parse_segment(&part, segment, why);
  if (code) return code;
  if (part.param && is_repeated(pattern, part.text)) {
    rl_buf_addf(why, "parameter '%.*s' stands twice", RL_FMT(part.text));
    return RL_ESYNTAX;
  }
  if (part.param && ++*params > RL_LIMIT_PATH_PARAMS) {
    rl_buf_addf(why, "more than %u parameters", RL_LIMIT_PATH_PARAMS);
    return RL_ESYNTAX;
  }
  pattern->parts[pattern->count++] = part;
  return RL_OK;
}

int rl_pattern_parse(rl_pattern *pattern, rl_slice source, rl_buf *why) {
  *pattern = (rl_pattern){0};
  if (!source.len || source.data[0] != '/') {
    rl_buf_addf(why, "a path starts with '/'");
    return RL_ESYNTAX;
  }
  size_t segments = 0;
  for (size_t i = 0; i < source.len; i++) segments += source.data[i] == '/';
  pattern->source = rl_strndup(source.data, source.len);
  pattern->parts = rl_calloc(segments, sizeof *pattern->parts);
  if (!pattern->source || !pattern->parts) return RL_ENOMEM;
  rl_slice rest = {pattern->source + 1, source.len - 1};
  unsigned params = 0;
  for (;;) {
    size_t end = rl_slice_find(rest, '/', 0);
    int code = add_segment(pattern, rl_slice_of(rest.data, end), &params, why);
    if (code) return code;
    if (end == rest.len) return RL_OK;
    rest = rl_slice_of(rest.data + end + 1, rest.len - end - 1);
  }
}

void rl_pattern_free(rl_pattern *pattern) {
  rl_free(pattern->source);
  rl_free(pattern->parts);
  *pattern = (rl_pattern){0};
}
