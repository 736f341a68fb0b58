/* Easy handles that are used again; see easy_cache.h. */
#include "client/carrier/easy_cache.h"

#include "base/alloc.h"

static CURLSH *make_share(void) {
  CURLSH *share = rl_curl.share_init();
  if (!share) return NULL;
  rl_curl.share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
  rl_curl.share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  return share;
}

static void free_headers(rl_cached_easy *cached) {
  rl_free(cached->headers);
  rl_free(cached->proxy_headers);
  cached->headers = cached->proxy_headers = NULL;
}

static void free_easy(rl_cached_easy *cached) {
  rl_curl.easy_cleanup(cached->easy.curl);
  rl_curl.url_cleanup(cached->parts);
  rl_free(cached->url);
  free_headers(cached);
  rl_free(cached);
}

static rl_cached_easy *make_easy(rl_easy_cache *cache) {
  rl_cached_easy *cached = rl_calloc(1, sizeof *cached);
  if (!cached) return NULL;
  rl_list_init(&cached->node);
  cached->easy.curl = rl_curl.easy_init();
  if (cached->easy.curl) {
    RL_CURL_SET(cached->easy.curl, CURLOPT_SHARE, cache->share);
    rl_engine_prepare(cache->engine, cached->easy.curl);
    return cached;
  }
  rl_free(cached);
  return NULL;
}

void rl_easy_cache_init(rl_easy_cache *cache, rl_engine *engine, unsigned most) {
  *cache = (rl_easy_cache){.engine = engine, .most = most};
  rl_list_init(&cache->kept);
}

rl_cached_easy *rl_easy_cache_take(rl_easy_cache *cache) {
  rl_list *kept = rl_list_shift(&cache->kept);
  if (kept) {
    cache->count--;
    return RL_CONTAINER(kept, rl_cached_easy, node);
  }
  if (!cache->share) cache->share = make_share();
  return cache->share ? make_easy(cache) : NULL;
}

void rl_easy_cache_give(rl_easy_cache *cache, rl_cached_easy *cached, bool reusable) {
  cached->owner = NULL;
  if (!reusable || !cached->plain || cache->count >= cache->most) {
    free_easy(cached);
    return;
  }
  free_headers(cached);
  rl_list_push(&cache->kept, &cached->node);
  cache->count++;
}

/* Handles first: curl refuses to give up a share that is in use. */
void rl_easy_cache_drop(rl_easy_cache *cache) {
  for (rl_list *node; (node = rl_list_shift(&cache->kept));) free_easy(RL_CONTAINER(node, rl_cached_easy, node));
  cache->count = 0;
  if (cache->share) rl_curl.share_cleanup(cache->share);
  cache->share = NULL;
}
