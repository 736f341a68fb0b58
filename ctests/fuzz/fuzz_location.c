/* URLs. What rl_location_cut takes as it is, curl's parser reads in the same way and leaves as it is: two parsers that read
 * one URL differently are how filters in front of a client are passed by. */
#include "client/location.h"

#include "base/ascii.h"
#include "base/error.h"
#include "client/guard.h"
#include "fuzz/fuzz.h"

static bool same_host(rl_slice cut, const char *parsed) { return rl_slice_eq_nocase(cut, rl_slice_str(parsed)); }

/* "host" or "host:port", the port where it is not the scheme's own. */
static void check_authority(const rl_url_parts *parts, const rl_location *location) {
  rl_buf wanted;
  rl_buf_init(&wanted, RL_BUF_NO_LIMIT);
  rl_buf_add_str(&wanted, location->host);
  if (location->port != (location->secure ? 443 : 80)) rl_buf_addf(&wanted, ":%d", location->port);
  rl_buf_add_char(&wanted, 0);
  HOLDS(same_host(parts->authority, wanted.data));
  rl_buf_free(&wanted);
}

static void check_target(const rl_url_parts *parts, const rl_location *location) {
  rl_buf wanted;
  rl_buf_init(&wanted, RL_BUF_NO_LIMIT);
  rl_buf_add_str(&wanted, location->path);
  if (location->query) rl_buf_addf(&wanted, "?%s", location->query);
  rl_slice target = parts->target;
  if (!location->query && target.len && target.data[target.len - 1] == '?') target.len--; /* an empty query */
  HOLDS(rl_slice_eq(target, rl_buf_slice(&wanted)));
  rl_buf_free(&wanted);
}

static void check_cut(const char *text, const rl_url_parts *parts) {
  rl_location location;
  const char *why;
  int code = rl_location_parse(&location, text, NULL, &why);
  /* curl knows better which addresses there are; then it refuses to connect. */
  if (code && memchr(text, '[', strlen(text))) return;
  if (code) fprintf(stderr, "'%s': %s\n", text, why);
  HOLDS(code == RL_OK);
  HOLDS(parts->secure == location.secure && !location.user && !location.fragment);
  if (location.host[0] != '[') check_authority(parts, &location); /* written in another way perhaps: ::1, 0::1 */
  if (!rl_target_has_dots(parts->target)) check_target(parts, &location);
  rl_location_free(&location);
}

/* Scoped addresses, names that end like a number, port 0, characters that names do not have: curl's affair, however it ends. */
static bool is_strange(const char *url, const char *host, int port) {
  const char *from = strstr(url, "//") + 2;
  if (!port || rl_host_is_disguised(rl_slice_str(host))) return true;
  size_t len = strcspn(from, "/");
  return strspn(from, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]") < len;
}

/* What was taken apart can be cut, so that it can be sent. */
static void check_parsed(const char *text) {
  rl_location location;
  rl_url_parts parts;
  const char *why;
  if (rl_location_parse(&location, text, NULL, &why)) return;
  bool cut = rl_location_cut(rl_slice_str(location.url), &parts);
  if (!cut && !is_strange(location.url, location.host, location.port))
    fprintf(stderr, "'%s' -> '%s'\n", text, location.url);
  HOLDS(!cut || !rl_target_has_dots(parts.target));
  HOLDS(cut ? parts.secure == location.secure : is_strange(location.url, location.host, location.port));
  rl_location_free(&location);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rl_url_parts parts;
  char *text = malloc(size + 1);
  memcpy(text, data, size);
  text[size] = 0;
  if (strlen(text) == size) {
    if (rl_location_cut(fuzz_slice((const uint8_t *)text, size), &parts)) check_cut(text, &parts);
    check_parsed(text);
  }
  free(text);
  return 0;
}
