/*
 * libcurl, loaded when something first needs it: HTTP/2, a proxy, digest authentication, an address with a zone. A server that only answers never loads it, nor the 30 libraries that come with it.
 *
 *   rl_curl_load --> rl_curl.easy_init() …       nobody calls libcurl but through the table
 *
 * Whoever holds a handle of curl's has loaded it before; rl_engine_open does for the engine.
 */
#ifndef RL_CLIENT_LIBCURL_H
#define RL_CLIENT_LIBCURL_H

#include <curl/curl.h>
#include <stdbool.h>

#define RL_CURL_FUNCTIONS(X) \
  X(easy_cleanup)            \
  X(easy_getinfo)            \
  X(easy_init)               \
  X(easy_pause)              \
  X(easy_setopt)             \
  X(easy_strerror)           \
  X(free)                    \
  X(global_init)             \
  X(multi_add_handle)        \
  X(multi_cleanup)           \
  X(multi_info_read)         \
  X(multi_init)              \
  X(multi_remove_handle)     \
  X(multi_setopt)            \
  X(multi_socket_action)     \
  X(share_cleanup)           \
  X(share_init)              \
  X(share_setopt)            \
  X(url)                     \
  X(url_cleanup)             \
  X(url_get)                 \
  X(url_set)                 \
  X(url_strerror)            \
  X(version)

/* curl_easy_init is rl_curl.easy_init, and so on. */
typedef struct rl_curl_functions {
#define X(name) __typeof__(curl_##name) *name;
  RL_CURL_FUNCTIONS(X)
#undef X
} rl_curl_functions;

extern rl_curl_functions rl_curl;

/* curl_easy_setopt: curl reads a long or a pointer, so an int would bring half a number (curl's own macro checks that for
 * calls by its name). */
#define RL_CURL_SET(easy, option, value)                                                                   \
  __extension__({                                                                                          \
    _Static_assert(sizeof(1 ? (value) : (value)) >= sizeof(long), "curl reads a long: write 1L, or cast"); \
    rl_curl.easy_setopt((easy), (option), (value));                                                        \
  })

/* Loads libcurl and sets it up (curl_global_init). Returns 0, RL_ENOFILES or RL_EIO; then `*why` is a static line, which names the
 * package if that is missing. Any thread may call. */
int rl_curl_load(const char **why);

#endif
