/* Patterns of routes; see pattern.h. */
#include "server/pattern.h"

#include <string.h>

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

/* ---- what other frameworks write -------------------------------------------------------------------------------------------------- */

static rl_slice name_at(rl_slice s) {
  size_t len = 0;
  while (len < s.len && (s.data[len] == '_' || rl_is((unsigned char)s.data[len], RL_CHAR_ALPHA | RL_CHAR_DIGIT))) len++;
  return rl_slice_of(s.data, len);
}

static rl_slice from(rl_slice s, size_t at) {
  return at < s.len ? rl_slice_of(s.data + at, s.len - at) : RL_SLICE_NONE;
}

rl_slice rl_pattern_converter_of(rl_slice name) {
  static const struct {
    rl_slice theirs, ours;
  } names[] = {{{"string", 6}, {"str", 3}}, {{"integer", 7}, {"int", 3}},  {{"number", 6}, {"float", 5}},
               {{"any", 3}, {"path", 4}},   {{"double", 6}, {"float", 5}}, {{"text", 4}, {"str", 3}},
               {{"guid", 4}, {"uuid", 4}},  {{"id", 2}, {"int", 3}}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (rl_slice_eq(names[i].theirs, name)) return names[i].ours;
  return name;
}

static int meant(rl_buf *why, rl_slice segment, rl_slice name, rl_slice converter) {
  rl_buf_addf(why, "'%.*s' would be matched literally; a parameter is written {%.*s%s%.*s}", RL_FMT(segment),
              RL_FMT(name), converter.len ? ":" : "", RL_FMT(converter));
  return RL_ESYNTAX;
}

/* ":id", ":id?", ":id(\\d+)" */
static int refuse_colon(rl_slice segment, rl_buf *why) {
  rl_slice name = name_at(from(segment, 1));
  return is_name(name) ? meant(why, segment, name, RL_SLICE("")) : RL_OK;
}

/* "<id>", "<int:id>" */
static int refuse_angle(rl_slice segment, rl_buf *why) {
  size_t end = rl_slice_find(segment, '>', 0), colon = rl_slice_find(segment, ':', 0);
  if (end == segment.len) return RL_OK;
  bool typed = colon < end;
  rl_slice name = name_at(from(segment, typed ? colon + 1 : 1));
  rl_slice converter = typed ? rl_pattern_converter_of(rl_slice_of(segment.data + 1, colon - 1)) : RL_SLICE("");
  return is_name(name) ? meant(why, segment, name, converter) : RL_OK;
}

/* "*", "*rest", "**" */
static int refuse_star(rl_slice segment, rl_buf *why) {
  size_t at = 0;
  while (at < segment.len && segment.data[at] == '*') at++;
  rl_slice name = name_at(from(segment, at));
  return meant(why, segment, is_name(name) ? name : RL_SLICE("rest"), RL_SLICE("path"));
}

static int expression_is(rl_slice segment, rl_buf *why) {
  rl_buf_addf(why,
              "'%.*s' would be matched literally; a pattern of your own is a converter: app:converter(\"name\", "
              "{pattern = a Lua pattern}), then {id:name}",
              RL_FMT(segment));
  return RL_ESYNTAX;
}

/* "(\\d+)", "([a-z]+)" */
static int refuse_expression(rl_slice segment, rl_buf *why) {
  bool expression = false;
  for (size_t i = 1; i < segment.len; i++) expression = expression || strchr("\\[*+", segment.data[i]);
  return expression ? expression_is(segment, why) : RL_OK;
}

/* "[id]", "[...rest]", "[a-z]+" */
static int refuse_bracket(rl_slice segment, rl_buf *why) {
  size_t at = segment.len > 4 && memcmp(segment.data, "[...", 4) == 0 ? 4 : 1;
  rl_slice name = name_at(from(segment, at));
  bool closed = at + name.len + 1 == segment.len && segment.data[segment.len - 1] == ']';
  if (!is_name(name) || !closed) return refuse_expression(segment, why);
  return meant(why, segment, name, at == 4 ? RL_SLICE("path") : RL_SLICE(""));
}

/* "%d+": no escape of a URL begins so */
static int refuse_class(rl_slice segment, rl_buf *why) {
  bool class = segment.len == 3 && strchr("adlsuwxADLSUWX", segment.data[1]) && strchr("+*-", segment.data[2]);
  return class ? expression_is(segment, why) : RL_OK;
}

static int refuse_query(rl_slice segment, rl_buf *why) {
  if (rl_slice_find(segment, '?', 0) == segment.len) return RL_OK;
  rl_buf_addf(why, "'%.*s': a path has no query; its fields are in req.query", RL_FMT(segment));
  return RL_ESYNTAX;
}

static int refuse_foreign(rl_slice segment, rl_buf *why) {
  switch (segment.len ? segment.data[0] : 0) {
    case ':': return refuse_colon(segment, why);
    case '<': return refuse_angle(segment, why);
    case '*': return refuse_star(segment, why);
    case '(': return refuse_expression(segment, why);
    case '[': return refuse_bracket(segment, why);
    case '%': return refuse_class(segment, why);
    default: return refuse_query(segment, why);
  }
}

/* Text as a Lua pattern that finds just that. */
static void add_escaped(rl_buf *out, rl_slice text) {
  for (size_t i = 0; i < text.len; i++) {
    if (!rl_is((unsigned char)text.data[i], RL_CHAR_ALPHA | RL_CHAR_DIGIT)) rl_buf_add_char(out, '%');
    rl_buf_add_char(out, text.data[i]);
  }
}

/* "{name}.json" */
static int refuse_mixed(rl_slice segment, rl_buf *why) {
  size_t opens = rl_slice_find(segment, '{', 0), closes = rl_slice_find(segment, '}', 0);
  rl_buf_addf(why, "'%.*s' mixes text and a parameter, and a parameter is a whole segment", RL_FMT(segment));
  rl_slice name = name_at(from(segment, opens + 1));
  if (closes == segment.len || opens > closes || !is_name(name)) return RL_ESYNTAX;
  rl_buf_addf(
      why,
      ": write {%.*s} and look at its text in the handler, or {%.*s:file} with app:converter(\"file\", {pattern = \"",
      RL_FMT(name), RL_FMT(name));
  add_escaped(why, rl_slice_of(segment.data, opens));
  rl_buf_addf(why, ".+");
  add_escaped(why, from(segment, closes + 1));
  rl_buf_addf(why, "\"})");
  return RL_ESYNTAX;
}

/* ---- parts ---------------------------------------------------------------------------------------------------------------------------- */

/* "{id:int}" without its braces. */
static int parse_param(rl_pattern_part *part, rl_slice inside, rl_buf *why) {
  size_t colon = rl_slice_find(inside, ':', 0);
  part->param = true;
  part->text = rl_slice_of(inside.data, colon);
  part->converter = colon < inside.len ? rl_slice_of(inside.data + colon + 1, inside.len - colon - 1) : RL_SLICE("str");
  if (is_name(part->text)) return RL_OK;
  rl_buf_addf(why, "'{%.*s}' is not a parameter: expected {name} or {name:converter}", RL_FMT(inside));
  if (inside.len > 1 && inside.data[inside.len - 1] == '?')
    rl_buf_addf(why, "; for an optional part, register two routes, one without it");
  return RL_ESYNTAX;
}

static int parse_segment(rl_pattern_part *part, rl_slice segment, rl_buf *why) {
  bool opens = segment.len >= 2 && segment.data[0] == '{' && segment.data[segment.len - 1] == '}';
  if (opens) return parse_param(part, rl_slice_of(segment.data + 1, segment.len - 2), why);
  part->text = segment;
  if (rl_slice_find(segment, '{', 0) == segment.len && rl_slice_find(segment, '}', 0) == segment.len)
    return refuse_foreign(segment, why);
  return refuse_mixed(segment, why);
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
    rl_buf_addf(why, "a path starts with '/': write '/%.*s'", RL_FMT(source));
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
