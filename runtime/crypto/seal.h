/*
 * Sealed values: text that only we can read and only we can have made (XChaCha20-Poly1305, libsodium). What a client may
 * carry for us: a session in a cookie, a link that resets a password.
 *
 *   base64url( version 1 | key id 1 | nonce 24 | encrypted( issued 8 | the value ) | tag 16 )
 *                                                                                    authenticates, beside all of it:
 *              version | key id | length of name | name | purpose
 *
 * A text sealed under one name and purpose is no text under another. The nonce is random and long enough never to repeat.
 * Whatever is wrong with a text, the answer is the same RL_EDENIED: there is nothing to learn from trying.
 */
#ifndef RL_CRYPTO_SEAL_H
#define RL_CRYPTO_SEAL_H

#include "base/buf.h"
#include "crypto/keyring.h"

enum { RL_SEAL_OVERHEAD = 1 + 1 + 24 + 8 + 16 }; /* bytes beside the value, before base64 */

typedef struct rl_seal_context {
  const rl_keyring *ring; /* at least one key */
  rl_slice name;          /* of the cookie; may be empty */
  rl_slice purpose;       /* "session" */
  int64_t now_ms;         /* since 1970 */
  int64_t max_age_ms;     /* as old or older is refused; negative: no limit */
} rl_seal_context;

/* Appends the sealed value. 0 or the buffer's error; then nothing was appended. */
int rl_seal(const rl_seal_context *context, rl_slice value, rl_buf *out);

typedef struct rl_unsealed {
  int64_t issued_ms;
  unsigned key; /* index in the ring: not 0 means that it should be sealed anew */
} rl_unsealed;

/* Appends the value that was sealed. 0; RL_EDENIED: forged, cut off, too old, for something else; or RL_ENOMEM. `how` may
 * be NULL. */
int rl_unseal(const rl_seal_context *context, rl_slice text, rl_buf *out, rl_unsealed *how);

#endif
