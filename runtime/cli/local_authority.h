/*
 * The authority of this user for development on this machine, and the certificate that it has signed for localhost: rille dev --https.
 *
 *   $XDG_DATA_HOME/rille (else ~/.local/share/rille), 0700
 *     authority.pem, authority-key.pem    made once, for ten years. It may sign for localhost, names below it, 127.0.0.1 and ::1
 *                                         only (critical nameConstraints, RFC 5280 section 4.2.1.10), so whoever steals its key
 *                                         can pose as no other site.
 *     localhost.pem, localhost-key.pem    for 90 days; renewed a month before
 *
 * Nothing here makes anybody trust it: that is the user's to do. Several processes take turns by a lock.
 */
#ifndef RL_CLI_LOCAL_AUTHORITY_H
#define RL_CLI_LOCAL_AUTHORITY_H

#include "net/tls/store.h"

/* Adds the certificate for localhost to the store, and makes what is missing or due. It is also for those of `names` (borrowed) that
 * are below localhost: OpenSSL takes no wildcard for "*.localhost". Appends the path of the authority's
 * certificate to `path`, a string. Returns 0, or an error with one line in `why`. */
int rl_local_authority_use(rl_tls_store *store, const char *const *names, int count, rl_buf *path, rl_buf *why);

#endif
