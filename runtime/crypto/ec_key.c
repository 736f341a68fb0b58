/* Keys on P-256; see ec_key.h. */
#include "crypto/ec_key.h"

#include <openssl/core_names.h>
#include <string.h>

#include "base/error.h"
#include "crypto/digest.h"
#include "crypto/openssl.h"

enum { HALF = 32, MOST_DER = 80 /* of a signature: 72 */ };

static int load(void) {
  const char *why;
  int code = rl_openssl_load(&why);
  if (!code) rl_openssl.ERR_clear_error();
  return code ? RL_EIO : RL_OK;
}

static int add_pkcs8(const EVP_PKEY *pkey, rl_buf *out) {
  unsigned char *der = NULL;
  PKCS8_PRIV_KEY_INFO *info = rl_openssl.EVP_PKEY2PKCS8(pkey);
  int len = info ? rl_openssl.i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
  int code = len > 0 ? rl_buf_add(out, der, (size_t)len) : RL_EIO;
  rl_openssl.PKCS8_PRIV_KEY_INFO_free(info);
  if (len > 0) rl_openssl.CRYPTO_clear_free(der, (size_t)len, __FILE__, __LINE__);
  return code;
}

int rl_ec_key_new(rl_buf *key) {
  if (load()) return RL_EIO;
  EVP_PKEY *pkey = rl_openssl.EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
  if (!pkey) return RL_EIO;
  int code = add_pkcs8(pkey, key);
  rl_openssl.EVP_PKEY_free(pkey);
  return code;
}

static bool is_p256(const EVP_PKEY *pkey) {
  char name[32];
  return rl_openssl.EVP_PKEY_is_a(pkey, "EC") &&
         rl_openssl.EVP_PKEY_get_group_name(pkey, name, sizeof name, NULL) == 1 && strcmp(name, "prime256v1") == 0;
}

EVP_PKEY *rl_ec_key_open(rl_slice key) {
  const unsigned char *at = (const unsigned char *)key.data;
  if (!key.len || key.len > 4096) return NULL;
  EVP_PKEY *pkey = rl_openssl.d2i_AutoPrivateKey(NULL, &at, (long)key.len);
  if (pkey && is_p256(pkey)) return pkey;
  rl_openssl.EVP_PKEY_free(pkey);
  return NULL;
}

static bool write_number(const EVP_PKEY *pkey, const char *name, uint8_t *out) {
  BIGNUM *number = NULL;
  bool done =
      rl_openssl.EVP_PKEY_get_bn_param(pkey, name, &number) == 1 && rl_openssl.BN_bn2binpad(number, out, HALF) == HALF;
  rl_openssl.BN_free(number);
  return done;
}

int rl_ec_key_public(rl_slice key, uint8_t point[RL_EC_KEY_POINT]) {
  if (load()) return RL_EIO;
  EVP_PKEY *pkey = rl_ec_key_open(key);
  if (!pkey) return RL_EINVALID;
  bool done =
      write_number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, point) && write_number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, point + HALF);
  rl_openssl.EVP_PKEY_free(pkey);
  return done ? RL_OK : RL_EIO;
}

/* OpenSSL signs as X.509 wants it, a sequence of two integers; JWS wants two numbers of fixed length. */
static bool unpack(const unsigned char *der, size_t len, uint8_t *out) {
  const BIGNUM *r = NULL, *s = NULL;
  ECDSA_SIG *pair = rl_openssl.d2i_ECDSA_SIG(NULL, &der, (long)len);
  if (pair) rl_openssl.ECDSA_SIG_get0(pair, &r, &s);
  bool done =
      pair && rl_openssl.BN_bn2binpad(r, out, HALF) == HALF && rl_openssl.BN_bn2binpad(s, out + HALF, HALF) == HALF;
  rl_openssl.ECDSA_SIG_free(pair);
  return done;
}

int rl_ec_key_sign(rl_slice key, rl_slice message, uint8_t signature[RL_EC_KEY_SIGNATURE]) {
  unsigned char der[MOST_DER];
  size_t len = sizeof der;
  if (load()) return RL_EIO;
  EVP_PKEY *pkey = rl_ec_key_open(key);
  if (!pkey) return RL_EINVALID;
  EVP_MD_CTX *context = rl_openssl.EVP_MD_CTX_new();
  bool done = context && rl_openssl.EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, pkey, NULL) == 1 &&
              rl_openssl.EVP_DigestSign(context, der, &len, (const unsigned char *)message.data, message.len) == 1 &&
              unpack(der, len, signature);
  rl_openssl.EVP_MD_CTX_free(context);
  rl_openssl.EVP_PKEY_free(pkey);
  return done ? RL_OK : RL_EIO;
}
