/*
 * Errors: one table, one type.
 *
 * Every function of the C core that can fail returns an int: 0, or one of the negative codes below. No errno crosses a
 * room's border. The table is an X-macro (libuv's UV_ERRNO_MAP), so that number, name, HTTP status and text cannot drift
 * apart:
 *
 *   X(NAME, number, word, status, text)
 *     NAME    RL_E<NAME> in C
 *     word    the `code` of the Lua error value (docs/errors.md)
 *     status  the response status when the error reaches the top of a handler
 *     text    one line for people
 */
#ifndef RL_BASE_ERROR_H
#define RL_BASE_ERROR_H

#define RL_ERROR_MAP(X)                                                  \
  X(NOMEM, -1, "memory", 503, "out of memory")                           \
  X(TOOBIG, -2, "too_large", 413, "larger than its limit")               \
  X(AGAIN, -3, "again", 503, "would block, try again later")             \
  X(EOF, -4, "closed", 499, "the other side closed the connection")      \
  X(IO, -5, "io", 500, "input or output failed")                         \
  X(INVALID, -6, "invalid", 400, "not valid")                            \
  X(SYNTAX, -7, "syntax", 400, "malformed")                              \
  X(RANGE, -8, "range", 400, "number out of range")                      \
  X(DEPTH, -9, "depth", 400, "nested too deeply")                        \
  X(UTF8, -10, "utf8", 400, "not valid UTF-8")                           \
  X(NOTFOUND, -11, "not_found", 404, "not found")                        \
  X(EXISTS, -12, "exists", 500, "exists already")                        \
  X(TIMEOUT, -13, "timeout", 504, "timed out")                           \
  X(CANCELLED, -14, "cancelled", 503, "cancelled")                       \
  X(BUSY, -15, "busy", 503, "busy, try again later")                     \
  X(CLOSED, -16, "closed", 500, "used after it was closed")              \
  X(CONNECT, -17, "connect", 502, "could not connect")                   \
  X(RESET, -18, "reset", 502, "connection reset")                        \
  X(SQL, -19, "sql", 500, "the database refused")                        \
  X(DENIED, -20, "denied", 403, "not permitted")                         \
  X(FULL, -21, "full", 507, "no space left")                             \
  X(UNSUPPORTED, -22, "unsupported", 415, "not supported")               \
  X(TLS, -23, "tls", 502, "no secure connection")                        \
  X(PROTOCOL, -24, "protocol", 502, "the other side broke the protocol") \
  X(NOFILES, -25, "busy", 503, "out of file descriptors")                \
  X(URL, -26, "url", 400, "no URL that can be fetched")

typedef enum rl_error {
  RL_OK = 0,
#define X(name, number, word, status, text) RL_E##name = (number),
  RL_ERROR_MAP(X)
#undef X
} rl_error;

/* Returns the NAME of a code, without RL_E ("NOMEM"); "UNKNOWN" for a number that is not in the table. Static strings. */
const char *rl_error_name(int code);
/* Returns the word that Lua sees as `code` ("memory"). */
const char *rl_error_word(int code);
/* Returns the code of a word, the first in the table; 0 if there is none. */
int rl_error_of_word(const char *word);
/* Returns one line for people ("out of memory"). */
const char *rl_error_text(int code);
/* Returns the HTTP status that a client sees; 500 for an unknown code. */
int rl_error_status(int code);

#endif
