/* Charsets; see charset.h. */
#include "base/charset.h"

#include <errno.h>
#include <iconv.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/utf8.h"

enum { MOST_OF_NAME = 40, WINDOW = 4096 };

static bool is_of_name(char c) {
  return rl_is((unsigned char)c, RL_CHAR_ALPHA | RL_CHAR_DIGIT) || c == '-' || c == '_' || c == '.' || c == ':' ||
         c == '+';
}

static iconv_t open_charset(rl_slice name) {
  char text[MOST_OF_NAME + 1];
  errno = EINVAL;
  if (!name.len || name.len > MOST_OF_NAME) return (iconv_t)-1;
  for (size_t i = 0; i < name.len; i++) {
    if (!is_of_name(name.data[i])) return (iconv_t)-1;
    text[i] = name.data[i];
  }
  text[name.len] = 0;
  return iconv_open("UTF-8", text);
}

bool rl_charset_is_known(rl_slice name) {
  iconv_t open = open_charset(name);
  if (open == (iconv_t)-1) return false;
  iconv_close(open);
  return true;
}

/* Converts what fits into the window. Returns how many bytes that were, or an error. At the end of the input it writes what
 * the charset still owes (its shift state). */
static long step(iconv_t open, char **in, size_t *left, char window[WINDOW]) {
  size_t room = WINDOW;
  size_t result = *left ? iconv(open, in, left, &window, &room) : iconv(open, NULL, NULL, &window, &room);
  if (result == (size_t)-1 && errno != E2BIG) return RL_EUTF8;
  return WINDOW - (long)room;
}

static long convert(iconv_t open, rl_slice bytes, char *out) {
  char *in = (char *)(uintptr_t)bytes.data, window[WINDOW];
  size_t left = bytes.len;
  long total = 0;
  for (bool flushed = false; !flushed;) {
    flushed = !left;
    long count = step(open, &in, &left, window);
    if (count < 0) return count;
    if (!rl_utf8_valid(rl_slice_of(window, (size_t)count))) return RL_EUTF8; /* iconv accepts points beyond U+10FFFF */
    if (out) memcpy(out + total, window, (size_t)count);
    total += count;
  }
  return total;
}

long rl_charset_to_utf8(rl_slice bytes, rl_slice name, char *out) {
  iconv_t open = open_charset(name);
  if (open == (iconv_t)-1) return errno == ENOMEM ? RL_ENOMEM : RL_EUNSUPPORTED;
  long total = convert(open, bytes, out);
  iconv_close(open);
  return total;
}
