/*
 * Header fields: name and value as slices, in the order of the message, and a small number for each name that the house
 * itself looks at, so that it is compared once.
 */
#ifndef RL_HTTP_HEADER_H
#define RL_HTTP_HEADER_H

#include <stdint.h>

#include "base/slice.h"

// clang-format off
#define RL_HEADER_MAP(X)                                                                          \
  X(HOST, "host") X(CONNECTION, "connection") X(CONTENT_LENGTH, "content-length")                 \
  X(CONTENT_TYPE, "content-type") X(CONTENT_ENCODING, "content-encoding")                         \
  X(TRANSFER_ENCODING, "transfer-encoding") X(TRAILER, "trailer") X(TE, "te") X(EXPECT, "expect") \
  X(UPGRADE, "upgrade") X(KEEP_ALIVE, "keep-alive") X(PROXY_CONNECTION, "proxy-connection")       \
  X(COOKIE, "cookie") X(SET_COOKIE, "set-cookie") X(AUTHORIZATION, "authorization")               \
  X(ACCEPT, "accept") X(ACCEPT_ENCODING, "accept-encoding") X(DATE, "date") X(ETAG, "etag")       \
  X(LAST_MODIFIED, "last-modified") X(IF_MATCH, "if-match") X(IF_NONE_MATCH, "if-none-match")     \
  X(IF_MODIFIED_SINCE, "if-modified-since") X(IF_UNMODIFIED_SINCE, "if-unmodified-since")         \
  X(IF_RANGE, "if-range") X(RANGE, "range") X(VARY, "vary") X(CACHE_CONTROL, "cache-control")     \
  X(LOCATION, "location") X(ALLOW, "allow") X(ORIGIN, "origin") X(FORWARDED, "forwarded")         \
  X(USER_AGENT, "user-agent") X(REFERER, "referer")
// clang-format on

// clang-format off
typedef enum rl_header_id {
  RL_HEADER_OTHER = 0,
#define X(name, text) RL_HEADER_##name,
  RL_HEADER_MAP(X)
#undef X
  RL_HEADER_COUNT
} rl_header_id;
// clang-format on

typedef struct rl_header {
  rl_slice name, value;
  uint8_t id; /* rl_header_id */
} rl_header;

/* By name, in any case. */
rl_header_id rl_header_id_of(rl_slice name);
/* The lower-case name of an id; "" for RL_HEADER_OTHER. */
rl_slice rl_header_name(rl_header_id id);
/* The first field of that id or name, or NULL. */
const rl_header *rl_header_find(const rl_header *headers, size_t count, rl_header_id id);
const rl_header *rl_header_find_name(const rl_header *headers, size_t count, rl_slice name);
/* Returns true if it says where a message ends (RFC 9112 section 6): Content-Length, Transfer-Encoding. */
bool rl_header_is_framing(rl_slice name);

/* Return true if it may leave in a head: a token as the name; in the value no CR, LF, NUL or other control but HTAB (RFC 9110 5.5). */
bool rl_header_name_is_safe(rl_slice name);
bool rl_header_value_is_safe(rl_slice value);
/* Returns how many bytes at the front of `text` may stand in a value. */
size_t rl_header_value_end(rl_slice text);
/* A field whose value is a list: element after element of all its lines, which are one list (RFC 9110 sections 5.3 and
 * 5.6.1). Empty elements are none; what a line opens (a quote) ends with it. */
typedef struct rl_field_list {
  const rl_header *line, *end; /* the lines that are left */
  uint8_t id;
  rl_slice rest; /* of the line under way */
} rl_field_list;

/* Of all lines of that id; borrowed. */
rl_field_list rl_field_list_of(const rl_header *headers, size_t count, rl_header_id id);
/* Of one value, that of lines which were joined already. */
rl_field_list rl_field_list_text(rl_slice value);
/* The next element, trimmed; false at the end. */
bool rl_field_list_next(rl_field_list *list, rl_slice *element);

/* A field that is no list: the one of that id. NULL if there is none, or if there are several, of which none counts
 * (section 5.3); `several` tells, and may be NULL. */
const rl_header *rl_header_single(const rl_header *headers, size_t count, rl_header_id id, bool *several);

/* Returns true if a comma-separated value holds `token`, in any case. */
bool rl_header_has_token(rl_slice value, rl_slice token);

#endif
