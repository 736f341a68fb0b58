/* Loads OpenSSL; see openssl.h. */
#include "crypto/openssl.h"

#include "base/shared_object.h"

rl_openssl_functions rl_openssl;

/* At the end of the process other threads may still be in a call: nothing is torn down then. */
static bool prepare(void) { return rl_openssl.OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL) == 1; }

/* libssl's handle finds the functions of libcrypto too, on which it depends. */
int rl_openssl_load(const char **why) {
#define X(name) #name,
  static const char *const names[] = {RL_OPENSSL_FUNCTIONS(X)};
#undef X
  static rl_shared_object library = {.file = "libssl.so.3",
                                     .title = "this needs OpenSSL 3, which",
                                     .package = "libssl3",
                                     .names = names,
                                     .count = sizeof names / sizeof *names,
                                     .table = &rl_openssl,
                                     .prepare = prepare};
  return rl_shared_object_load(&library, why);
}
