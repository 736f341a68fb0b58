/* Public suffixes; see suffix.h. */
#include "client/suffix.h"

#include <libpsl.h>
#include <string.h>

#include "base/error.h"
#include "base/shared_object.h"

enum { MOST = 253 };

static struct {
  __typeof__(psl_latest) *latest;
  __typeof__(psl_builtin) *builtin;
  __typeof__(psl_is_public_suffix) *is_public_suffix;
} psl;

static const psl_ctx_t *list; /* for good */

static bool read_list(void) {
  list = psl.latest(NULL);
  if (!list) list = psl.builtin();
  return list != NULL;
}

static bool load(void) {
  static const char *const names[] = {"psl_latest", "psl_builtin", "psl_is_public_suffix"};
  static rl_shared_object library = {.file = "libpsl.so.5",
                                     .title = "libpsl",
                                     .package = "libpsl5",
                                     .names = names,
                                     .count = sizeof names / sizeof *names,
                                     .table = &psl,
                                     .prepare = read_list};
  const char *ignored;
  return rl_shared_object_load(&library, &ignored) == RL_OK;
}

bool rl_suffix_is_public(rl_slice domain) {
  char text[MOST + 1];
  if (domain.len && domain.data[domain.len - 1] == '.') domain.len--;
  if (!domain.len || domain.len > MOST || !memchr(domain.data, '.', domain.len) || !load()) return true;
  memcpy(text, domain.data, domain.len);
  text[domain.len] = 0;
  return psl.is_public_suffix(list, text);
}
