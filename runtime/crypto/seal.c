/* Sealing and opening; see seal.h for the layout. */
#include "crypto/seal.h"

#include <sodium.h>

#include "base/error.h"
#include "crypto/digest.h"

enum {
  VERSION = 1,
  NONCE_SIZE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
  TAG_SIZE = crypto_aead_xchacha20poly1305_ietf_ABYTES,
  TIME_SIZE = 8,
  HEAD_SIZE = 2 + NONCE_SIZE,
  SKEW_MS = 5 * 60 * 1000 /* how far another machine's clock may be ahead of ours */
};

_Static_assert((int)RL_SEAL_OVERHEAD == (int)HEAD_SIZE + (int)TIME_SIZE + (int)TAG_SIZE, "as drawn in seal.h");
_Static_assert((int)RL_KEY_SIZE == (int)crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "one size of key");

static void put_le(uint8_t *out, uint64_t number, unsigned size) {
  for (unsigned i = 0; i < size; i++) out[i] = (uint8_t)(number >> (8 * i));
}

static uint64_t get_le(const uint8_t *in, unsigned size) {
  uint64_t number = 0;
  for (unsigned i = 0; i < size; i++) number |= (uint64_t)in[i] << (8 * i);
  return number;
}

static void wipe_and_free(rl_buf *buf) {
  if (buf->data) rl_wipe(buf->data, buf->cap);
  rl_buf_free(buf);
}

/* Builds the additional data: what the tag covers besides the value. */
static int add_context(rl_buf *out, const rl_seal_context *context, uint8_t key_id) {
  uint8_t head[6] = {VERSION, key_id};
  put_le(head + 2, context->name.len, 4);
  rl_buf_add(out, head, sizeof head);
  rl_buf_add_slice(out, context->name);
  rl_buf_add_slice(out, context->purpose);
  return out->error;
}

static void get_subkey(const rl_seal_context *context, unsigned index, uint8_t out[RL_KEY_SIZE]) {
  if (context->subkeys) memcpy(out, context->subkeys[index], RL_KEY_SIZE);
  else rl_keyring_subkey(context->ring, index, context->purpose, out);
}

/* ---- sealing --------------------------------------------------------------------------------------------------------------- */

/* Encrypts in place: head and plain text are in `box` already. */
static int encrypt(const rl_seal_context *context, rl_buf *box, rl_slice covered) {
  uint8_t key[RL_KEY_SIZE];
  unsigned long long len;
  if (rl_buf_reserve(box, TAG_SIZE)) return box->error;
  uint8_t *bytes = (uint8_t *)box->data, *plain = bytes + HEAD_SIZE;
  get_subkey(context, 0, key);
  crypto_aead_xchacha20poly1305_ietf_encrypt(plain, &len, plain, box->len - HEAD_SIZE,
                                             (const unsigned char *)covered.data, covered.len, NULL, bytes + 2, key);
  rl_wipe(key, sizeof key);
  box->len = HEAD_SIZE + (size_t)len;
  return RL_OK;
}

int rl_seal(const rl_seal_context *context, rl_slice value, rl_buf *out) {
  uint8_t head[HEAD_SIZE + TIME_SIZE] = {VERSION, context->ring->keys[0].id};
  rl_buf box, covered;
  rl_buf_init(&box, RL_BUF_NO_LIMIT);
  rl_buf_init(&covered, RL_BUF_NO_LIMIT);
  rl_random_bytes(head + 2, NONCE_SIZE);
  put_le(head + HEAD_SIZE, (uint64_t)context->now_ms, TIME_SIZE);
  rl_buf_add(&box, head, sizeof head);
  int code = rl_buf_add_slice(&box, value);
  if (!code) code = box.error;
  if (!code) code = add_context(&covered, context, head[1]);
  if (!code) code = encrypt(context, &box, rl_buf_slice(&covered));
  if (!code) code = rl_base64url_encode(out, rl_buf_slice(&box));
  wipe_and_free(&box);
  rl_buf_free(&covered);
  return code;
}

/* ---- opening --------------------------------------------------------------------------------------------------------------- */

static bool is_in_time(const rl_seal_context *context, int64_t issued_ms) {
  if (issued_ms < 0 || issued_ms > context->now_ms + SKEW_MS) return false;
  return context->max_age_ms < 0 || context->now_ms - issued_ms < context->max_age_ms;
}

/* Decrypts into `plain`, which has room. The cipher text is kept for the next key, if this one does not fit. */
static bool decrypt(const rl_seal_context *context, unsigned index, rl_slice box, rl_slice covered, rl_buf *plain) {
  uint8_t key[RL_KEY_SIZE];
  const unsigned char *bytes = (const unsigned char *)box.data;
  unsigned long long len;
  get_subkey(context, index, key);
  int failed = crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)plain->data, &len, NULL, bytes + HEAD_SIZE,
                                                          box.len - HEAD_SIZE, (const unsigned char *)covered.data,
                                                          covered.len, bytes + 2, key);
  rl_wipe(key, sizeof key);
  plain->len = failed ? 0 : (size_t)len;
  return !failed;
}

/* Tries every key that the id may name. */
static int open_box(const rl_seal_context *context, rl_slice box, rl_buf *plain, unsigned *key) {
  rl_buf covered;
  rl_buf_init(&covered, RL_BUF_NO_LIMIT);
  uint8_t id = (uint8_t)box.data[1];
  int code = add_context(&covered, context, id) || rl_buf_reserve(plain, box.len) ? RL_ENOMEM : RL_EDENIED;
  for (unsigned i = 0; code == RL_EDENIED && i < context->ring->count; i++) {
    if (context->ring->keys[i].id != id || !decrypt(context, i, box, rl_buf_slice(&covered), plain)) continue;
    *key = i;
    code = RL_OK;
  }
  rl_buf_free(&covered);
  return code;
}

static int read_plain(const rl_seal_context *context, rl_slice plain, rl_buf *out, int64_t *issued_ms) {
  *issued_ms = (int64_t)get_le((const uint8_t *)plain.data, TIME_SIZE);
  if (!is_in_time(context, *issued_ms)) return RL_EDENIED;
  return rl_buf_add(out, plain.data + TIME_SIZE, plain.len - TIME_SIZE);
}

int rl_unseal(const rl_seal_context *context, rl_slice text, rl_buf *out, rl_unsealed *how) {
  rl_buf box, plain;
  rl_unsealed found;
  rl_buf_init(&box, RL_BUF_NO_LIMIT);
  rl_buf_init(&plain, RL_BUF_NO_LIMIT);
  int code = rl_base64url_decode(&box, text);
  if (code == RL_ESYNTAX || (!code && (box.len < RL_SEAL_OVERHEAD || box.data[0] != VERSION))) code = RL_EDENIED;
  if (!code) code = open_box(context, rl_buf_slice(&box), &plain, &found.key);
  if (!code) code = read_plain(context, rl_buf_slice(&plain), out, &found.issued_ms);
  if (!code && how) *how = found;
  wipe_and_free(&plain);
  rl_buf_free(&box);
  return code;
}
