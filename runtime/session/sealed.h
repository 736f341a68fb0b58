/*
 * Sessions that their cookie carries, sealed (crypto/seal.h): nothing is kept here and any worker of any machine that has
 * the secret can read them.
 *
 *   sealed( id 32 | created 8 | data )      name and value together at most 4096 bytes, or browsers drop the cookie
 *
 * A copy of such a cookie cannot be called back where it lies. So what was taken back (logout, renewal at login) is
 * remembered by its id until every copy has expired, in a table of this process: bounded, gone at a restart, not shared by
 * machines. Who needs more keeps sessions in a database.
 */
#ifndef RL_SESSION_SEALED_H
#define RL_SESSION_SEALED_H

#include "crypto/keyring.h"
#include "session/memory.h"

/* `ring` and `revoked` are borrowed and outlive the store; NULL where memory is short. */
rl_session_store *rl_session_sealed_new(const rl_keyring *ring, rl_session_memory *revoked);
/* The table of this process for what was taken back; NULL where memory is short. */
rl_session_memory *rl_session_revoked_shared(void);

#endif
