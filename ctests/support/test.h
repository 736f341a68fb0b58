/*
 * Included by every C test: cmocka, after the headers that it needs, and a few assertions that print what they compare.
 */
#ifndef CTESTS_SUPPORT_TEST_H
#define CTESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* cmocka needs setjmp.h, stdarg.h, stddef.h and stdint.h before it. */
#include <cmocka.h>

#include "base/slice.h"

#define TEST(name) static void name(void **state_)
#define RUN(name) cmocka_unit_test(name)
/* Silences the unused parameter in the body of a TEST. */
#define UNUSED (void)state_

/* Fails the test unless the slice is exactly this text. */
static inline void assert_slice_at(rl_slice s, const char *text, const char *file, int line) {
  if (s.len == strlen(text) && (s.len == 0 || memcmp(s.data, text, s.len) == 0)) return;
  print_error("'%.*s' != '%s'\n", (int)s.len, s.data ? s.data : "", text);
  _fail(file, line);
}
#define assert_slice(s, text) assert_slice_at((s), (text), __FILE__, __LINE__)

#endif
