/*
 * Bytes as ASCII, without a locale: classes by table, so that a parser asks one load per byte.
 * Sources: RFC 9110 section 5.6.2 (token), RFC 3986 (uri), RFC 9110 section 5.5 (field value).
 */
#ifndef RL_BASE_ASCII_H
#define RL_BASE_ASCII_H

#include <stdbool.h>
#include <stdint.h>

enum {
  RL_CHAR_TOKEN = 1, /* tchar: letters, digits and !#$%&'*+-.^_`|~ */
  RL_CHAR_DIGIT = 2,
  RL_CHAR_HEX = 4,
  RL_CHAR_ALPHA = 8,
  RL_CHAR_URI = 16,        /* may stand in a request target: unreserved, reserved but '#', '%' and brackets */
  RL_CHAR_UNRESERVED = 32, /* letters, digits and -._~ */
  RL_CHAR_FIELD = 64,      /* may stand in a field value: HTAB, SP, VCHAR, obs-text */
  RL_CHAR_HOST = 128       /* may stand in a registered name: unreserved and sub-delims, without ',' */
};

extern const uint8_t rl_char_class[256];

static inline bool rl_is(unsigned char c, int classes) { return (rl_char_class[c] & classes) != 0; }

static inline char rl_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c; }

static inline char rl_upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c; }

/* Returns 0 to 15, or -1 if it is no hex digit. */
static inline int rl_hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char low = rl_lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

#endif
