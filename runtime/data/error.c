/* Errors that are ours rather than an engine's; see error.h. */
#include "data/error.h"

#include <stdarg.h>
#include <stdio.h>

int rl_sql_refused(rl_sql_error *error, int code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(error->message, sizeof error->message, format, args);
  va_end(args);
  error->code = code;
  error->extended = 0;
  error->offset = -1;
  error->running = error->is_search = false;
  error->constraint = NULL;
  return code;
}
