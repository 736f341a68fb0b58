/* Options of an easy handle; see curl_setup.h. */
#include "client/carrier/curl_setup.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

enum { BUFFER = RL_LIMIT_RESPONSE_HEAD + 16384 };

/* ---- the same for every exchange ------------------------------------------------------------------------------------------- */

void rl_cached_easy_prepare(rl_cached_easy *cached) {
  CURL *easy = cached->easy.curl;
  RL_CURL_SET(easy, CURLOPT_ERRORBUFFER, cached->error);
  RL_CURL_SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  RL_CURL_SET(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L); /* credentials are a header, or an option of the route */
  RL_CURL_SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  RL_CURL_SET(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L); /* ours is bounded, see http/decoder.h */
  RL_CURL_SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  RL_CURL_SET(easy, CURLOPT_BUFFERSIZE, (long)BUFFER); /* a head of HTTP/2 that does not fit in is not heard of */
  RL_CURL_SET(easy, CURLOPT_PROXY, "");                /* the environment is not asked */
  RL_CURL_SET(easy, CURLOPT_NOPROXY, "");
  RL_CURL_SET(easy, CURLOPT_MAXAGE_CONN, (long)(RL_LIMIT_CLIENT_IDLE_MS / 1000));
  RL_CURL_SET(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)RL_LIMIT_CLIENT_DNS_S);
}

/* ---- where to --------------------------------------------------------------------------------------------------------------------- */

/* curl_url_dup of 7.88 forgets the zone of an IPv6 address: curl takes those apart itself. */
static bool may_have_zone(const char *url) { return strchr(url, '[') != NULL; }

/* As curl would take it apart; NULL leaves it to curl, which also says what is wrong with it. */
static CURLU *take_apart(rl_cached_easy *cached, const char *url) {
  if (may_have_zone(url) || (!cached->parts && !(cached->parts = rl_curl.url()))) return NULL;
  unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER;
  return rl_curl.url_set(cached->parts, CURLUPART_URL, url, flags) ? NULL : cached->parts;
}

/* With the parts at hand curl neither parses the URL nor writes it out again, a fifth of its work for a small response. */
static int set_url(rl_cached_easy *cached, const char *url) {
  CURL *easy = cached->easy.curl;
  if (cached->url && strcmp(cached->url, url) == 0) return RL_OK;
  rl_free(cached->url);
  CURLU *parts = take_apart(cached, url);
  cached->url = parts ? rl_strndup(url, strlen(url)) : NULL;
  CURLcode code = RL_CURL_SET(easy, CURLOPT_CURLU, cached->url ? parts : NULL);
  return code || RL_CURL_SET(easy, CURLOPT_URL, url) ? RL_ENOMEM : RL_OK;
}

/* ---- headers ------------------------------------------------------------------------------------------------------------------ */

/* A block of list nodes and the text they point to, written from both ends. */
typedef struct block {
  struct curl_slist *nodes;
  size_t count;
  char *at;
} block;

static void add_line(block *b, rl_slice name, rl_slice value) {
  struct curl_slist *node = &b->nodes[b->count++];
  node->data = b->at;
  node->next = NULL;
  if (b->count > 1) b->nodes[b->count - 2].next = node;
  memcpy(b->at, name.data, name.len);
  b->at += name.len;
  *b->at++ = value.len ? ':' : ';'; /* how curl is told of a header without a value */
  if (value.len) *b->at++ = ' ';
  if (value.len) memcpy(b->at, value.data, value.len);
  b->at += value.len;
  *b->at++ = 0;
}

/* "Name:" keeps curl from adding one of its own. */
static void suppress(block *b, const char *line) {
  size_t len = strlen(line);
  struct curl_slist *node = &b->nodes[b->count++];
  node->data = b->at;
  node->next = NULL;
  if (b->count > 1) b->nodes[b->count - 2].next = node;
  memcpy(b->at, line, len + 1);
  b->at += len + 1;
}

/* The second and the third go with a body only. */
static const char *const curls_own[] = {"Accept:", "Content-Type:", "Expect:"};
enum { CURLS_OWN = 3, CURLS_OWN_WITHOUT_BODY = 1, CURLS_OWN_TEXT = 40 };

static bool has_header(const rl_client_request *x, rl_slice name) {
  return rl_header_find_name(x->headers, x->header_count, name) != NULL;
}

static bool is_for_proxy(const rl_header *header) {
  return rl_slice_eq_nocase(header->name, RL_SLICE("proxy-authorization"));
}

/* Those for the origin, or those that a proxy alone is to see. Framing is curl's to say, by what it is told of the body. */
static struct curl_slist *make_list(const rl_client_request *x, bool for_proxy) {
  size_t nodes = x->header_count + CURLS_OWN, text = CURLS_OWN_TEXT;
  for (size_t i = 0; i < x->header_count; i++) text += x->headers[i].name.len + x->headers[i].value.len + 3;
  block b = {.nodes = rl_alloc(nodes * sizeof *b.nodes + text)};
  if (!b.nodes) return NULL;
  b.at = (char *)(b.nodes + nodes);
  for (size_t i = 0; i < x->header_count; i++) {
    const rl_header *h = &x->headers[i];
    if (is_for_proxy(h) == for_proxy && !rl_header_is_framing(h->name)) add_line(&b, h->name, rl_slice_trim(h->value));
  }
  size_t own = for_proxy ? 0 : x->has_body ? CURLS_OWN : CURLS_OWN_WITHOUT_BODY;
  for (size_t i = 0; i < own; i++)
    if (!has_header(x, rl_slice_of(curls_own[i], strlen(curls_own[i]) - 1))) suppress(&b, curls_own[i]);
  return b.nodes;
}

static int set_headers(rl_cached_easy *cached, const rl_client_request *x) {
  CURL *easy = cached->easy.curl;
  cached->headers = make_list(x, false);
  if (!cached->headers) return RL_ENOMEM;
  RL_CURL_SET(easy, CURLOPT_HTTPHEADER, cached->headers);
  if (!has_header(x, RL_SLICE("proxy-authorization"))) return RL_OK;
  cached->proxy_headers = make_list(x, true);
  cached->plain = false;
  RL_CURL_SET(easy, CURLOPT_FRESH_CONNECT, 1L); /* curl does not see that a tunnel belongs to these credentials */
  RL_CURL_SET(easy, CURLOPT_FORBID_REUSE, 1L);
  return cached->proxy_headers && !RL_CURL_SET(easy, CURLOPT_PROXYHEADER, cached->proxy_headers) ? RL_OK : RL_ENOMEM;
}

/* ---- method and body ------------------------------------------------------------------------------------------------------------ */

static void set_method(CURL *easy, const char *method) {
  bool own = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
  RL_CURL_SET(easy, CURLOPT_HTTPGET, 1L); /* forgets what the last exchange was */
  RL_CURL_SET(easy, CURLOPT_CUSTOMREQUEST, own ? NULL : method);
}

static void set_body(rl_cached_easy *cached, const rl_client_request *x) {
  CURL *easy = cached->easy.curl;
  if (x->streamed) {
    cached->plain = false;
    RL_CURL_SET(easy, CURLOPT_UPLOAD, 1L);
    RL_CURL_SET(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->length);
  } else {
    RL_CURL_SET(easy, CURLOPT_POST, 1L);
    RL_CURL_SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.len);
    RL_CURL_SET(easy, CURLOPT_POSTFIELDS, x->body.len ? x->body.data : "");
  }
  RL_CURL_SET(easy, CURLOPT_CUSTOMREQUEST, x->method);
}

/* ---- the way there ----------------------------------------------------------------------------------------------------------------- */

static bool is_pem(const char *text) { return strstr(text, "-----BEGIN") != NULL; }

/* A file's name, or its text. */
static CURLcode set_pem(CURL *easy, CURLoption file, CURLoption blob, const char *text) {
  if (!text) return CURLE_OK;
  struct curl_blob bytes = {(void *)(uintptr_t)text, strlen(text), CURL_BLOB_COPY};
  return is_pem(text) ? RL_CURL_SET(easy, blob, &bytes) : RL_CURL_SET(easy, file, text);
}

static CURLcode set_tls(CURL *easy, const rl_route *route) {
  if (route->insecure) {
    RL_CURL_SET(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    RL_CURL_SET(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  CURLcode code = set_pem(easy, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB, route->ca);
  if (!code) code = set_pem(easy, CURLOPT_PROXY_CAINFO, CURLOPT_PROXY_CAINFO_BLOB, route->ca);
  if (!code) code = set_pem(easy, CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB, route->cert);
  if (!code) code = set_pem(easy, CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB, route->key ? route->key : route->cert);
  return code;
}

static CURLcode set_proxy(CURL *easy, const rl_route *route) {
  bool from_environment = route->proxy && strcmp(route->proxy, "env") == 0;
  CURLcode code = RL_CURL_SET(easy, CURLOPT_PROXY, from_environment ? NULL : route->proxy ? route->proxy : "");
  if (!code && (route->no_proxy || from_environment)) code = RL_CURL_SET(easy, CURLOPT_NOPROXY, route->no_proxy);
  if (!code && route->unix_path) code = RL_CURL_SET(easy, CURLOPT_UNIX_SOCKET_PATH, route->unix_path);
  return code;
}

static CURLcode set_digest(CURL *easy, const rl_route *route) {
  if (!route->user) return CURLE_OK;
  RL_CURL_SET(easy, CURLOPT_HTTPAUTH, CURLAUTH_DIGEST);
  CURLcode code = RL_CURL_SET(easy, CURLOPT_USERNAME, route->user);
  return code ? code : RL_CURL_SET(easy, CURLOPT_PASSWORD, route->password ? route->password : "");
}

static int set_route(rl_cached_easy *cached, const rl_route *route) {
  CURL *easy = cached->easy.curl;
  cached->plain = false;
  if (route->http2) RL_CURL_SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  CURLcode code = set_tls(easy, route);
  if (!code) code = set_proxy(easy, route);
  if (!code) code = set_digest(easy, route);
  return code ? RL_ENOMEM : RL_OK;
}

int rl_cached_easy_setup(rl_cached_easy *cached, const rl_client_request *x) {
  CURL *easy = cached->easy.curl;
  cached->plain = true;
  cached->error[0] = 0;
  int code = set_url(cached, x->location->text.data);
  if (code) return code;
  RL_CURL_SET(easy, CURLOPT_CONNECTTIMEOUT_MS, rl_engine_connect_timeout(x->connect_ms ? x->connect_ms : x->total_ms));
  set_method(easy, x->method);
  if (x->has_body) set_body(cached, x);
  if (strcmp(x->method, "HEAD") == 0) RL_CURL_SET(easy, CURLOPT_NOBODY, 1L);
  code = set_headers(cached, x);
  return code || !x->route ? code : set_route(cached, x->route);
}
