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

enum { ALPHABET = sodium_base64_VARIANT_URLSAFE_NO_PADDING };

int rl_base64url_encode(rl_buf *out, rl_slice s) {
  size_t room = sodium_base64_encoded_len(s.len, ALPHABET); /* with a NUL */
  int code = rl_buf_reserve(out, room);
  if (code) return code;
  sodium_bin2base64(out->data + out->len, room, bytes_of(s), s.len, ALPHABET);
  out->len += room - 1;
  return RL_OK;
}

/* Checks the alphabet itself: sodium_base642bin of 1.0.18 takes some bytes above 127 for letters of it. */
static bool is_alphabet(rl_slice text) {
  for (size_t i = 0; i < text.len; i++)
    if (!rl_is((unsigned char)text.data[i], RL_CHAR_ALPHA | RL_CHAR_DIGIT) && text.data[i] != '-' &&
        text.data[i] != '_')
      return false;
  return true;
}

int rl_base64url_decode(rl_buf *out, rl_slice text) {
  if (!is_alphabet(text)) return RL_ESYNTAX;
  size_t room = text.len / 4 * 3 + 3, len;
  int code = rl_buf_reserve(out, room);
  if (code) return code;
  unsigned char *to = (unsigned char *)out->data + out->len;
  if (sodium_base642bin(to, room, text.data ? text.data : "", text.len, NULL, &len, NULL, ALPHABET)) return RL_ESYNTAX;
  out->len += len;
  return RL_OK;
}
