/*
 * Sealed values: text that only we can read and only we can have made (XChaCha20-Poly1305, libsodium). A client may carry it: a
 * session in a cookie, a link that resets a password.
 *
 *   base64url( version 1 | key id 1 | nonce 24 | encrypted( issued 8 | the value ) | tag 16 )
 *                                                                                    authenticates, beside all of it:
 *              version | key id | length of name | name | purpose
 *
 * A text sealed under one name and purpose does not open under another. The nonce is random and long enough never to repeat.
 * Every wrong text gets the same RL_EDENIED, so that trying teaches nothing.
 */
#ifndef RL_CRYPTO_SEAL_H
#define RL_CRYPTO_SEAL_H

#include "base/buf.h"
#include "crypto/keyring.h"

enum { RL_SEAL_OVERHEAD = 1 + 1 + 24 + 8 + 16 }; /* bytes added to the value, before base64 */

typedef struct rl_seal_context {
  const rl_keyring *ring;                /* at least one key */
  rl_slice name;                         /* of the cookie; may be empty */
  rl_slice purpose;                      /* "session" */
  const uint8_t (*subkeys)[RL_KEY_SIZE]; /* of that purpose, one for each key of the ring; NULL: derived each time */
  int64_t now_ms;                        /* since 1970 */
  int64_t max_age_ms;                    /* this age and older is refused; negative: no limit */
} rl_seal_context;

/* Appends the sealed value. Returns 0, or the buffer's error with nothing appended. */
int rl_seal(const rl_seal_context *context, rl_slice value, rl_buf *out);

typedef struct rl_unsealed {
  int64_t issued_ms;
  unsigned key; /* index in the ring; not 0: the value should be sealed anew */
} rl_unsealed;

/* Appends the value that was sealed. Returns 0, RL_EDENIED (forged, cut off, too old, for something else), or RL_ENOMEM.
 * `how` may be NULL. */
int rl_unseal(const rl_seal_context *context, rl_slice text, rl_buf *out, rl_unsealed *how);

#endif
