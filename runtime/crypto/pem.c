/* Blocks of PEM; see pem.h. */
#define _GNU_SOURCE /* memmem */
#include "crypto/pem.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "crypto/digest.h"

enum { LINE = 64, ALPHABET = sodium_base64_VARIANT_ORIGINAL };

static int add_lines(rl_buf *out, rl_slice der) {
  char line[LINE + 1];
  for (size_t at = 0, piece; at < der.len; at += piece) {
    piece = der.len - at < LINE / 4 * 3 ? der.len - at : LINE / 4 * 3;
    sodium_bin2base64(line, sizeof line, (const unsigned char *)der.data + at, piece, ALPHABET);
    rl_buf_add_str(out, line);
    rl_buf_add_char(out, '\n');
  }
  rl_wipe(line, sizeof line); /* it may be a key */
  return out->error;
}

int rl_pem_encode(rl_buf *out, const char *label, rl_slice der) {
  rl_buf_addf(out, "-----BEGIN %s-----\n", label);
  add_lines(out, der);
  return rl_buf_addf(out, "-----END %s-----\n", label);
}

/* Returns the place of "-----BEGIN label-----", or NULL; `what` is BEGIN or END. */
static const char *find_line(rl_slice text, const char *what, const char *label, size_t *len) {
  char line[80];
  int written = snprintf(line, sizeof line, "-----%s %s-----", what, label);
  *len = (size_t)written;
  return text.len ? memmem(text.data, text.len, line, *len) : NULL;
}

static void skip_to(rl_slice *text, const char *at) {
  text->len -= (size_t)(at - text->data);
  text->data = at;
}

int rl_pem_next(rl_slice *text, const char *label, rl_buf *out) {
  size_t len, written;
  const char *begin = find_line(*text, "BEGIN", label, &len);
  if (!begin) return RL_ENOTFOUND;
  skip_to(text, begin + len);
  const char *body = text->data, *end = find_line(*text, "END", label, &len);
  if (!end) return skip_to(text, text->data + text->len), RL_ESYNTAX;
  skip_to(text, end + len);
  size_t room = (size_t)(end - body) / 4 * 3 + 3;
  if (rl_buf_reserve(out, room)) return out->error;
  unsigned char *to = (unsigned char *)out->data + out->len;
  if (sodium_base642bin(to, room, body, (size_t)(end - body), " \t\r\n", &written, NULL, ALPHABET)) return RL_ESYNTAX;
  out->len += written;
  return RL_OK;
}
