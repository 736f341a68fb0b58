/* URLs by curl's parser; see location.h. */
#include "client/location.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "client/guard.h"

/* ---- before curl sees it ------------------------------------------------------------------------------------------- */

/* The length of "scheme:" in front, or 0 for a relative text. */
static size_t scheme_length(const char *text) {
  size_t len = 0;
  if (!rl_is((unsigned char)*text, RL_CHAR_ALPHA)) return 0;
  while (rl_is((unsigned char)text[len], RL_CHAR_ALPHA | RL_CHAR_DIGIT) || (text[len] && strchr("+-.", text[len])))
    len++;
  return text[len] == ':' ? len + 1 : 0;
}

/* An absolute text begins with http:// or https://, to the letter: what other parsers make of "http:/host" differs. */
static int check_scheme(const char *text, const char *base, const char **why) {
  size_t len = scheme_length(text);
  if (!len && base) return RL_OK;
  *why = "it needs http:// or https:// in front";
  if (!len) return RL_EINVALID;
  rl_slice scheme = rl_slice_of(text, len);
  if (!rl_slice_eq_nocase(scheme, RL_SLICE("http:")) && !rl_slice_eq_nocase(scheme, RL_SLICE("https:")))
    return RL_EUNSUPPORTED;
  return strncmp(text + len, "//", 2) == 0 ? RL_OK : RL_EINVALID;
}

/* Spaces, quotes and bytes above ASCII become %XX. A backslash is a slash to browsers and not to others: it may stand in a
 * query only, and goes out encoded. */
static int encode(const char *text, rl_buf *out, const char **why) {
  bool in_query = false;
  for (const char *c = text; *c; c++) {
    unsigned char byte = (unsigned char)*c;
    if (byte < ' ' || byte == 0x7f) return *why = "it holds a control character", RL_EINVALID;
    if (byte == '\\' && !in_query) return *why = "it holds a backslash", RL_EINVALID;
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

static void take_parts(rl_location *location, CURLU *handle) {
  location->host = part(handle, CURLUPART_HOST, 0);
  location->path = part(handle, CURLUPART_PATH, 0);
  location->query = part(handle, CURLUPART_QUERY, 0);
  location->fragment = part(handle, CURLUPART_FRAGMENT, 0);
  char *port = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  location->port = port ? atoi(port) : 0;
  curl_free(port);
  for (char *c = location->host; c && *c; c++) *c = rl_lower(*c);
}

/* The URL as it may be shown: without user, password and fragment. */
static void take_url(rl_location *location, CURLU *handle) {
  curl_url_set(handle, CURLUPART_USER, NULL, 0);
  curl_url_set(handle, CURLUPART_PASSWORD, NULL, 0);
  curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
  location->url = part(handle, CURLUPART_URL, 0);
}

static void make_origin(rl_location *location) {
  rl_buf buf;
  rl_buf_init(&buf, RL_BUF_NO_LIMIT);
  rl_buf_addf(&buf, "%s://%s:%d", location->scheme, location->host, location->port);
  location->origin = buf.error ? NULL : rl_strndup(buf.data, buf.len);
  rl_buf_free(&buf);
}

/* The host as it stands in the text, without brackets; the whole authority is what is between "//" and the path. A relative
 * text without an authority has the host of its base, which was looked at before. */
static void take_raw_host(rl_location *location, const char *text) {
  const char *from = strstr(text, "//"), *colon = strchr(text, ':');
  bool has_authority = from && (from == text || (colon && colon + 1 == from));
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
}

static int fill(rl_location *location, CURLU *handle, const char *text, const char **why) {
  location->scheme = part(handle, CURLUPART_SCHEME, 0);
  location->secure = location->scheme && strcmp(location->scheme, "https") == 0;
  take_parts(location, handle);
  *why = "its user or password holds a control character";
  if (!take_credential(handle, CURLUPART_USER, &location->user)) return RL_EINVALID;
  if (!take_credential(handle, CURLUPART_PASSWORD, &location->password)) return RL_EINVALID;
  take_url(location, handle);
  if (!location->scheme || !location->host || !location->url || !location->path) return RL_ENOMEM;
  make_origin(location);
  take_raw_host(location, text);
  if (!location->origin || !location->raw_host) return RL_ENOMEM;
  if (location->raw_host[0]) return RL_OK;
  *why = "it has no host"; /* curl takes a third slash for none */
  return RL_EINVALID;
}

/* curl resolves "" and "#top" as paths; they are the base itself. */
static CURLUcode set_both(CURLU *handle, const char *text, const char *base) {
  CURLUcode code = base ? curl_url_set(handle, CURLUPART_URL, base, CURLU_NON_SUPPORT_SCHEME) : CURLUE_OK;
  if (code) return code;
  if (*text == '#' && base) return curl_url_set(handle, CURLUPART_FRAGMENT, text[1] ? text + 1 : NULL, 0);
  return *text || !base ? curl_url_set(handle, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) : CURLUE_OK;
}

static int parse(rl_location *location, const char *text, const char *base, const char **why) {
  CURLU *handle = curl_url();
  if (!handle) return RL_ENOMEM;
  CURLUcode parsed = set_both(handle, text, base);
  int code = parsed ? RL_EINVALID : fill(location, handle, text, why);
  if (parsed) *why = curl_url_strerror(parsed);
  if (parsed == CURLUE_OUT_OF_MEMORY) code = RL_ENOMEM;
  curl_url_cleanup(handle);
  if (code) rl_location_free(location);
  return code;
}

int rl_location_parse(rl_location *location, const char *text, const char *base, const char **why) {
  rl_buf encoded;
  *location = (rl_location){0};
  rl_buf_init(&encoded, RL_BUF_NO_LIMIT);
  int code = check_scheme(text, base, why);
  if (!code) code = encode(text, &encoded, why);
  if (!code) code = parse(location, encoded.data, base, why);
  if (!code) *why = NULL;
  rl_buf_free(&encoded);
  return code;
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

bool rl_target_has_dots(rl_slice target) {
  rl_slice path = rl_slice_of(target.data, rl_slice_find(target, '?', 0));
  for (size_t at = rl_slice_find(path, '.', 0); at < path.len; at = rl_slice_find(path, '.', at + 1)) {
    if (path.data[at - 1] != '/') continue;
    size_t end = at + 1 < path.len && path.data[at + 1] == '.' ? at + 2 : at + 1;
    if (end == path.len || path.data[end] == '/') return true;
  }
  return false;
}

void rl_location_free(rl_location *location) {
  curl_free(location->url);
  curl_free(location->scheme);
  curl_free(location->host);
  curl_free(location->path);
  curl_free(location->query);
  curl_free(location->fragment);
  curl_free(location->user);
  curl_free(location->password);
  rl_free(location->origin);
  rl_free(location->raw_host);
  *location = (rl_location){0};
}
