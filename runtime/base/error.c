/* The error table of error.h, turned into look-ups. */
#include "base/error.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/descriptors.h"

typedef struct error_row {
  int code;
  int status;
  const char *name, *word, *text;
} error_row;

static const error_row rows[] = {
#define X(name, number, word, status, text) {number, status, #name, word, text},
    RL_ERROR_MAP(X)
#undef X
};

static const error_row *find(int code) {
  static const error_row ok = {0, 200, "OK", "ok", "no error"};
  static const error_row unknown = {0, 500, "UNKNOWN", "unknown", "unknown error"};
  if (code == 0) return &ok;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].code == code) return &rows[i];
  return &unknown;
}

int rl_error_of_word(const char *word) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].word, word) == 0) return rows[i].code;
  return 0;
}

const char *rl_error_name(int code) { return find(code)->name; }
const char *rl_error_word(int code) { return find(code)->word; }
const char *rl_error_text(int code) { return find(code)->text; }
int rl_error_status(int code) { return find(code)->status; }

int rl_error_from_errno(int saved_errno) {
  switch (saved_errno) {
    case 0: return RL_OK;
    case ENOMEM:
    case ENOBUFS:
    case EMFILE:
    case ENFILE: return rl_descriptors_check_errno(saved_errno);
#if EAGAIN != EWOULDBLOCK
    case EWOULDBLOCK:
#endif
    case EAGAIN: return RL_EAGAIN;
    case EPIPE:
    case ECONNRESET: return RL_ERESET;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH: return RL_ECONNECT;
    case ETIMEDOUT: return RL_ETIMEOUT;
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG: return RL_ENOTFOUND;
    case EACCES:
    case EPERM: return RL_EDENIED;
    case EEXIST: return RL_EEXISTS;
    case ENOSPC:
    case EDQUOT: return RL_EFULL;
    case EINVAL: return RL_EINVALID;
    default: return RL_EIO;
  }
}
