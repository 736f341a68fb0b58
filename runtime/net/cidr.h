/*
 * Networks: "10.0.0.0/8", "fd00::/8", a single address; tests if an address is in one. Pure; never looks up a name.
 */
#ifndef RL_NET_CIDR_H
#define RL_NET_CIDR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* An address as 16 bytes; an IPv4 address (also if written as ::ffff:1.2.3.4) is IPv4-mapped. */
typedef struct rl_ip {
  uint8_t bytes[16];
} rl_ip;

typedef struct rl_cidr {
  rl_ip ip;
  unsigned bits; /* of 128 */
} rl_cidr;

/* Parses "192.0.2.1", "2001:db8::1"; no brackets, port or zone. Returns 0 or RL_ESYNTAX. */
int rl_ip_parse(rl_slice text, rl_ip *out);
/* Parses an address, or one and "/bits". Returns 0, or RL_ESYNTAX, also if bits are set after the prefix, which is a
 * mistake. */
int rl_cidr_parse(rl_slice text, rl_cidr *out);
bool rl_cidr_has(const rl_cidr *cidr, const rl_ip *ip);

/* Returns what counts as one client: an IPv4 address, or the /64 that every IPv6 subscriber has at least. */
rl_cidr rl_cidr_of_client(const rl_ip *ip);

#endif
