/* URLs by curl's parser; see url.h. */
#include "client/url.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "client/host.h"
#include "client/libcurl.h"
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
static int check_scheme(const char *text, const rl_location *base, const char **why) {
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

/* Owned. */
typedef struct parts {
  char *scheme, *host, *path, *query, *user, *password;
  char *raw_host; /* as it was written, without brackets */
  int port;
  bool secure;
} parts;

static char *part(CURLU *handle, CURLUPart which, unsigned flags) {
  char *text = NULL;
  return rl_curl.url_get(handle, which, &text, flags) ? NULL : text;
}

/* False where it cannot be undone: curl takes no encoded control character there. */
static bool take_credential(CURLU *handle, CURLUPart which, char **text) {
  *text = part(handle, which, CURLU_URLDECODE);
  char *raw = *text ? NULL : part(handle, which, 0);
  rl_curl.free(raw);
  return !raw;
}

static int take_port(parts *p, CURLU *handle, const char **why) {
  char *port = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  p->port = port ? atoi(port) : 0;
  rl_curl.free(port);
  return p->port > 0 ? RL_OK : refuse(why, "its port is not a number from 1 to 65535");
}

/* The host as it stands in the text, without brackets; the whole authority is what is between "//" and the path. A relative
 * text without an authority has the host of its base, which was looked at before. */
static int take_raw_host(parts *p, const char *text, const char **why) {
  const char *from = text + scheme_length(text);
  bool has_authority = strncmp(from, "//", 2) == 0;
  rl_slice host = rl_slice_str(has_authority ? from + 2 : p->host);
  if (has_authority) {
    host.len = strcspn(host.data, "/?#\\");
    const char *at = host.data + host.len;
    while (at > host.data && at[-1] != '@') at--;
    host = rl_slice_of(at, host.len - (size_t)(at - host.data));
  }
  size_t end = host.len && host.data[0] == '[' ? rl_slice_find(host, ']', 0) : rl_slice_find(host, ':', 0);
  if (host.len && host.data[0] == '[') host.data++, end--;
  p->raw_host = rl_strndup(host.data, has_authority ? end : host.len);
  if (!p->raw_host) return RL_ENOMEM;
  return p->raw_host[0] ? RL_OK : refuse(why, "it has no host"); /* curl takes a third slash for none */
}

/* ---- the host ---------------------------------------------------------------------------------------------------------- */

/* Handles a number that curl has not seen as one: it was written in other digits, or with a dot after it. */
static int settle_number(rl_buf *host, const char **why) {
  rl_buf url;
  rl_buf_init(&url, RL_BUF_NO_LIMIT);
  if (host->data[host->len - 1] == '.') host->len--;
  rl_buf_addf(&url, "http://%.*s/", RL_FMT(*host));
  CURLU *handle = url.error ? NULL : rl_curl.url();
  bool parsed = handle && rl_curl.url_set(handle, CURLUPART_URL, url.data, 0) == CURLUE_OK;
  char *found = parsed ? part(handle, CURLUPART_HOST, 0) : NULL;
  rl_buf_clear(host);
  if (found) rl_buf_add(host, found, strlen(found) + 1), host->len--;
  rl_curl.free(found);
  rl_curl.url_cleanup(handle);
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

static int take_host(parts *p, CURLU *handle, const char **why) {
  rl_buf host;
  char *raw = part(handle, CURLUPART_HOST, 0);
  if (!raw) return RL_ENOMEM;
  rl_buf_init(&host, RL_BUF_NO_LIMIT);
  int code = settle_host(rl_slice_str(raw), &host, why);
  if (!code && !(p->host = rl_strndup(host.data, host.len))) code = RL_ENOMEM;
  for (char *c = p->host; c && *c; c++) *c = rl_lower(*c);
  rl_buf_free(&host);
  rl_curl.free(raw);
  return code;
}

/* Once the URL is written out nothing shows it any more. */
static bool is_disguised(const parts *p) {
  if (rl_host_is_disguised(rl_slice_str(p->raw_host))) return true;
  return rl_host_is_ipv4(rl_slice_str(p->host)) && strcmp(p->host, p->raw_host) != 0;
}

/* ---- written out --------------------------------------------------------------------------------------------------------- */

static int take_path(parts *p, CURLU *handle) {
  rl_buf path;
  char *raw = part(handle, CURLUPART_PATH, 0);
  rl_buf_init(&path, RL_BUF_NO_LIMIT);
  if (raw && rl_path_settle(rl_slice_str(raw), &path) == RL_OK) p->path = rl_strndup(path.data, path.len);
  rl_curl.free(raw);
  rl_buf_free(&path);
  return p->path ? RL_OK : RL_ENOMEM;
}

/* The host, with the zone of an address that has one (RFC 6874). */
static void add_host(rl_buf *out, const parts *p, CURLU *handle) {
  char *zone = part(handle, CURLUPART_ZONEID, 0);
  size_t len = strlen(p->host);
  if (zone) rl_buf_addf(out, "%.*s%%25%s]", (int)len - 1, p->host, zone);
  else rl_buf_add(out, p->host, len);
  rl_curl.free(zone);
}

static char *write_text(const parts *p, CURLU *handle) {
  rl_buf buf;
  rl_buf_init(&buf, RL_BUF_NO_LIMIT);
  rl_buf_addf(&buf, "%s://", p->scheme);
  add_host(&buf, p, handle);
  if (p->port != (p->secure ? 443 : 80)) rl_buf_addf(&buf, ":%d", p->port);
  rl_buf_add_str(&buf, p->path);
  if (p->query) rl_buf_add_char(&buf, '?'), rl_buf_add_str(&buf, p->query);
  char *text = buf.error ? NULL : rl_strndup(buf.data, buf.len);
  rl_buf_free(&buf);
  return text;
}

/* ---- all of it ----------------------------------------------------------------------------------------------------------- */

/* curl takes for a scheme what we do not ("8ttp:"), so it is asked what it has found. */
static int take_scheme(parts *p, CURLU *handle, const char **why) {
  p->scheme = part(handle, CURLUPART_SCHEME, 0);
  if (!p->scheme) return RL_ENOMEM;
  p->secure = strcmp(p->scheme, "https") == 0;
  return p->secure || strcmp(p->scheme, "http") == 0 ? RL_OK : refuse(why, other_scheme);
}

static int take_parts(parts *p, CURLU *handle, const char *text, const char **why) {
  int code = take_scheme(p, handle, why);
  if (code) return code;
  if (!take_credential(handle, CURLUPART_USER, &p->user) || !take_credential(handle, CURLUPART_PASSWORD, &p->password))
    return refuse(why, "its user or password holds a control character");
  code = take_port(p, handle, why);
  if (!code) code = take_host(p, handle, why);
  if (!code) code = take_raw_host(p, text, why);
  if (!code) code = take_path(p, handle);
  p->query = part(handle, CURLUPART_QUERY, 0);
  return code;
}

static void free_parts(parts *p) {
  rl_curl.free(p->scheme);
  rl_free(p->host);
  rl_free(p->path);
  rl_curl.free(p->query);
  rl_curl.free(p->user);
  rl_curl.free(p->password);
  rl_free(p->raw_host);
}

/* Moves the results over. */
static int fill(rl_parsed_url *parsed, parts *p, CURLU *handle) {
  parsed->text = write_text(p, handle);
  if (!parsed->text) return RL_ENOMEM;
  rl_location_cut(&parsed->location, rl_slice_str(parsed->text));
  parsed->disguised = is_disguised(p);
  parsed->user = p->user;
  parsed->password = p->password;
  p->user = p->password = NULL;
  return RL_OK;
}

/* curl resolves "" and "#top" as paths; they are the base itself. Dot segments are removed by us: curl knows one spelling. */
static CURLUcode set_both(CURLU *handle, const char *text, const rl_location *base) {
  unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS;
  CURLUcode code = base ? rl_curl.url_set(handle, CURLUPART_URL, base->text.data, flags) : CURLUE_OK;
  if (code) return code;
  if (*text == '#' && base) return rl_curl.url_set(handle, CURLUPART_FRAGMENT, text[1] ? text + 1 : NULL, 0);
  return *text || !base ? rl_curl.url_set(handle, CURLUPART_URL, text, flags) : CURLUE_OK;
}

static int describe(CURLUcode code, const char **why) {
  switch (code) {
    case CURLUE_OUT_OF_MEMORY: return RL_ENOMEM;
    case CURLUE_BAD_PORT_NUMBER: return refuse(why, "its port is not a number from 1 to 65535");
    case CURLUE_BAD_IPV6: return refuse(why, "what stands in its brackets is no IPv6 address");
    case CURLUE_BAD_HOSTNAME: return refuse(why, "its host holds a character that no host has");
    case CURLUE_NO_HOST: return refuse(why, "it has no host");
    default: return refuse(why, rl_curl.url_strerror(code));
  }
}

static int parse(rl_parsed_url *parsed, const char *text, const rl_location *base, const char **why) {
  parts p = {0};
  int loaded = rl_curl_load(why);
  if (loaded) return loaded == RL_EIO ? RL_EURL : loaded;
  CURLU *handle = rl_curl.url();
  if (!handle) return RL_ENOMEM;
  CURLUcode result = set_both(handle, text, base);
  int code = result ? describe(result, why) : take_parts(&p, handle, text, why);
  if (!code) code = fill(parsed, &p, handle);
  rl_curl.url_cleanup(handle);
  free_parts(&p);
  return code;
}

/* Writes out a text that is absolute, or a path on the host of `base`. Returns false for every other text. */
static bool join(rl_buf *out, const char *text, const rl_location *base) {
  bool is_path = text[0] == '/' && text[1] != '/';
  if (is_path && !base) return false;
  if (is_path) rl_buf_addf(out, "http%s://%.*s", base->secure ? "s" : "", RL_FMT(base->authority));
  return (is_path || scheme_length(text)) && rl_buf_add(out, text, strlen(text) + 1) == RL_OK;
}

/* Most texts are normalized already: curl need not see them. */
static bool take(rl_parsed_url *parsed, const char *text, const rl_location *base) {
  rl_buf joined;
  rl_buf_init(&joined, RL_BUF_NO_LIMIT);
  bool taken =
      join(&joined, text, base) && rl_location_take(&parsed->location, rl_slice_of(joined.data, joined.len - 1));
  if (taken) parsed->text = joined.data;
  else rl_buf_free(&joined);
  return taken;
}

static int check_length(const char *text, const char **why) {
  return strnlen(text, RL_LIMIT_URL + 1) <= RL_LIMIT_URL ? RL_OK : refuse(why, "it is longer than 64 KiB");
}

int rl_url_parse(rl_parsed_url *parsed, const char *text, const rl_location *base, const char **why) {
  rl_buf encoded;
  *parsed = (rl_parsed_url){0};
  *why = NULL;
  rl_buf_init(&encoded, RL_BUF_NO_LIMIT);
  int code = check_length(text, why);
  if (!code && take(parsed, text, base)) return RL_OK;
  if (!code) code = check_scheme(text, base, why);
  if (!code) code = encode(text, &encoded, why);
  if (!code) code = parse(parsed, encoded.data, base, why);
  if (!code) *why = NULL;
  rl_buf_free(&encoded);
  return code;
}

void rl_parsed_url_free(rl_parsed_url *parsed) {
  rl_free(parsed->text);
  if (parsed->user) rl_curl.free(parsed->user);
  if (parsed->password) rl_curl.free(parsed->password);
  *parsed = (rl_parsed_url){0};
}
