/*
 * What the store held at one moment: the pairs by name, and the authorities of clients. Immutable and counted, so a worker looks
 * things up without a lock.
 */
#ifndef RL_NET_TLS_SNAPSHOT_H
#define RL_NET_TLS_SNAPSHOT_H

#include "net/tls/authority.h"
#include "net/tls/pair.h"

enum { RL_TLS_FOUND = 4 }; /* pairs for one name */

typedef struct rl_tls_snapshot rl_tls_snapshot;

/* Takes references of the pairs, the first of which is the default, and of the authority (NULL: none). Returns NULL if out of
 * memory. */
rl_tls_snapshot *rl_tls_snapshot_new(rl_tls_pair *const *pairs, size_t count, rl_tls_authority *authority);
rl_tls_snapshot *rl_tls_snapshot_ref(rl_tls_snapshot *snapshot);
void rl_tls_snapshot_unref(rl_tls_snapshot *snapshot);

/* Finds the pairs for a name in lower case, in the order in which they were added: by the exact name, by a wildcard for its first
 * label (RFC 6125 section 6.4.3), else those of the default. Borrowed as long as the snapshot. Returns how many; 0: it is empty. */
size_t rl_tls_snapshot_find(const rl_tls_snapshot *snapshot, rl_slice name, const rl_tls_pair *found[RL_TLS_FOUND]);
/* Returns true if a pair is for this name in lower case, by the exact name or by a wildcard. */
bool rl_tls_snapshot_knows(const rl_tls_snapshot *snapshot, rl_slice name);
/* Returns the pair at `i`, borrowed, or NULL past the last. */
const rl_tls_pair *rl_tls_snapshot_pair(const rl_tls_snapshot *snapshot, size_t i);
/* Returns the authority, borrowed, or NULL. */
const rl_tls_authority *rl_tls_snapshot_authority(const rl_tls_snapshot *snapshot);

#endif
