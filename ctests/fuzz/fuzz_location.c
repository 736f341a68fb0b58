/* URLs. Whatever is taken is written in one way: to take it apart again changes nothing, nothing in it is left to guess, and
 * its host is one that DNS knows. What passes for settled is settled, and what is put below a path stays below it: two parsers
 * that read one URL differently are how filters in front of a client are passed by. */
#include "client/url.h"

#include "base/ascii.h"
#include "base/error.h"
#include "base/limits.h"
#include "client/host.h"
#include "client/path.h"
#include "fuzz/fuzz.h"

static void check_host(const rl_location *l) {
  HOLDS(l->host.len > 0);
  if (l->host.data[0] == '[') return;
  HOLDS(rl_host_is_settled(l->host));
  HOLDS(!rl_host_is_number(l->host) || rl_host_is_ipv4(l->host));
}

static bool ends_where(rl_slice first, rl_slice second) { return first.data + first.len == second.data; }

/* "http://host", "http://host:8080", or with the zone of an address. */
static void check_parts(const rl_location *l) {
  HOLDS(rl_slice_starts(l->text, l->secure ? RL_SLICE("https://") : RL_SLICE("http://")));
  HOLDS(l->path.len && l->path.data[0] == '/' && !rl_path_has_dots(l->path));
  HOLDS(l->port > 0 && l->port <= 65535);
  HOLDS(l->authority.data == l->text.data + (l->secure ? 8 : 7) && l->host.data == l->authority.data);
  HOLDS(l->host.len == l->authority.len || l->authority.data[l->host.len] == ':');
  HOLDS(ends_where(l->authority, l->target) && l->path.data == l->target.data);
  HOLDS(l->target.len == l->path.len + (l->query.data ? l->query.len + 1 : 0));
  HOLDS(l->target.data + l->target.len == l->text.data + l->text.len);
  for (size_t i = 0; i < l->text.len; i++) HOLDS(rl_is((unsigned char)l->text.data[i], RL_CHAR_URI));
}

static bool are_equal(const rl_location *a, const rl_location *b) {
  return rl_slice_eq(a->text, b->text) && rl_slice_eq(a->host, b->host) && rl_slice_eq(a->target, b->target) &&
         rl_slice_eq(a->authority, b->authority) && a->port == b->port && a->secure == b->secure &&
         a->for_curl == b->for_curl && !a->query.data == !b->query.data;
}

/* A look at the bytes says the same as curl; it leaves addresses in brackets, and names that end like a number, to it. */
static void check_take(const rl_location *l) {
  rl_location taken;
  bool strange = l->host.data[0] == '[' || rl_host_is_disguised(l->host);
  if (rl_location_take(&taken, l->text)) HOLDS(are_equal(&taken, l));
  else HOLDS(strange || l->text.len > RL_LIMIT_URL);
}

static void check_again(const rl_location *l) {
  rl_parsed_url again;
  const char *why;
  if (l->text.len > RL_LIMIT_URL) return; /* what was encoded has grown */
  HOLDS(rl_url_parse(&again, l->text.data, NULL, &why) == RL_OK);
  HOLDS(are_equal(&again.location, l));
  HOLDS(!again.user && !again.password);
  HOLDS(!rl_host_is_ipv4(again.location.host) || !again.disguised);
  rl_parsed_url_free(&again);
}

static void check_parsed(const char *text, const rl_location *base) {
  rl_parsed_url url;
  const char *why = NULL;
  int code = rl_url_parse(&url, text, base, &why);
  HOLDS(code == RL_OK ? !why : code == RL_EURL && why);
  if (code) return;
  check_host(&url.location);
  check_parts(&url.location);
  check_take(&url.location);
  check_again(&url.location);
  rl_parsed_url_free(&url);
}

/* Curl finds a part as it stands if it is taken as it stands: an empty user in front makes it look. */
static void check_taken(const char *text) {
  rl_location taken;
  rl_parsed_url url;
  const char *why;
  if (!rl_location_take(&taken, rl_slice_str(text))) return;
  size_t scheme = taken.secure ? 8 : 7;
  char *with_user = malloc(taken.text.len + 3);
  memcpy(with_user, text, scheme);
  memcpy(with_user + scheme, "u@", 2);
  strcpy(with_user + scheme + 2, text + scheme);
  if (taken.text.len + 2 <= RL_LIMIT_URL) {
    HOLDS(rl_url_parse(&url, with_user, NULL, &why) == RL_OK);
    HOLDS(are_equal(&url.location, &taken));
    rl_parsed_url_free(&url);
  }
  free(with_user);
}

/* A path is joined to its base without curl: curl, which sees it with a fragment after it, finds the same. */
static void check_joined(const char *text, const rl_location *base) {
  rl_parsed_url joined, by_curl;
  const char *why;
  if (text[0] != '/' || text[1] == '/' || strchr(text, '#') || strlen(text) + 2 > RL_LIMIT_URL) return;
  char *marked = malloc(strlen(text) + 2);
  strcat(strcpy(marked, text), "#");
  int code = rl_url_parse(&joined, text, base, &why);
  HOLDS(rl_url_parse(&by_curl, marked, base, &why) == code);
  if (!code) HOLDS(are_equal(&joined.location, &by_curl.location));
  rl_parsed_url_free(&joined);
  rl_parsed_url_free(&by_curl);
  free(marked);
}

/* As a client with a base URL does it (lua/rille/client/url.lua). */
static void check_below(const char *text) {
  static const char base[] = "http://a.example/v1/x/";
  rl_parsed_url url;
  const char *why;
  if (text[0] == '/' || rl_path_climbs(rl_slice_str(text))) return;
  char *joined = malloc(sizeof base + strlen(text));
  strcat(strcpy(joined, base), text);
  if (rl_url_parse(&url, joined, NULL, &why) == RL_OK) {
    HOLDS(!url.location.secure && url.location.port == 80);
    HOLDS(rl_slice_eq(url.location.host, RL_SLICE("a.example")));
    HOLDS(rl_slice_starts(url.location.path, RL_SLICE("/v1/x/")));
    rl_parsed_url_free(&url);
  }
  free(joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  memcpy(text, data, size);
  text[size] = 0;
  if (strlen(text) == size) {
    rl_location base;
    rl_location_cut(&base, RL_SLICE("https://b.example:8443/x/y?z"));
    check_parsed(text, NULL);
    check_parsed(text, &base);
    check_taken(text);
    check_joined(text, &base);
    check_below(text);
  }
  free(text);
  return 0;
}
