/*
 * Caches the easy handles of one client, which are set up once and used again. They share connections and TLS sessions, of
 * this client only.
 *
 *   rl_easy_cache_take --> a request and its response --> rl_easy_cache_give --> kept, or freed
 */
#ifndef RL_CLIENT_CARRIER_EASY_CACHE_H
#define RL_CLIENT_CARRIER_EASY_CACHE_H

#include "client/engine.h"

typedef struct rl_cached_easy rl_cached_easy;

/* An easy handle and what lives as long as a request on it. */
struct rl_cached_easy {
  rl_easy easy; /* first */
  rl_list node; /* among the kept ones */
  void *owner;
  CURLU *parts; /* the last URL taken apart, and its text: the next request is often for the same one */
  char *url;
  struct curl_slist *headers, *proxy_headers; /* one block each: nodes and text */
  bool prepared;                              /* what is the same for every request has been set */
  bool plain;                                 /* nothing was set that another request must not find */
  char error[CURL_ERROR_SIZE];
};

typedef struct rl_easy_cache {
  rl_engine *engine;
  CURLSH *share; /* NULL until it is needed */
  rl_list kept;
  unsigned count, most;
} rl_easy_cache;

/* Borrows the engine. */
void rl_easy_cache_init(rl_easy_cache *cache, rl_engine *engine, unsigned most);
/* Returns NULL if out of memory. The engine is open. */
rl_cached_easy *rl_easy_cache_take(rl_easy_cache *cache);
/* `reusable`: curl is done with it and nothing went wrong. */
void rl_easy_cache_give(rl_easy_cache *cache, rl_cached_easy *cached, bool reusable);
/* Closes all connections. Every cached has been given back. */
void rl_easy_cache_drop(rl_easy_cache *cache);

#endif
