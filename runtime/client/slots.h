/*
 * The easy handles of one client, set up once and used again, and what they share: kept connections and TLS sessions, of
 * this client and of nobody else.
 *
 *   rl_slots_take --> a request and its response --> rl_slots_give --> kept, or freed
 */
#ifndef RL_CLIENT_SLOTS_H
#define RL_CLIENT_SLOTS_H

#include "client/engine.h"

typedef struct rl_slot rl_slot;

/* An easy handle and what lives as long as a request on it. */
struct rl_slot {
  rl_wire wire; /* first */
  rl_list node; /* among the kept ones */
  void *owner;
  CURLU *parts; /* the last URL taken apart, and its text: the next request is often for the same one */
  char *url;
  struct curl_slist *headers, *proxy_headers; /* one block each: nodes and text */
  bool prepared;                              /* what is the same for every request has been set */
  bool plain;                                 /* nothing was set that another request must not find */
  char error[CURL_ERROR_SIZE];
};

typedef struct rl_slots {
  rl_engine *engine;
  CURLSH *share; /* NULL until it is needed */
  rl_list kept;
  unsigned count, most;
} rl_slots;

/* Borrows the engine. */
void rl_slots_init(rl_slots *slots, rl_engine *engine, unsigned most);
/* NULL where memory is short. */
rl_slot *rl_slots_take(rl_slots *slots);
/* `reusable`: curl is done with it and nothing went wrong. */
void rl_slots_give(rl_slots *slots, rl_slot *slot, bool reusable);
/* Closes all connections. Every slot has been given back. */
void rl_slots_drop(rl_slots *slots);

#endif
