/*
 * The token that a form carries so that another site cannot send it: an HMAC of the session's id, by a key of the secret.
 * Nothing is stored; a new identity has a new token, an old one serves every form of its session.
 *
 *   base64url( mask 32 | mask xor HMAC-SHA256(subkey "csrf", id) )
 *
 * The mask is fresh each time, so that a compressed page does not leak the token by its length (BREACH).
 */
#ifndef RL_SESSION_CSRF_H
#define RL_SESSION_CSRF_H

#include "crypto/keyring.h"
#include "session/store.h"

/* Appends a token. 0 or the buffer's error. */
int rl_csrf_token(const rl_keyring *ring, const uint8_t id[RL_SESSION_ID], rl_buf *out);
/* Returns true if `token` is one of that session, by any key of the ring. Takes constant time, and no memory: a good token is
 * never refused because memory has run out. */
bool rl_csrf_check(const rl_keyring *ring, const uint8_t id[RL_SESSION_ID], rl_slice token);

#endif
