/* libsodium under our names; see digest.h. */
#include "crypto/digest.h"

#include <sodium.h>

#include "base/ascii.h"
#include "base/error.h"

static char process_secret[32];

bool rl_crypto_init(void) {
  int code = sodium_init(); /* 1: initialised before */
  if (code == 0) randombytes_buf(process_secret, sizeof process_secret);
  return code >= 0;
}

rl_slice rl_process_secret(void) { return rl_slice_of(process_secret, sizeof process_secret); }

void rl_random_bytes(void *out, size_t size) { randombytes_buf(out, size); }

void rl_wipe(void *block, size_t size) { sodium_memzero(block, size); }

/* ---- digests -------------------------------------------------------------------------------------------------------------- */

static const unsigned char *bytes_of(rl_slice s) { return (const unsigned char *)(s.data ? s.data : ""); }

static void to_hex(const uint8_t digest[RL_SHA256_SIZE], char out[RL_SHA256_HEX]) {
  char text[RL_SHA256_HEX + 1];
  sodium_bin2hex(text, sizeof text, digest, RL_SHA256_SIZE);
  memcpy(out, text, RL_SHA256_HEX);
}

void rl_sha256_hex(rl_slice s, char out[RL_SHA256_HEX]) {
  uint8_t digest[RL_SHA256_SIZE];
  crypto_hash_sha256(digest, bytes_of(s), s.len);
  to_hex(digest, out);
}

void rl_hmac_sha256(rl_slice key, rl_slice s, uint8_t out[RL_SHA256_SIZE]) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytes_of(key), key.len);
  crypto_auth_hmacsha256_update(&state, bytes_of(s), s.len);
  crypto_auth_hmacsha256_final(&state, out);
  rl_wipe(&state, sizeof state);
}

void rl_hmac_sha256_hex(rl_slice key, rl_slice s, char out[RL_SHA256_HEX]) {
  uint8_t digest[RL_SHA256_SIZE];
  rl_hmac_sha256(key, s, digest);
  to_hex(digest, out);
}

void rl_hash(rl_slice domain, rl_slice s, uint8_t out[RL_HASH_SIZE]) {
  size_t key_len = domain.len < crypto_generichash_KEYBYTES_MAX ? domain.len : crypto_generichash_KEYBYTES_MAX;
  crypto_generichash(out, RL_HASH_SIZE, bytes_of(s), s.len, bytes_of(domain), key_len);
}

bool rl_equal_in_constant_time(rl_slice a, rl_slice b) {
  return a.len == b.len && (a.len == 0 || sodium_memcmp(a.data, b.data, a.len) == 0);
}

/* ---- base64url ------------------------------------------------------------------------------------------------------------ */

/* Tables, as for any text: what is decoded comes from outside, and what is encoded is sent. */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The value of a letter plus one; 0 if it is none. */
static const uint8_t values[256] = {
    // clang-format off
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
    // clang-format on
};

int rl_base64url_encode(rl_buf *out, rl_slice s) {
  int code = rl_buf_reserve(out, s.len / 3 * 4 + 4);
  if (code) return code;
  const uint8_t *from = bytes_of(s);
  char *to = out->data + out->len;
  size_t left = s.len;
  for (; left >= 3; left -= 3, from += 3) {
    uint32_t group = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
    for (int shift = 18; shift >= 0; shift -= 6) *to++ = alphabet[group >> shift & 63];
  }
  if (left) {
    uint32_t group = (uint32_t)from[0] << 16 | (left == 2 ? (uint32_t)from[1] << 8 : 0);
    for (int shift = 18; shift >= 12 - 6 * ((int)left - 1); shift -= 6) *to++ = alphabet[group >> shift & 63];
  }
  out->len = (size_t)(to - out->data);
  return RL_OK;
}

/* Reads up to four letters. Returns false if one of them is none. */
static inline bool read_group(const char *from, size_t count, uint32_t *group) {
  bool good = true;
  *group = 0;
  for (size_t i = 0; i < count; i++) {
    uint8_t value = values[(unsigned char)from[i]];
    good &= value != 0;
    *group = *group << 6 | (uint32_t)((value - 1) & 63);
  }
  return good;
}

int rl_base64url_decode(rl_buf *out, rl_slice text) {
  int code = rl_buf_reserve(out, text.len / 4 * 3 + 3);
  if (code) return code;
  char *to = out->data + out->len;
  size_t left = text.len;
  const char *from = text.data;
  uint32_t group;
  for (; left >= 4; left -= 4, from += 4) {
    if (!read_group(from, 4, &group)) return RL_ESYNTAX;
    *to++ = (char)(group >> 16);
    *to++ = (char)(group >> 8);
    *to++ = (char)group;
  }
  unsigned unused = left == 2   ? 4
                    : left == 3 ? 2
                                : 0; /* bits after the last byte, which must be 0: one text for one value */
  if (left == 1 || (left && !read_group(from, left, &group))) return RL_ESYNTAX;
  if (left && group & ((1u << unused) - 1)) return RL_ESYNTAX;
  if (left == 3) *to++ = (char)(group >> 10);
  if (left) *to++ = (char)(group >> unused);
  out->len = (size_t)(to - out->data);
  return RL_OK;
}
