/*
 * Sessions that their cookie carries, sealed (crypto/seal.h): nothing is kept here and any worker of any machine that has
 * the secret can read them.
 *
 *   sealed( id 32 | created 8 | data )      name and value together at most 4096 bytes, or browsers drop the cookie
 *
 * Nobody can call back a copy of such a cookie. So a session that was taken back (logout, renewal at login) is
 * remembered by its id until every copy has expired, in a table of this process: bounded, gone at a restart, not shared by
 * machines. If that is not enough, keep sessions in a database.
 */
#ifndef RL_SESSION_SEALED_H
#define RL_SESSION_SEALED_H

#include "crypto/keyring.h"
#include "session/memory.h"

/* `ring`, which gets no more keys from now on, and `revoked` are borrowed and outlive the store; NULL if out of memory. */
rl_session_store *rl_session_sealed_new(const rl_keyring *ring, rl_session_memory *revoked);
/* Returns this process's table of what was taken back; NULL if out of memory. */
rl_session_memory *rl_session_revoked_shared(void);

#endif
