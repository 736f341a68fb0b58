/* Hosts, origins and remotes; see dev_access.h. */
#define _GNU_SOURCE
#include "cli/dev_access.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

enum { HOST_ROOM = 300 };

/* ---- addresses ----------------------------------------------------------------------------------------------------------- */

static void map_ipv4(struct in_addr v4, struct in6_addr *out) {
  *out = (struct in6_addr){.s6_addr = {[10] = 0xFF, [11] = 0xFF}};
  memcpy(out->s6_addr + 12, &v4, 4);
}

/* Whatever a client may take for an address: 127.1, 0x7f000001, [::1], ::ffff:127.0.0.1. */
static bool parse_address(const char *text, struct in6_addr *out) {
  struct in_addr v4;
  if (inet_aton(text, &v4)) return map_ipv4(v4, out), true;
  return inet_pton(AF_INET6, text, out) == 1;
}

static bool is_loopback_address(const struct in6_addr *address) {
  if (IN6_IS_ADDR_V4MAPPED(address)) return address->s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(address);
}

static bool is_any_address(const struct in6_addr *address) {
  struct in6_addr any4;
  map_ipv4((struct in_addr){INADDR_ANY}, &any4);
  return IN6_IS_ADDR_UNSPECIFIED(address) || IN6_ARE_ADDR_EQUAL(address, &any4);
}

static bool address_of(const struct sockaddr *from, struct in6_addr *out) {
  if (from && from->sa_family == AF_INET) map_ipv4(((const struct sockaddr_in *)(const void *)from)->sin_addr, out);
  else if (from && from->sa_family == AF_INET6) *out = ((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
  else return false;
  return true;
}

/* Of any interface: who listens on all addresses listens on each of these. */
static bool is_of_this_machine(const struct in6_addr *address) {
  struct ifaddrs *all, *one;
  struct in6_addr own;
  if (getifaddrs(&all)) return false;
  for (one = all; one; one = one->ifa_next)
    if (address_of(one->ifa_addr, &own) && IN6_ARE_ADDR_EQUAL(&own, address)) break;
  freeifaddrs(all);
  return one != NULL;
}

/* ---- hosts ------------------------------------------------------------------------------------------------------------------ */

/* "[::1]:80" -> "::1", "Example.org.:80" -> "Example.org". False where it does not fit. */
static bool without_port(rl_slice host, char out[HOST_ROOM]) {
  size_t end;
  if (host.len && host.data[0] == '[') {
    end = rl_slice_find(host, ']', 0);
    if (end == host.len) return false;
    host.data++;
    end--;
  } else {
    end = rl_slice_find(host, ':', 0);
    if (end && host.data[end - 1] == '.') end--;
  }
  if (!end || end >= HOST_ROOM || end > host.len) return false;
  memcpy(out, host.data, end);
  out[end] = 0;
  return true;
}

static bool ends_with(const char *name, const char *end) {
  size_t len = strlen(name), end_len = strlen(end);
  return len > end_len && strcasecmp(name + len - end_len, end) == 0;
}

static bool is_localhost(const char *name) {
  return strcasecmp(name, "localhost") == 0 || ends_with(name, ".localhost");
}

/* ".example.org" stands for every name below it. */
static bool is_allowed(const rl_options *o, const char *name) {
  for (int i = 0; i < o->allowed_count; i++) {
    const char *allowed = o->allowed[i];
    if (*allowed == '.' ? ends_with(name, allowed) : strcasecmp(name, allowed) == 0) return true;
  }
  return false;
}

static bool is_allowed_address(const rl_options *o, const struct in6_addr *address) {
  struct in6_addr allowed;
  for (int i = 0; i < o->allowed_count; i++)
    if (parse_address(o->allowed[i], &allowed) && IN6_ARE_ADDR_EQUAL(&allowed, address)) return true;
  return false;
}

static bool is_bound_address(const rl_options *o, const struct in6_addr *address) {
  struct in6_addr bound;
  for (int i = 0; i < o->host_count; i++) {
    if (!parse_address(o->hosts[i], &bound)) continue;
    if (IN6_ARE_ADDR_EQUAL(&bound, address) || (is_any_address(&bound) && is_of_this_machine(address))) return true;
  }
  return false;
}

static bool is_bound_name(const rl_options *o, const char *name) {
  for (int i = 0; i < o->host_count; i++)
    if (strcasecmp(name, o->hosts[i]) == 0) return true;
  return false;
}

static bool is_named(const rl_options *o, rl_slice host) {
  char name[HOST_ROOM];
  struct in6_addr address;
  if (!without_port(host, name)) return false;
  return parse_address(name, &address) ? is_allowed_address(o, &address) : is_allowed(o, name);
}

bool rl_dev_host_is_ours(const rl_options *o, rl_slice host) {
  char name[HOST_ROOM];
  struct in6_addr address;
  if (is_named(o, host)) return true;
  if (!without_port(host, name)) return false;
  if (parse_address(name, &address)) return is_loopback_address(&address) || is_bound_address(o, &address);
  return is_localhost(name) || is_bound_name(o, name);
}

/* The target may name another host than the header does: both count. */
bool rl_dev_may_see_pages(const rl_options *o, const rl_req *req) {
  const rl_header *header = rl_req_header(req, RL_HEADER_HOST);
  return rl_dev_host_is_ours(o, req->host) && (!header || rl_dev_host_is_ours(o, header->value));
}

/* ---- where a request comes from --------------------------------------------------------------------------------------------- */

static rl_slice field(const rl_req *req, const char *name) {
  const rl_header *h = rl_header_find_name(req->headers, req->header_count, rl_slice_str(name));
  return h ? h->value : RL_SLICE_NONE;
}

/* A link to the panel on a page of another site is followed; what frames, fetches or runs it is not answered. */
static bool is_link(const rl_req *req) {
  bool page = rl_slice_eq(req->path, RL_SLICE("/_rille")) || rl_slice_eq(req->path, RL_SLICE("/_rille/source"));
  return page && rl_slice_eq(field(req, "sec-fetch-mode"), RL_SLICE("navigate")) &&
         rl_slice_eq(field(req, "sec-fetch-dest"), RL_SLICE("document"));
}

static bool is_same_site_request(const rl_req *req) {
  rl_slice site = field(req, "sec-fetch-site");
  if (!site.data || rl_slice_eq(site, RL_SLICE("same-origin")) || rl_slice_eq(site, RL_SLICE("none"))) return true;
  return is_link(req);
}

static rl_slice without_end(rl_slice s, rl_slice end) {
  bool ends = s.len > end.len && rl_slice_eq(rl_slice_of(s.data + s.len - end.len, end.len), end);
  return ends ? rl_slice_of(s.data, s.len - end.len) : s;
}

static bool is_own_origin(const rl_req *req) {
  rl_slice origin = field(req, "origin"), http = RL_SLICE("http://"), https = RL_SLICE("https://");
  if (!origin.data) return true;
  rl_slice scheme = rl_slice_starts(origin, https) ? https : http;
  if (!rl_slice_starts(origin, scheme)) return false;
  rl_slice port = scheme.len == https.len ? RL_SLICE(":443") : RL_SLICE(":80");
  rl_slice host = rl_slice_of(origin.data + scheme.len, origin.len - scheme.len);
  return rl_slice_eq_nocase(without_end(host, port), without_end(req->host, port));
}

static bool is_loopback_remote(const rl_req *req) {
  return rl_slice_starts(req->remote, RL_SLICE("127.")) || rl_slice_eq(req->remote, RL_SLICE("::1"));
}

/* What live reload needs is for every page that the program serves; the rest shows sources and requests. */
static bool is_live(const rl_req *req) {
  return rl_slice_eq(req->path, RL_SLICE("/_rille/live.js")) || rl_slice_eq(req->path, RL_SLICE("/_rille/events"));
}

bool rl_dev_may_ask_dashboard(const rl_options *o, const rl_req *req) {
  if (!rl_dev_may_see_pages(o, req) || !is_same_site_request(req) || !is_own_origin(req)) return false;
  return is_live(req) || is_loopback_remote(req) || is_named(o, req->host);
}
