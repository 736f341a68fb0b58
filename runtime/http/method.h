/*
 * Request methods (RFC 9110 section 9, the IANA registry): a small number for what the house knows, by one table.
 * CONNECT is not among them: this is not a proxy. A method outside the table is answered 501.
 */
#ifndef RL_HTTP_METHOD_H
#define RL_HTTP_METHOD_H

#include "base/slice.h"

// clang-format off
#define RL_METHOD_MAP(X)                                                                            \
  X(GET, "GET") X(HEAD, "HEAD") X(POST, "POST") X(PUT, "PUT") X(PATCH, "PATCH") X(DELETE, "DELETE") \
  X(OPTIONS, "OPTIONS") X(TRACE, "TRACE") X(PROPFIND, "PROPFIND") X(PROPPATCH, "PROPPATCH")         \
  X(MKCOL, "MKCOL") X(COPY, "COPY") X(MOVE, "MOVE") X(LOCK, "LOCK") X(UNLOCK, "UNLOCK")             \
  X(SEARCH, "SEARCH") X(REPORT, "REPORT") X(MKCALENDAR, "MKCALENDAR") X(LINK, "LINK")               \
  X(UNLINK, "UNLINK") X(PURGE, "PURGE") X(NOTIFY, "NOTIFY") X(SUBSCRIBE, "SUBSCRIBE")               \
  X(UNSUBSCRIBE, "UNSUBSCRIBE")
// clang-format on

// clang-format off
typedef enum rl_method {
#define X(name, text) RL_METHOD_##name,
  RL_METHOD_MAP(X)
#undef X
  RL_METHOD_COUNT,
  RL_METHOD_NONE = RL_METHOD_COUNT
} rl_method;
// clang-format on

/* The method of a name, exactly as written (names are case-sensitive); RL_METHOD_NONE where the table has none. */
rl_method rl_method_of(rl_slice name);
/* "GET"; "" for RL_METHOD_NONE. */
rl_slice rl_method_name(rl_method method);

#endif
