/*
 * An address policy: which addresses a client may reach. It is for requests to URLs that users supply, which could lead to
 * machines that only we can reach (server-side request forgery, CWE-918).
 *
 *   deny_private        nothing but public addresses: no loopback, private, link-local, shared, multicast, documentation …
 *                       (the IANA special-purpose registries, RFC 6890), however an address hides in another one: mapped
 *                       (::ffff:127.0.0.1), translated (64:ff9b::/96), 6to4 (2002::/16)
 *   allow               exceptions to it; without deny_private, the only ones that may be reached
 *
 * An entry of `allow` is a host name ("api.example.com", "*.example.com"), an address or a network ("10.1.0.0/16",
 * "fd00::/8"), each perhaps with a ":port" ("[::1]:8080").
 *
 * It is asked three times, as more becomes known: with the URL's host before that is resolved (rl_address_policy_check_host),
 * with each address before a socket is made (rl_address_policy_allows), and with the address of an idle connection before that
 * is used again. A name is resolved once, and the address that was checked is the one we connect to: a name server that
 * changes its answer (DNS rebinding) gains nothing.
 *
 * Pure: no I/O. Immutable once filled; borrowed by the pool that asks it.
 */
#ifndef RL_CLIENT_ADDRESS_POLICY_H
#define RL_CLIENT_ADDRESS_POLICY_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"

typedef struct rl_address_rule {
  char *name;        /* lower case, a "*." kept; NULL: a network */
  uint8_t bytes[16]; /* IPv4 as mapped */
  uint8_t bits;      /* of 128 */
  int port;          /* 0: any */
} rl_address_rule;

typedef struct rl_address_policy {
  bool deny_private;
  bool listed; /* there is a list of what is allowed, an empty one perhaps */
  rl_address_rule *rules;
  size_t count;
} rl_address_policy;

enum { RL_ADDRESS_REFUSED = -1, RL_ADDRESS_UNDECIDED = 0, RL_ADDRESS_ALLOWED = 1 };

void rl_address_policy_init(rl_address_policy *policy, bool deny_private);
void rl_address_policy_free(rl_address_policy *policy);
/* Adds an entry of `allow`. An empty list is said by `policy->listed`. 0, RL_ESYNTAX or RL_ENOMEM. */
int rl_address_policy_add(rl_address_policy *policy, rl_slice entry);
/* Returns true if it refuses anything at all. */
static inline bool rl_address_policy_is_on(const rl_address_policy *policy) {
  return policy->deny_private || policy->listed;
}

/* By the host of a URL, as it was written: refused (a disguise), allowed by name whatever it resolves to, or to be decided
 * by the address. */
int rl_address_policy_check_host(const rl_address_policy *policy, rl_slice host, int port);
/* By the host and port of a URL alone, where nothing is resolved: false where it would be refused whatever there is to find.
 * "localhost" is this machine (RFC 6761 section 6.3). */
bool rl_address_policy_may_allow(const rl_address_policy *policy, rl_slice host, int port);
/* By an address. */
bool rl_address_policy_allows(const rl_address_policy *policy, const struct sockaddr *address);
/* By an address in text ("127.0.0.1", "::1"): what curl tells of a connection. */
bool rl_address_policy_allows_text(const rl_address_policy *policy, const char *address, int port);

#endif
