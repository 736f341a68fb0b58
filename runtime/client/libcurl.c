/* Loads libcurl; see libcurl.h. */
#include "client/libcurl.h"

#include "base/shared_object.h"

rl_curl_functions rl_curl;

/* From 7.84 on any thread may call it, which is why the build asks for a newer one. */
static bool prepare(void) { return rl_curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK; }

int rl_curl_load(const char **why) {
#define X(name) "curl_" #name,
  static const char *const names[] = {RL_CURL_FUNCTIONS(X)};
#undef X
  static rl_shared_object library = {.file = "libcurl.so.4",
                                     .title = "this needs libcurl, which",
                                     .package = "libcurl4",
                                     .names = names,
                                     .count = sizeof names / sizeof *names,
                                     .table = &rl_curl,
                                     .prepare = prepare};
  return rl_shared_object_load(&library, why);
}
