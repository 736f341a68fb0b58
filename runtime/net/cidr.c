/* Networks; see cidr.h. */
#include "net/cidr.h"

#include <arpa/inet.h>

#include "base/error.h"

enum { MAPPED_BITS = 96 }; /* ::ffff:0:0/96, the prefix of an IPv4 address */

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool is_mapped(const rl_ip *ip) { return memcmp(ip->bytes, mapped, sizeof mapped) == 0; }

int rl_ip_parse(rl_slice text, rl_ip *out) {
  char copy[INET6_ADDRSTRLEN];
  if (!text.len || text.len >= sizeof copy || rl_slice_find(text, 0, 0) < text.len) return RL_ESYNTAX;
  memcpy(copy, text.data, text.len);
  copy[text.len] = 0;
  if (inet_pton(AF_INET6, copy, out->bytes) == 1) return RL_OK;
  memcpy(out->bytes, mapped, sizeof mapped);
  return inet_pton(AF_INET, copy, out->bytes + sizeof mapped) == 1 ? RL_OK : RL_ESYNTAX;
}

static bool bit_is_set(const rl_ip *ip, unsigned i) { return (ip->bytes[i / 8] >> (7 - i % 8)) & 1; }

int rl_cidr_parse(rl_slice text, rl_cidr *out) {
  size_t slash = rl_slice_find(text, '/', 0);
  unsigned long long bits = 128;
  rl_slice address = rl_slice_of(text.data, slash);
  if (rl_ip_parse(address, &out->ip)) return RL_ESYNTAX;
  if (slash < text.len) {
    bool four = rl_slice_find(address, ':', 0) == address.len;
    if (rl_slice_to_u64(rl_slice_of(text.data + slash + 1, text.len - slash - 1), &bits)) return RL_ESYNTAX;
    if (bits > (four ? 32u : 128u)) return RL_ESYNTAX;
    if (four) bits += MAPPED_BITS;
  }
  out->bits = (unsigned)bits;
  for (unsigned i = out->bits; i < 128; i++)
    if (bit_is_set(&out->ip, i)) return RL_ESYNTAX;
  return RL_OK;
}

bool rl_cidr_has(const rl_cidr *cidr, const rl_ip *ip) {
  unsigned whole = cidr->bits / 8, rest = cidr->bits % 8;
  if (memcmp(cidr->ip.bytes, ip->bytes, whole) != 0) return false;
  return !rest || ((cidr->ip.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest)) == 0;
}

rl_cidr rl_cidr_of_client(const rl_ip *ip) {
  rl_cidr cidr = {.ip = *ip, .bits = is_mapped(ip) ? 128 : 64};
  if (cidr.bits == 64) memset(cidr.ip.bytes + 8, 0, 8);
  return cidr;
}
