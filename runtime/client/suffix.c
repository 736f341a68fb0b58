/* Public suffixes; see suffix.h. */
#include "client/suffix.h"

#include <libpsl.h>
#include <uv.h>

enum { MOST = 253 };

static const psl_ctx_t *list; /* for good */
static uv_once_t once = UV_ONCE_INIT;

static void load(void) {
  list = psl_latest(NULL);
  if (!list) list = psl_builtin();
}

bool rl_suffix_is_public(rl_slice domain) {
  char text[MOST + 1];
  if (domain.len && domain.data[domain.len - 1] == '.') domain.len--;
  if (!domain.len || domain.len > MOST || !memchr(domain.data, '.', domain.len)) return true;
  uv_once(&once, load);
  memcpy(text, domain.data, domain.len);
  text[domain.len] = 0;
  return list && psl_is_public_suffix(list, text);
}
