/* argon2id by libsodium; see password.h. */
#include "crypto/password.h"

#include <errno.h>
#include <sodium.h>

#include "base/error.h"

_Static_assert((int)RL_PASSWORD_HASH == (int)crypto_pwhash_STRBYTES, "room for any hash");

/* A hash whose salt and digest are random bytes: no known password leads there. */
const rl_slice rl_password_of_nobody =
    RL_SLICE("$argon2id$v=19$m=65536,t=2,p=1$Ce6XBwiWLxjN6Xy5PEGJtA$tGFl/FrSbVNA6K3G8nHz7+aXGSEVlMgL0jCU31OntHA");

/* Copies a hash into a block of libsodium's size, with a NUL. Returns false if it cannot be one. */
static bool copy_hash(rl_slice hash, char out[RL_PASSWORD_HASH]) {
  if (hash.len >= RL_PASSWORD_HASH || rl_slice_find(hash, 0, 0) < hash.len) return false;
  memset(out, 0, RL_PASSWORD_HASH);
  if (hash.len) memcpy(out, hash.data, hash.len);
  return true;
}

int rl_password_hash(rl_slice password, char out[RL_PASSWORD_HASH]) {
  if (!rl_password_fits(password)) return RL_EINVALID;
  int failed = crypto_pwhash_str_alg(out, password.data, password.len, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                     crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13);
  return failed ? RL_ENOMEM : RL_OK;
}

/* libsodium returns -1 for a mismatch and for lack of memory; only the second sets ENOMEM. */
int rl_password_verify(rl_slice password, rl_slice hash) {
  char text[RL_PASSWORD_HASH];
  if (!rl_password_fits(password) || !copy_hash(hash, text)) return RL_EDENIED;
  errno = 0;
  if (crypto_pwhash_str_verify(text, password.data, password.len) == 0) return RL_OK;
  return errno == ENOMEM ? RL_ENOMEM : RL_EDENIED;
}

bool rl_password_is_stale(rl_slice hash) {
  char text[RL_PASSWORD_HASH];
  return !copy_hash(hash, text) || crypto_pwhash_str_needs_rehash(text, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                                                  crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0;
}
