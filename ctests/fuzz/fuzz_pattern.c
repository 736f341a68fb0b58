/* Patterns of routes: what is taken is the source again, part by part; what is not has a reason. */
#include "server/pattern.h"

#include "base/error.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"

static void check_parts(const rl_pattern *pattern, rl_slice source) {
  rl_buf joined;
  unsigned params = 0;
  rl_buf_init(&joined, RL_BUF_NO_LIMIT);
  for (size_t i = 0; i < pattern->count; i++) {
    const rl_pattern_part *part = &pattern->parts[i];
    const char *end = part->text.data + part->text.len;
    rl_buf_addf(&joined, part->param ? "/{%.*s" : "/%.*s", RL_FMT(part->text));
    if (part->param && *end == ':') rl_buf_addf(&joined, ":%.*s", RL_FMT(part->converter));
    if (part->param) rl_buf_add_char(&joined, '}');
    params += part->param;
  }
  HOLDS(params <= RL_LIMIT_PATH_PARAMS);
  HOLDS(rl_slice_find(source, '\0', 0) < source.len || rl_slice_eq(rl_buf_slice(&joined), source));
  rl_buf_free(&joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rl_pattern pattern;
  rl_buf why;
  rl_slice source = fuzz_slice(data, size);
  rl_buf_init(&why, RL_BUF_NO_LIMIT);
  int code = rl_pattern_parse(&pattern, source, &why);
  HOLDS(code == 0 || (code == RL_ESYNTAX && why.len));
  if (!code) check_parts(&pattern, source);
  rl_pattern_free(&pattern);
  rl_buf_free(&why);
  return 0;
}
