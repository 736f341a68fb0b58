/*
 * The certificates of the process, whom of the clients to trust, and the keys of session tickets. One for all workers.
 *
 *   files --add, reload--> snapshot (immutable, counted)  <--rl_tls_server of each worker
 *                          ticket keys (ticket.h)         outlive snapshots, so a reload breaks no session
 *                          challenges (RFC 8737)          come and go by name
 *
 * A pair is a certificate with its chain and its key. For a name that a client asks for it is looked up by the exact name, then by
 * one wildcard label, then the first pair that was added is taken. Several pairs for one name are all offered (RSA and ECDSA), and
 * OpenSSL picks by what the client can verify. A store may be empty: then handshakes end with the alert unrecognized_name.
 *
 * All functions may be called from any thread. What failed is said in `why`, one line for each pair, with file and reason.
 */
#ifndef RL_NET_TLS_STORE_H
#define RL_NET_TLS_STORE_H

#include "net/tls/snapshot.h"
#include "net/tls/ticket.h"

typedef struct rl_tls_store rl_tls_store;

typedef struct rl_tls_store_options {
  bool only_1_3; /* TLS 1.2 is refused */
  const char
      *client_ca; /* PEM file of authorities: clients have to show a certificate of theirs; NULL: none is asked for */
} rl_tls_store_options;

/* Loads OpenSSL, and the client authorities. The caller has the first reference. Returns 0, RL_ENOMEM, RL_EIO or RL_EINVALID. */
int rl_tls_store_new(rl_tls_store **out, const rl_tls_store_options *options, rl_buf *why);
rl_tls_store *rl_tls_store_ref(rl_tls_store *store);
void rl_tls_store_unref(rl_tls_store *store);

/* Adds a pair of PEM files, read now and at each reload. `key` NULL: it is in the same file. Returns 0, or an error: then nothing was
 * added. */
int rl_tls_store_add(rl_tls_store *store, const char *certificate, const char *key, rl_buf *why);
/* Adds a pair of PEM files that may not be there yet: an absent one is no error until it has been loaded once. */
int rl_tls_store_expect(rl_tls_store *store, const char *certificate, const char *key, rl_buf *why);
/* Adds a pair of PEM texts, copied. */
int rl_tls_store_add_text(rl_tls_store *store, rl_slice certificate, rl_slice key, rl_buf *why);
/* Reads all files again. Each pair that cannot be used keeps what it had; the others are new for the next connection. So do the
 * client authorities. Returns 0 if all were read. */
int rl_tls_store_reload(rl_tls_store *store, rl_buf *why);
/* Returns true if a file has another inode, size or time of change than when it was read. */
bool rl_tls_store_has_changed(rl_tls_store *store);
/* Returns true if no pair has been loaded. */
bool rl_tls_store_is_empty(rl_tls_store *store);

/* Answers TLS-ALPN-01 (RFC 8737) for a name with this certificate and key, both DER, until it is cleared. Returns 0, RL_ENOMEM or
 * RL_EINVALID. */
int rl_tls_store_set_challenge(rl_tls_store *store, rl_slice name, rl_slice certificate, rl_slice key);
void rl_tls_store_clear_challenge(rl_tls_store *store, rl_slice name);

/* ---- for rl_tls_server ---- */

/* Returns a number that changes with each snapshot. */
unsigned rl_tls_store_version(const rl_tls_store *store);
/* Returns a reference of the present snapshot, whose version it is. */
rl_tls_snapshot *rl_tls_store_snapshot(rl_tls_store *store, unsigned *version);
bool rl_tls_store_only_1_3(const rl_tls_store *store);
rl_ticket_keys *rl_tls_store_tickets(rl_tls_store *store);
/* Returns a reference of the challenge's pair, or NULL. */
rl_tls_pair *rl_tls_store_challenge(rl_tls_store *store, rl_slice name);

#endif
