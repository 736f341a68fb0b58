/* Parameters of header values; see params.h. */
#include "http/params.h"

#include "base/ascii.h"
#include "base/error.h"

static rl_slice from(rl_slice s, size_t at) { return rl_slice_of(s.data + at, s.len - at); }

rl_slice rl_params_begin(rl_slice value, rl_slice *rest) {
  size_t end = rl_slice_find(value, ';', 0);
  *rest = from(value, end);
  return rl_slice_trim(rl_slice_of(value.data, end));
}

static size_t token_end(rl_slice s) {
  size_t i = 0;
  while (i < s.len && rl_is((unsigned char)s.data[i], RL_CHAR_TOKEN)) i++;
  return i;
}

/* `s` starts after the opening quote. Returns the position of the closing one, or s.len. */
static size_t quote_end(rl_slice s) {
  for (size_t i = 0; i < s.len; i++) {
    if (s.data[i] == '"') return i;
    if (s.data[i] == '\\' && i + 1 < s.len && (s.data[i + 1] == '"' || s.data[i + 1] == '\\')) i++;
  }
  return s.len;
}

static int cut_value(rl_slice *s, rl_param_value *out) {
  out->quoted = s->len > 0 && s->data[0] == '"';
  if (out->quoted) *s = from(*s, 1);
  size_t end = out->quoted ? quote_end(*s) : token_end(*s);
  if (out->quoted ? end == s->len : end == 0) return RL_ESYNTAX;
  out->value = rl_slice_of(s->data, end);
  *s = from(*s, out->quoted ? end + 1 : end);
  return RL_OK;
}

int rl_params_next(rl_slice *rest, rl_param_value *out) {
  rl_slice s = rl_slice_trim(*rest);
  while (s.len && s.data[0] == ';') s = rl_slice_trim(from(s, 1)); /* empty ones are allowed */
  if (!s.len) return *rest = s, 0;
  size_t end = token_end(s);
  out->name = rl_slice_of(s.data, end);
  if (!end || end == s.len || s.data[end] != '=') return RL_ESYNTAX;
  s = from(s, end + 1);
  if (cut_value(&s, out)) return RL_ESYNTAX;
  s = rl_slice_trim(s);
  if (s.len && s.data[0] != ';') return RL_ESYNTAX;
  *rest = s;
  return 1;
}

int rl_params_find(rl_slice rest, rl_slice name, rl_param_value *out) {
  rl_param_value param;
  int code, found = 0;
  while ((code = rl_params_next(&rest, &param)) == 1) {
    if (!rl_slice_eq_nocase(param.name, name)) continue;
    if (found) return RL_ESYNTAX;
    found = 1;
    *out = param;
  }
  return code < 0 ? code : found;
}

size_t rl_params_unescape(char *value, size_t len) {
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    if (value[i] == '\\' && i + 1 < len && (value[i + 1] == '"' || value[i + 1] == '\\')) i++;
    value[n++] = value[i];
  }
  return n;
}
