/*
 * The host of a URL, as everybody after the URL sees it: DNS, the address policy, cookies, the pool, TLS, the Host field.
 *
 *   Bücher.Example   xn--bcher-kva.example      UTS #46, not transitional, by libidn2; what locale there is does not matter
 *   127。1            127.1                      a number in disguise is for the caller to find (rl_host_is_number)
 *   a／b.example      refused                    what becomes a delimiter in the mapping (CVE-2019-9636, "HostSplit")
 *
 * What comes out is letters (small), digits, '-', '_' and '.': labels of 1 to 63 bytes, 253 in all, perhaps a dot after them.
 * It is idempotent, and pure.
 */
#ifndef RL_CLIENT_HOST_H
#define RL_CLIENT_HOST_H

#include "base/buf.h"

/* Appends the host as ASCII and a NUL, which is not counted. An address in brackets is none of its business. 0; RL_EURL, then
 * `why` is a static line that says what is wrong; RL_ENOMEM. */
int rl_host_to_ascii(rl_slice host, rl_buf *out, const char **why);

/* Returns true if that would change nothing; never for an address in brackets. */
bool rl_host_is_settled(rl_slice host);

/* Returns true if the last label is a number, so that the whole can only be an IPv4 address (WHATWG URL, "ends in a number"). */
bool rl_host_is_number(rl_slice host);
/* Returns true for "localhost" and all names below it: this machine, whatever a name server says (RFC 6761 section 6.3). */
bool rl_host_is_localhost(rl_slice host);
/* Returns true if it is four decimal numbers, as an IPv4 address is written. */
bool rl_host_is_ipv4(rl_slice host);
/* Returns true if a host, as it was written (without brackets), is an IPv4 address in another form than four decimal numbers:
 * 2130706433, 127.1, 0x7f.1, "127.0.0.1.", %31%32%37.0.0.1. Filters in front of us read those differently. */
bool rl_host_is_disguised(rl_slice host);

#endif
