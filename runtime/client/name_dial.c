/* Connections by curl, for connections; see name_dial.h. */
#include "client/name_dial.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "client/carrier/curl_error.h"

struct rl_name_dial {
  rl_easy easy; /* first */
  rl_engine *engine;
  const rl_address_policy *policy;
  bool denied;
  void (*on_done)(void *owner, int fd, int code, const char *why);
  void *owner;
  char error[CURL_ERROR_SIZE];
};

static curl_socket_t on_open_socket(void *ud, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  rl_name_dial *dial = ud;
  dial->denied = dial->policy && !rl_address_policy_allows(dial->policy, &address->addr);
  return dial->denied ? CURL_SOCKET_BAD : rl_engine_socket(dial->engine, address);
}

static void on_done(rl_easy *easy, CURLcode result) {
  rl_name_dial *dial = (rl_name_dial *)easy;
  char text[RL_CURL_ERROR_TEXT];
  int code = result ? rl_curl_error_of(easy->curl, result, dial->error, dial->denied, text) : RL_OK;
  dial->on_done(dial->owner, result ? -1 : easy->fd, code, text);
  rl_name_dial_del(dial);
}

static bool set_address(CURL *easy, rl_slice authority) {
  rl_buf url;
  rl_buf_init(&url, RL_BUF_NO_LIMIT);
  rl_buf_addf(&url, "http://%.*s/", RL_FMT(authority));
  CURLcode code = url.error ? CURLE_OUT_OF_MEMORY : RL_CURL_SET(easy, CURLOPT_URL, url.data);
  rl_buf_free(&url);
  return code == CURLE_OK;
}

static bool set_up(rl_name_dial *dial, rl_slice authority, uint32_t timeout_ms) {
  CURL *easy = dial->easy.curl;
  rl_engine_prepare(dial->engine, easy);
  RL_CURL_SET(easy, CURLOPT_CONNECT_ONLY, 1L);
  RL_CURL_SET(easy, CURLOPT_FRESH_CONNECT, 1L);
  RL_CURL_SET(easy, CURLOPT_PROXY, ""); /* the environment is not asked */
  RL_CURL_SET(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)RL_LIMIT_CLIENT_DNS_S);
  RL_CURL_SET(easy, CURLOPT_CONNECTTIMEOUT_MS, rl_engine_connect_timeout(timeout_ms));
  RL_CURL_SET(easy, CURLOPT_ERRORBUFFER, dial->error);
  RL_CURL_SET(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  RL_CURL_SET(easy, CURLOPT_OPENSOCKETDATA, dial);
  return set_address(easy, authority);
}

rl_name_dial *rl_name_dial_new(rl_engine *engine, rl_slice authority, const rl_address_policy *policy,
                               uint32_t timeout_ms, void (*callback)(void *owner, int fd, int code, const char *why),
                               void *owner) {
  rl_name_dial *dial = rl_calloc(1, sizeof *dial);
  if (!dial) return NULL;
  dial->engine = rl_engine_ref(engine);
  dial->policy = policy;
  dial->on_done = callback;
  dial->owner = owner;
  dial->easy = (rl_easy){.curl = rl_curl.easy_init(), .only_dials = true, .fd = -1, .on_done = on_done};
  if (dial->easy.curl && set_up(dial, authority, timeout_ms) && rl_engine_add(engine, &dial->easy) == RL_OK)
    return dial;
  rl_name_dial_del(dial);
  return NULL;
}

void rl_name_dial_del(rl_name_dial *dial) {
  rl_engine_remove(dial->engine, &dial->easy);
  rl_curl.easy_cleanup(dial->easy.curl);
  rl_engine_unref(dial->engine);
  rl_free(dial);
}
