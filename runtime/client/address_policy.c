/* Which addresses may be reached; see address_policy.h. */
#define _GNU_SOURCE /* memrchr */
#include "client/address_policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "client/host.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

/* ---- addresses ---------------------------------------------------------------------------------------------------- */

typedef struct network {
  uint8_t bytes[16], bits;
} network;

/* The special-purpose registries of IANA that are not globally reachable, RFC 6890 as updated. */
static const struct {
  uint8_t bytes[4], bits;
} private4[] = {
    {{0, 0, 0, 0}, 8},       /* this network */
    {{10, 0, 0, 0}, 8},      /* private, RFC 1918 */
    {{100, 64, 0, 0}, 10},   /* shared by carriers, RFC 6598 */
    {{127, 0, 0, 0}, 8},     /* loopback */
    {{169, 254, 0, 0}, 16},  /* link-local, and where clouds keep their credentials */
    {{172, 16, 0, 0}, 12},   /* private */
    {{192, 0, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2, 0}, 24},    /* documentation */
    {{192, 88, 99, 0}, 24},  /* 6to4 relays */
    {{192, 168, 0, 0}, 16},  /* private */
    {{198, 18, 0, 0}, 15},   /* benchmarks */
    {{198, 51, 100, 0}, 24}, /* documentation */
    {{203, 0, 113, 0}, 24},  /* documentation */
    {{224, 0, 0, 0}, 3},     /* multicast, reserved, broadcast */
};

static const network public6 = {{0x20}, 3}; /* 2000::/3, all that is given out */
static const network private6[] = {
    {{0x20, 0x01, 0x00}, 23},       /* protocol assignments, Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x3f, 0xff, 0x00}, 20},       /* documentation, RFC 9637 */
};
/* Networks that carry an IPv4 address: where in it. */
static const struct {
  network net;
  uint8_t at;
} carriers[] = {
    {{{[10] = 0xff, [11] = 0xff}, 96}, 12}, /* mapped */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},   /* NAT64, RFC 6052 */
    {{{0x20, 0x02}, 16}, 2},                /* 6to4 */
};

static bool matches(const uint8_t *address, const uint8_t *bytes, unsigned bits) {
  unsigned whole = bits / 8, rest = bits % 8;
  if (memcmp(address, bytes, whole) != 0) return false;
  return !rest || ((address[whole] ^ bytes[whole]) >> (8 - rest)) == 0;
}

static bool is_private4(const uint8_t *address) {
  for (size_t i = 0; i < sizeof private4 / sizeof *private4; i++)
    if (matches(address, private4[i].bytes, private4[i].bits)) return true;
  return false;
}

/* Returns true for an address (16 bytes, IPv4 as mapped) that the public internet cannot reach. */
static bool is_private(const uint8_t bytes[16]) {
  for (size_t i = 0; i < sizeof carriers / sizeof *carriers; i++)
    if (matches(bytes, carriers[i].net.bytes, carriers[i].net.bits)) return is_private4(bytes + carriers[i].at);
  for (size_t i = 0; i < sizeof private6 / sizeof *private6; i++)
    if (matches(bytes, private6[i].bytes, private6[i].bits)) return true;
  return !matches(bytes, public6.bytes, public6.bits);
}

/* Text to 16 bytes; RL_ESYNTAX where it is no address. `bits` is how many of them count for a single address. */
static int parse_address(const char *text, uint8_t bytes[16], unsigned *offset) {
  memcpy(bytes, mapped, sizeof mapped);
  *offset = 96;
  if (inet_pton(AF_INET, text, bytes + 12) == 1) return RL_OK;
  *offset = 0;
  return inet_pton(AF_INET6, text, bytes) == 1 ? RL_OK : RL_ESYNTAX;
}

/* ---- the list of what is allowed -------------------------------------------------------------------------------------- */

void rl_address_policy_init(rl_address_policy *policy, bool deny_private) {
  *policy = (rl_address_policy){.deny_private = deny_private};
}

void rl_address_policy_free(rl_address_policy *policy) {
  for (size_t i = 0; i < policy->count; i++) rl_free(policy->rules[i].name);
  rl_free(policy->rules);
  policy->rules = NULL;
  policy->count = 0;
}

/* Cuts ":port" off the end. A bare IPv6 address has colons of its own and no port. */
static int take_port(rl_slice *entry, int *port) {
  unsigned long long number;
  const char *last = memrchr(entry->data, ':', entry->len);
  bool bracketed = entry->len && entry->data[0] == '[';
  *port = 0;
  if (last && (bracketed ? last[-1] == ']' : last == memchr(entry->data, ':', entry->len))) {
    size_t at = (size_t)(last - entry->data);
    if (rl_slice_to_u64(rl_slice_of(last + 1, entry->len - at - 1), &number) || number < 1 || number > 65535)
      return RL_ESYNTAX;
    *port = (int)number;
    entry->len = at;
  }
  if (!bracketed) return RL_OK;
  if (entry->len < 3 || entry->data[entry->len - 1] != ']') return RL_ESYNTAX;
  *entry = rl_slice_of(entry->data + 1, entry->len - 2);
  return RL_OK;
}

/* "10.0.0.0/8" or a single address. */
static int parse_network(rl_slice text, rl_address_rule *rule) {
  char copy[64];
  unsigned long long bits = 128;
  unsigned offset;
  size_t slash = rl_slice_find(text, '/', 0);
  if (slash >= sizeof copy) return RL_ESYNTAX;
  memcpy(copy, text.data, slash);
  copy[slash] = 0;
  if (parse_address(copy, rule->bytes, &offset)) return RL_ESYNTAX;
  if (slash < text.len) {
    if (rl_slice_to_u64(rl_slice_of(text.data + slash + 1, text.len - slash - 1), &bits)) return RL_ESYNTAX;
    if (bits > 128 - offset) return RL_ESYNTAX;
    bits += offset;
  }
  rule->bits = (uint8_t)bits;
  return RL_OK;
}

/* As the hosts of URLs are written (client/host.h), with the "*." that it may have. */
static int parse_name(rl_slice text, rl_address_rule *rule) {
  rl_buf name;
  const char *why;
  size_t star = rl_slice_starts(text, RL_SLICE("*.")) ? 2 : 0;
  rl_buf_init(&name, RL_BUF_NO_LIMIT);
  rl_buf_add(&name, text.data, star);
  int code = rl_host_to_ascii(rl_slice_of(text.data + star, text.len - star), &name, &why);
  if (!code && rl_host_is_number(rl_buf_slice(&name))) code = RL_ESYNTAX; /* an address that is none */
  if (!code && !(rule->name = rl_strndup(name.data, name.len))) code = RL_ENOMEM;
  rl_buf_free(&name);
  return code == RL_EURL ? RL_ESYNTAX : code;
}

int rl_address_policy_add(rl_address_policy *policy, rl_slice entry) {
  policy->listed = true;
  rl_address_rule rule = {0};
  int code = take_port(&entry, &rule.port);
  if (!code && parse_network(entry, &rule)) code = parse_name(entry, &rule);
  if (code) return code;
  rl_address_rule *grown = rl_realloc(policy->rules, (policy->count + 1) * sizeof *grown);
  if (!grown) {
    rl_free(rule.name);
    return RL_ENOMEM;
  }
  policy->rules = grown;
  policy->rules[policy->count++] = rule;
  return RL_OK;
}

/* ---- asking ------------------------------------------------------------------------------------------------------------ */

static bool name_matches(const rl_address_rule *rule, rl_slice host) {
  rl_slice name = rl_slice_str(rule->name);
  if (name.data[0] != '*') return rl_slice_eq_nocase(name, host);
  name = rl_slice_of(name.data + 1, name.len - 1); /* ".example.com" */
  if (host.len <= name.len) return false;
  return rl_slice_eq_nocase(name, rl_slice_of(host.data + host.len - name.len, name.len));
}

static bool port_matches(const rl_address_rule *rule, int port) { return !rule->port || rule->port == port; }

int rl_address_policy_check_host(const rl_address_policy *policy, rl_slice host, int port) {
  if (!rl_address_policy_is_on(policy)) return RL_ADDRESS_ALLOWED;
  if (rl_host_is_disguised(host)) return RL_ADDRESS_REFUSED;
  for (size_t i = 0; i < policy->count; i++) {
    const rl_address_rule *rule = &policy->rules[i];
    if (rule->name && port_matches(rule, port) && name_matches(rule, host)) return RL_ADDRESS_ALLOWED;
  }
  return RL_ADDRESS_UNDECIDED;
}

static bool may_reach(const rl_address_policy *policy, const uint8_t bytes[16], int port) {
  for (size_t i = 0; i < policy->count; i++) {
    const rl_address_rule *rule = &policy->rules[i];
    if (!rule->name && port_matches(rule, port) && matches(bytes, rule->bytes, rule->bits)) return true;
  }
  return policy->deny_private && !is_private(bytes);
}

bool rl_address_policy_allows(const rl_address_policy *policy, const struct sockaddr *address) {
  uint8_t bytes[16];
  if (!rl_address_policy_is_on(policy)) return true;
  if (address->sa_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    return may_reach(policy, v6->sin6_addr.s6_addr, ntohs(v6->sin6_port));
  }
  if (address->sa_family != AF_INET) return false;
  const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
  memcpy(bytes, mapped, sizeof mapped);
  memcpy(bytes + 12, &v4->sin_addr, 4);
  return may_reach(policy, bytes, ntohs(v4->sin_port));
}

bool rl_address_policy_allows_text(const rl_address_policy *policy, const char *address, int port) {
  uint8_t bytes[16];
  unsigned offset;
  if (!rl_address_policy_is_on(policy)) return true;
  return address && parse_address(address, bytes, &offset) == RL_OK && may_reach(policy, bytes, port);
}

/* ---- without asking anybody else ---------------------------------------------------------------------------------------- */

static bool lists_networks(const rl_address_policy *policy) {
  for (size_t i = 0; i < policy->count; i++)
    if (!policy->rules[i].name) return true;
  return false;
}

/* An address, with brackets or without: 1 it may be reached, 0 it may not, -1 it is none. */
static int look_at_address(const rl_address_policy *policy, rl_slice host, int port) {
  char text[64];
  uint8_t bytes[16];
  unsigned offset;
  bool bracketed = host.len > 1 && host.data[0] == '[';
  if (bracketed) host = rl_slice_of(host.data + 1, host.len - 2);
  host.len = rl_slice_find(host, '%', 0); /* the zone, RFC 6874 */
  if (host.len >= sizeof text) return -1;
  memcpy(text, host.data, host.len);
  text[host.len] = 0;
  return parse_address(text, bytes, &offset) ? -1 : may_reach(policy, bytes, port);
}

bool rl_address_policy_may_allow(const rl_address_policy *policy, rl_slice host, int port) {
  int verdict = rl_address_policy_check_host(policy, host, port);
  if (verdict != RL_ADDRESS_UNDECIDED) return verdict == RL_ADDRESS_ALLOWED;
  int address = look_at_address(policy, host, port);
  if (address >= 0) return address;
  if (rl_host_is_localhost(host))
    return rl_address_policy_allows_text(policy, "127.0.0.1", port) ||
           rl_address_policy_allows_text(policy, "::1", port);
  return policy->deny_private || lists_networks(policy);
}
