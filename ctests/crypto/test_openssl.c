/* runtime/crypto/openssl.c: the table is filled, and the library is the one of the build. */
#include "crypto/openssl.h"

#include "support/test.h"

static void loads_the_library_of_the_build(void **state) {
  (void)state;
  const char *why = "";
  assert_int_equal(rl_openssl_load(&why), 0);
  assert_non_null(rl_openssl.ERR_clear_error);
  assert_int_equal(strncmp(rl_openssl.OpenSSL_version(OPENSSL_VERSION), "OpenSSL 3.", 10), 0);
}

static void loads_it_once(void **state) {
  (void)state;
  const char *why = "";
  assert_int_equal(rl_openssl_load(&why), 0);
  void (*first)(void) = rl_openssl.ERR_clear_error;
  assert_int_equal(rl_openssl_load(&why), 0);
  assert_ptr_equal((void *)first, (void *)rl_openssl.ERR_clear_error);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(loads_the_library_of_the_build), cmocka_unit_test(loads_it_once)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
