/*
 * The Forwarded header (RFC 7239): what each proxy on the way has said of whom it heard from.
 *
 *   for="[2001:db8::1]:4711";proto=https;host=example.com, for=192.0.2.1        one hop, and the next
 *
 * All but the last hops can have been written by the client, and a quote that it leaves open must not swallow what our own
 * proxy has added after it. So where quotes are not in pairs they mean nothing, and every comma ends a hop. Pure; slices of
 * the value.
 */
#ifndef RL_HTTP_FORWARDED_H
#define RL_HTTP_FORWARDED_H

#include "base/slice.h"

typedef struct rl_forwarded {
  rl_slice rest;
  bool quotes; /* whether they are in pairs */
} rl_forwarded;

/* A field that is missing is RL_SLICE_NONE. A value that holds a backslash is none: no address, scheme or host does. */
typedef struct rl_forwarded_hop {
  rl_slice node; /* for= */
  rl_slice proto, host;
} rl_forwarded_hop;

rl_forwarded rl_forwarded_of(rl_slice value);
/* The next hop; false at the end. Empty elements are skipped. */
bool rl_forwarded_next(rl_forwarded *forwarded, rl_forwarded_hop *hop);

#endif
