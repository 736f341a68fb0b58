/* Decoding urlencoded forms; see form.h. */
#include "http/form.h"

#include "base/error.h"
#include "base/url.h"
#include "base/utf8.h"

void rl_form_init(rl_form *form, rl_slice body, size_t most, bool utf8) {
  *form = (rl_form){.rest = body, .most = most, .utf8 = utf8};
  rl_buf_init(&form->pair, RL_BUF_NO_LIMIT);
}

void rl_form_free(rl_form *form) { rl_buf_free(&form->pair); }

/* Decodes after what is in `pair` already; room was made. */
static int decode(rl_form *form, rl_slice text, rl_slice *out) {
  char *to = form->pair.data + form->pair.len;
  long len = rl_url_decode(text, true, to);
  if (len < 0) return (int)len;
  *out = rl_slice_of(to, (size_t)len);
  form->pair.len += (size_t)len;
  if (rl_slice_find(*out, 0, 0) < out->len) return RL_ESYNTAX;
  return form->utf8 && !rl_utf8_valid(*out) ? RL_EUTF8 : RL_OK;
}

int rl_form_next(rl_form *form, rl_slice *name, rl_slice *value) {
  rl_slice raw_name, raw_value;
  if (!rl_query_next(&form->rest, &raw_name, &raw_value)) return 0;
  if (form->fields++ == form->most) return RL_ETOOBIG;
  rl_buf_clear(&form->pair);
  int code = rl_buf_reserve(&form->pair, raw_name.len + raw_value.len + 1);
  if (!code) code = decode(form, raw_name, name);
  if (!code) code = decode(form, raw_value, value);
  return code ? code : 1;
}
