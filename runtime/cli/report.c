/* Errors on stderr; see report.h. */
#include "cli/report.h"

#include <stdio.h>

void rl_report_error(rl_buf *why) {
  fprintf(stderr, "rille: %.*s\n", (int)why->len, why->data ? why->data : "");
  rl_buf_free(why);
}
