/* Errors that are ours rather than an engine's; see error.h. */
#include "data/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

int rl_sql_refused(rl_sql_error *error, int code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(error->message, sizeof error->message, format, args);
  va_end(args);
  error->code = code;
  error->extended = 0;
  error->offset = -1;
  error->running = error->is_search = false;
  error->name = error->state = error->violation = NULL;
  error->constraint_at = error->constraint_len = 0;
  rl_sql_error_mend(error);
  return code;
}

void rl_sql_error_mend(rl_sql_error *error) {
  size_t len = strlen(error->message), lead = len;
  if (len + 1 < sizeof error->message) return;
  while (lead > 0 && len - lead < 4 && (error->message[lead - 1] & 0xC0) == 0x80) lead--;
  if (lead > 0 && rl_utf8_step(error->message + lead - 1, len - lead + 1) == 0) error->message[lead - 1] = 0;
}
