/* URLs by curl's parser; see location.h. */
#include "client/location.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "base/limits.h"
#include "client/address_policy.h"
#include "client/host.h"
#include "client/path.h"

/* ---- before curl sees it ------------------------------------------------------------------------------------------- */

/* The length of "scheme:" in front, or 0 for a relative text. */
static size_t scheme_length(const char *text) {
  size_t len = 0;
  if (!rl_is((unsigned char)*text, RL_CHAR_ALPHA)) return 0;
  while (rl_is((unsigned char)text[len], RL_CHAR_ALPHA | RL_CHAR_DIGIT) || (text[len] && strchr("+-.", text[len])))
    len++;
  return text[len] == ':' ? len + 1 : 0;
}

static int refuse(const char **why, const char *text) {
  *why = text;
  return RL_EURL;
}

static const char other_scheme[] = "its scheme cannot be fetched, it needs http:// or https:// in front";

/* An absolute text begins with http:// or https://, to the letter: what other parsers make of "http:/host" differs. */
static int check_scheme(const char *text, const char *base, const char **why) {
  size_t len = scheme_length(text);
  if (!len) return base ? RL_OK : refuse(why, "it needs http:// or https:// in front");
  rl_slice scheme = rl_slice_of(text, len);
  if (!rl_slice_eq_nocase(scheme, RL_SLICE("http:")) && !rl_slice_eq_nocase(scheme, RL_SLICE("https:")))
    return refuse(why, other_scheme);
  return strncmp(text + len, "//", 2) == 0 ? RL_OK : refuse(why, "it needs two slashes after its scheme");
}

/* Spaces, quotes and bytes above ASCII become %XX. A backslash is a slash to browsers and not to others: it may stand in a
 * query only, and goes out encoded. */
static int encode(const char *text, rl_buf *out, const char **why) {
  bool in_query = false;
  for (const char *c = text; *c; c++) {
    unsigned char byte = (unsigned char)*c;
    if (byte < ' ' || byte == 0x7f) return refuse(why, "it holds a control character");
    if (byte == '\\' && !in_query) return refuse(why, "it holds a backslash");
    if (byte == '?' || byte == '#') in_query = true;
    if (byte > 0x7f || strchr(" \"<>\\^`{|}", byte)) rl_buf_addf(out, "%%%02X", byte);
    else rl_buf_add_char(out, *c);
  }
  return rl_buf_add_char(out, 0) ? RL_ENOMEM : RL_OK;
}

/* ---- its parts ------------------------------------------------------------------------------------------------------- */

static char *part(CURLU *handle, CURLUPart which, unsigned flags) {
  char *text = NULL;
  return curl_url_get(handle, which, &text, flags) ? NULL : text;
}

/* False where it cannot be undone: curl takes no encoded control character there. */
static bool take_credential(CURLU *handle, CURLUPart which, char **text) {
  *text = part(handle, which, CURLU_URLDECODE);
  char *raw = *text ? NULL : part(handle, which, 0);
  curl_free(raw);
  return !raw;
}

static int take_port(rl_location *location, CURLU *handle, const char **why) {
  char *port = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  location->port = port ? atoi(port) : 0;
  curl_free(port);
  return location->port > 0 ? RL_OK : refuse(why, "its port is not a number from 1 to 65535");
}

/* The host as it stands in the text, without brackets; the whole authority is what is between "//" and the path. A relative
 * text without an authority has the host of its base, which was looked at before. */
static int take_raw_host(rl_location *location, const char *text, const char **why) {
  const char *from = text + scheme_length(text);
  bool has_authority = strncmp(from, "//", 2) == 0;
  rl_slice host = rl_slice_str(has_authority ? from + 2 : location->host);
  if (has_authority) {
    host.len = strcspn(host.data, "/?#\\");
    const char *at = host.data + host.len;
    while (at > host.data && at[-1] != '@') at--;
    host = rl_slice_of(at, host.len - (size_t)(at - host.data));
  }
  size_t end = host.len && host.data[0] == '[' ? rl_slice_find(host, ']', 0) : rl_slice_find(host, ':', 0);
  if (host.len && host.data[0] == '[') host.data++, end--;
  location->raw_host = rl_strndup(host.data, has_authority ? end : host.len);
  if (!location->raw_host) return RL_ENOMEM;
  return location->raw_host[0] ? RL_OK : refuse(why, "it has no host"); /* curl takes a third slash for none */
}

/* ---- the host ---------------------------------------------------------------------------------------------------------- */

/* What curl makes of a number that it has not seen as one: it was written in other digits, or with a dot after it. */
static int settle_number(rl_buf *host, const char **why) {
  rl_buf url;
  rl_buf_init(&url, RL_BUF_NO_LIMIT);
  if (host->data[host->len - 1] == '.') host->len--;
  rl_buf_addf(&url, "http://%.*s/", RL_FMT(*host));
  CURLU *handle = url.error ? NULL : curl_url();
  bool parsed = handle && curl_url_set(handle, CURLUPART_URL, url.data, 0) == CURLUE_OK;
  char *found = parsed ? part(handle, CURLUPART_HOST, 0) : NULL;
  rl_buf_clear(host);
  if (found) rl_buf_add(host, found, strlen(found) + 1), host->len--;
  curl_free(found);
  curl_url_cleanup(handle);
  rl_buf_free(&url);
  if (!handle || host->error) return RL_ENOMEM;
  return rl_host_is_ipv4(rl_buf_slice(host)) ? RL_OK : refuse(why, "its host is a number, and no IPv4 address");
}

static int settle_host(rl_slice raw, rl_buf *host, const char **why) {
  if (raw.len && raw.data[0] == '[') return rl_buf_add_slice(host, raw);
  int code = rl_host_to_ascii(raw, host, why);
  if (code || !rl_host_is_number(rl_buf_slice(host)) || rl_host_is_ipv4(rl_buf_slice(host))) return code;
  return settle_number(host, why);
}

static int take_host(rl_location *location, CURLU *handle, const char **why) {
  rl_buf host;
  char *raw = part(handle, CURLUPART_HOST, 0);
  if (!raw) return RL_ENOMEM;
  rl_buf_init(&host, RL_BUF_NO_LIMIT);
  int code = settle_host(rl_slice_str(raw), &host, why);
  if (!code && !(location->host = rl_strndup(host.data, host.len))) code = RL_ENOMEM;
  for (char *c = location->host; c && *c; c++) *c = rl_lower(*c);
  rl_buf_free(&host);
  curl_free(raw);
  return code;
}

/* Once the URL is written out nothing shows it any more. */
static bool is_disguised(const rl_location *location) {
  if (rl_host_is_disguised(rl_slice_str(location->raw_host))) return true;
  return rl_host_is_ipv4(rl_slice_str(location->host)) && strcmp(location->host, location->raw_host) != 0;
}

/* ---- written out --------------------------------------------------------------------------------------------------------- */

static int take_path(rl_location *location, CURLU *handle) {
  rl_buf path;
  char *raw = part(handle, CURLUPART_PATH, 0);
  rl_buf_init(&path, RL_BUF_NO_LIMIT);
  if (raw && rl_path_settle(rl_slice_str(raw), &path) == RL_OK) location->path = rl_strndup(path.data, path.len);
  curl_free(raw);
  rl_buf_free(&path);
  return location->path ? RL_OK : RL_ENOMEM;
}

/* The host, with the zone of an address that has one (RFC 6874). */
static void add_host(rl_buf *out, const rl_location *location, CURLU *handle) {
  char *zone = part(handle, CURLUPART_ZONEID, 0);
  size_t len = strlen(location->host);
  if (zone) rl_buf_addf(out, "%.*s%%25%s]", (int)len - 1, location->host, zone);
  else rl_buf_add(out, location->host, len);
  curl_free(zone);
}

static char *take_text(rl_buf *buf) {
  char *text = buf->error ? NULL : rl_strndup(buf->data, buf->len);
  rl_buf_free(buf);
  return text;
}

static void make_origin(rl_location *location, CURLU *handle) {
  rl_buf buf;
  rl_buf_init(&buf, RL_BUF_NO_LIMIT);
  rl_buf_addf(&buf, "%s://", location->scheme);
  add_host(&buf, location, handle);
  rl_buf_addf(&buf, ":%d", location->port);
  location->origin = take_text(&buf);
}

static void make_url(rl_location *location, CURLU *handle) {
  rl_buf buf;
  rl_buf_init(&buf, RL_BUF_NO_LIMIT);
  rl_buf_addf(&buf, "%s://", location->scheme);
  add_host(&buf, location, handle);
  if (location->port != (location->secure ? 443 : 80)) rl_buf_addf(&buf, ":%d", location->port);
  rl_buf_add_str(&buf, location->path);
  if (location->query) rl_buf_add_char(&buf, '?'), rl_buf_add_str(&buf, location->query);
  location->url = take_text(&buf);
}

/* ---- all of it ----------------------------------------------------------------------------------------------------------- */

/* curl takes for a scheme what we do not ("8ttp:"), so it is asked what it has found. */
static int take_scheme(rl_location *location, CURLU *handle, const char **why) {
  location->scheme = part(handle, CURLUPART_SCHEME, 0);
  if (!location->scheme) return RL_ENOMEM;
  location->secure = strcmp(location->scheme, "https") == 0;
  return location->secure || strcmp(location->scheme, "http") == 0 ? RL_OK : refuse(why, other_scheme);
}

static int take_parts(rl_location *location, CURLU *handle, const char *text, const char **why) {
  int code = take_scheme(location, handle, why);
  if (code) return code;
  if (!take_credential(handle, CURLUPART_USER, &location->user) ||
      !take_credential(handle, CURLUPART_PASSWORD, &location->password))
    return refuse(why, "its user or password holds a control character");
  code = take_port(location, handle, why);
  if (!code) code = take_host(location, handle, why);
  if (!code) code = take_raw_host(location, text, why);
  if (!code) code = take_path(location, handle);
  location->query = part(handle, CURLUPART_QUERY, 0);
  location->fragment = part(handle, CURLUPART_FRAGMENT, 0);
  return code;
}

static int fill(rl_location *location, CURLU *handle, const char *text, const char **why) {
  int code = take_parts(location, handle, text, why);
  if (code) return code;
  location->disguised = is_disguised(location);
  make_origin(location, handle);
  make_url(location, handle);
  return location->origin && location->url ? RL_OK : RL_ENOMEM;
}

/* curl resolves "" and "#top" as paths; they are the base itself. Dots are ours to take out: curl knows them in one spelling. */
static CURLUcode set_both(CURLU *handle, const char *text, const char *base) {
  unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS;
  CURLUcode code = base ? curl_url_set(handle, CURLUPART_URL, base, flags) : CURLUE_OK;
  if (code) return code;
  if (*text == '#' && base) return curl_url_set(handle, CURLUPART_FRAGMENT, text[1] ? text + 1 : NULL, 0);
  return *text || !base ? curl_url_set(handle, CURLUPART_URL, text, flags) : CURLUE_OK;
}

static int describe(CURLUcode code, const char **why) {
  switch (code) {
    case CURLUE_OUT_OF_MEMORY: return RL_ENOMEM;
    case CURLUE_BAD_PORT_NUMBER: return refuse(why, "its port is not a number from 1 to 65535");
    case CURLUE_BAD_IPV6: return refuse(why, "what stands in its brackets is no IPv6 address");
    case CURLUE_BAD_HOSTNAME: return refuse(why, "its host holds a character that no host has");
    case CURLUE_NO_HOST: return refuse(why, "it has no host");
    default: return refuse(why, curl_url_strerror(code));
  }
}

static int parse(rl_location *location, const char *text, const char *base, const char **why) {
  CURLU *handle = curl_url();
  if (!handle) return RL_ENOMEM;
  CURLUcode parsed = set_both(handle, text, base);
  int code = parsed ? describe(parsed, why) : fill(location, handle, text, why);
  curl_url_cleanup(handle);
  if (code) rl_location_free(location);
  return code;
}

static int check_length(const char *text, const char **why) {
  return strnlen(text, RL_LIMIT_URL + 1) <= RL_LIMIT_URL ? RL_OK : refuse(why, "it is longer than 64 KiB");
}

int rl_location_parse(rl_location *location, const char *text, const char *base, const char **why) {
  rl_buf encoded;
  *location = (rl_location){0};
  rl_buf_init(&encoded, RL_BUF_NO_LIMIT);
  int code = check_length(text, why);
  if (!code) code = check_scheme(text, base, why);
  if (!code) code = encode(text, &encoded, why);
  if (!code) code = parse(location, encoded.data, base, why);
  if (!code) *why = NULL;
  rl_buf_free(&encoded);
  return code;
}

void rl_location_free(rl_location *location) {
  rl_free(location->url);
  curl_free(location->scheme);
  rl_free(location->host);
  rl_free(location->path);
  curl_free(location->query);
  curl_free(location->fragment);
  curl_free(location->user);
  curl_free(location->password);
  rl_free(location->origin);
  rl_free(location->raw_host);
  *location = (rl_location){0};
}

/* ---- without taking it apart ------------------------------------------------------------------------------------------ */

static size_t span(rl_slice text, size_t at, bool (*belongs)(char)) {
  while (at < text.len && belongs(text.data[at])) at++;
  return at;
}

static bool is_of_name(char c) {
  return rl_is((unsigned char)c, RL_CHAR_ALPHA | RL_CHAR_DIGIT) || c == '-' || c == '.' || c == '_';
}
static bool is_of_address(char c) { return rl_is((unsigned char)c, RL_CHAR_HEX) || c == ':' || c == '.'; }
static bool is_digit(char c) { return rl_is((unsigned char)c, RL_CHAR_DIGIT); }
static bool is_of_target(char c) { return rl_is((unsigned char)c, RL_CHAR_URI); }

/* Where the host ends that begins at `at`; 0 where it is none that may stand as it is. */
static size_t host_end(rl_slice url, size_t at) {
  if (at < url.len && url.data[at] == '[') {
    size_t end = span(url, at + 1, is_of_address);
    return end > at + 1 && end < url.len && url.data[end] == ']' ? end + 1 : 0;
  }
  size_t end = span(url, at, is_of_name);
  return end > at && !rl_host_is_disguised(rl_slice_of(url.data + at, end - at)) ? end : 0;
}

/* Where the port ends whose colon stands at `at`; 0 where it is none. */
static size_t port_end(rl_slice url, size_t at, bool *is_default, bool secure) {
  unsigned long long port;
  size_t end = span(url, at + 1, is_digit);
  rl_slice text = rl_slice_of(url.data + at + 1, end - at - 1);
  if (!text.len || text.len > 5 || text.data[0] == '0' || rl_slice_to_u64(text, &port) || port > 65535) return 0;
  *is_default = port == (secure ? 443 : 80);
  return end;
}

bool rl_location_cut(rl_slice url, rl_url_parts *parts) {
  bool secure = rl_slice_starts(url, RL_SLICE("https://")), is_default = false;
  if (!secure && !rl_slice_starts(url, RL_SLICE("http://"))) return false;
  size_t from = secure ? 8 : 7, host = host_end(url, from), at = host;
  if (host && host < url.len && url.data[host] == ':') at = port_end(url, host, &is_default, secure);
  if (!at || at == url.len || url.data[at] != '/' || span(url, at, is_of_target) != url.len) return false;
  parts->authority = rl_slice_of(url.data + from, (is_default ? host : at) - from);
  parts->target = rl_slice_of(url.data + at, url.len - at);
  parts->secure = secure;
  return true;
}

/* Behind the authority stands the target, or a port that need not be said. */
static bool names_default_port(const rl_url_parts *parts) {
  return parts->authority.data + parts->authority.len != parts->target.data;
}

bool rl_location_is_settled(rl_slice url) {
  rl_url_parts parts;
  if (url.len > RL_LIMIT_URL || !rl_location_cut(url, &parts) || names_default_port(&parts)) return false;
  return !rl_path_has_dots(parts.target) &&
         rl_host_is_settled(rl_slice_of(parts.authority.data, rl_slice_find(parts.authority, ':', 0)));
}
