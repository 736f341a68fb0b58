/* URLs. Whatever is taken is written in one way: to take it apart again changes nothing, nothing in it is left to guess, and
 * its host is one that DNS knows. What passes for settled is settled, and what is put below a path stays below it: two parsers
 * that read one URL differently are how filters in front of a client are passed by. */
#include "client/location.h"

#include "base/ascii.h"
#include "base/error.h"
#include "base/limits.h"
#include "client/address_policy.h"
#include "client/host.h"
#include "client/path.h"
#include "fuzz/fuzz.h"

static void check_host(const rl_location *location) {
  rl_slice host = rl_slice_str(location->host);
  HOLDS(host.len > 0);
  if (host.data[0] == '[') return;
  HOLDS(rl_host_is_settled(host));
  HOLDS(!rl_host_is_number(host) || rl_host_is_ipv4(host));
}

/* "http://host", "http://host:8080", or with the zone of an address. */
static void check_parts(const rl_location *location) {
  size_t scheme = location->secure ? 8 : 7;
  rl_slice url = rl_slice_str(location->url), path = rl_slice_str(location->path);
  HOLDS(rl_slice_starts(url, location->secure ? RL_SLICE("https://") : RL_SLICE("http://")));
  HOLDS(path.len && path.data[0] == '/' && !rl_path_has_dots(path));
  HOLDS(location->port > 0 && location->port <= 65535);
  size_t slash = rl_slice_find(url, '/', scheme), query = location->query ? strlen(location->query) + 1 : 0;
  HOLDS(url.len == slash + path.len + query && rl_slice_starts(rl_slice_of(url.data + slash, url.len - slash), path));
  for (size_t i = 0; i < url.len; i++) HOLDS(rl_is((unsigned char)url.data[i], RL_CHAR_URI));
}

/* Scoped addresses and names that end like a number are curl's, all else can be cut and so sent by a conn of ours. */
static void check_cut(const rl_location *location) {
  rl_url_parts parts;
  bool strange = location->host[0] == '[' || rl_host_is_disguised(rl_slice_str(location->host));
  if (rl_location_cut(rl_slice_str(location->url), &parts)) HOLDS(parts.secure == location->secure);
  else HOLDS(strange);
  if (!strange) HOLDS(strlen(location->url) > RL_LIMIT_URL || rl_location_is_settled(rl_slice_str(location->url)));
}

static void check_again(const rl_location *location) {
  rl_location again;
  const char *why;
  if (strlen(location->url) > RL_LIMIT_URL) return; /* what was encoded has grown */
  HOLDS(rl_location_parse(&again, location->url, NULL, &why) == RL_OK);
  HOLDS(strcmp(again.url, location->url) == 0 && strcmp(again.origin, location->origin) == 0);
  HOLDS(!again.user && !again.password && !again.fragment);
  HOLDS(!rl_host_is_ipv4(rl_slice_str(again.host)) || !again.disguised);
  rl_location_free(&again);
}

static void check_parsed(const char *text, const char *base) {
  rl_location location;
  const char *why = NULL;
  int code = rl_location_parse(&location, text, base, &why);
  HOLDS(code == RL_OK ? !why : code == RL_EURL && why);
  if (code) return;
  check_host(&location);
  check_parts(&location);
  check_cut(&location);
  check_again(&location);
  rl_location_free(&location);
}

static void check_settled(const char *text) {
  rl_location location;
  const char *why;
  if (!rl_location_is_settled(rl_slice_str(text))) return;
  HOLDS(rl_location_parse(&location, text, NULL, &why) == RL_OK);
  HOLDS(strcmp(location.url, text) == 0);
  rl_location_free(&location);
}

/* As a client with a base URL does it (lua/rille/client/url.lua). */
static void check_below(const char *text) {
  static const char base[] = "http://a.example/v1/x/";
  rl_location location;
  const char *why;
  if (text[0] == '/' || rl_path_climbs(rl_slice_str(text))) return;
  char *joined = malloc(sizeof base + strlen(text));
  strcat(strcpy(joined, base), text);
  if (rl_location_parse(&location, joined, NULL, &why) == RL_OK) {
    HOLDS(strcmp(location.origin, "http://a.example:80") == 0);
    HOLDS(strncmp(location.path, "/v1/x/", 6) == 0);
    rl_location_free(&location);
  }
  free(joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  memcpy(text, data, size);
  text[size] = 0;
  if (strlen(text) == size) {
    check_parsed(text, NULL);
    check_parsed(text, "https://b.example:8443/x/y?z");
    check_settled(text);
    check_below(text);
  }
  free(text);
  return 0;
}
