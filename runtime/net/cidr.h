/*
 * Networks: "10.0.0.0/8", "fd00::/8", a single address, and whether an address is in one. Pure; no name is ever looked up.
 */
#ifndef RL_NET_CIDR_H
#define RL_NET_CIDR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* An address as 16 bytes; one of IPv4 (also where it was written as ::ffff:1.2.3.4) is IPv4-mapped. */
typedef struct rl_ip {
  uint8_t bytes[16];
} rl_ip;

typedef struct rl_cidr {
  rl_ip ip;
  unsigned bits; /* of 128 */
} rl_cidr;

/* "192.0.2.1", "2001:db8::1"; no brackets, port or zone. 0 or RL_ESYNTAX. */
int rl_ip_parse(rl_slice text, rl_ip *out);
/* An address, or one and "/bits". 0, or RL_ESYNTAX, also where bits are set behind the prefix: that is a mistake. */
int rl_cidr_parse(rl_slice text, rl_cidr *out);
bool rl_cidr_has(const rl_cidr *cidr, const rl_ip *ip);

/* What counts as one client: an IPv4 address, or the /64 that an IPv6 subscriber has at least. */
rl_cidr rl_cidr_of_client(const rl_ip *ip);

#endif
