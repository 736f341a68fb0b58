#include "base/json_plain.h"

#include "support/test.h"

enum { MOST = 40 };

static size_t count_by_byte(const char *text, size_t len) {
  size_t i = 0;
  while (i < len && rl_json_is_plain(text[i])) i++;
  return i;
}

/* In a block of exactly its size, so that ASan sees a byte read too many; and so for what is written. */
static void check_text(const char *text, size_t len) {
  size_t wanted = count_by_byte(text, len);
  char *copy = test_malloc(len + !len), *to = test_malloc(len + RL_JSON_COPY_SPARE);
  memcpy(copy, text, len);
  assert_int_equal(rl_json_skip_plain(copy, copy + len) - copy, wanted);
  assert_int_equal(rl_json_copy_plain(to, copy, copy + len) - copy, wanted);
  assert_memory_equal(to, text, wanted);
  memset(to, 0, len + RL_JSON_COPY_SPARE);
  assert_int_equal(rl_json_copy_plain_string(to, copy, copy + len) - copy, wanted);
  assert_memory_equal(to, text, wanted);
  test_free(copy);
  test_free(to);
}

TEST(the_first_special_byte_is_found_in_every_place_of_every_length) {
  UNUSED;
  char text[MOST];
  for (int byte = 0; byte < 256; byte++)
    for (size_t len = 0; len <= MOST; len++)
      for (size_t place = 0; place < len; place++) {
        memset(text, 'x', sizeof text);
        text[place] = (char)byte;
        check_text(text, len);
      }
  check_text("", 0);
}

TEST(sixteen_bytes_at_a_time_find_what_eight_and_four_do) {
  UNUSED;
  uint64_t random = 88172645463325252u;
  for (int i = 0; i < 200000; i++) {
    char text[16];
    for (size_t k = 0; k < sizeof text; k++) {
      random ^= random << 13, random ^= random >> 7, random ^= random << 17;
      text[k] = (char)(random >> 40 & 15 ? 0x20 + (random >> 32) % 95 : random >> 32);
    }
    size_t wanted = count_by_byte(text, sizeof text);
    size_t four = wanted < 4 ? wanted : 4, eight = wanted < 8 ? wanted : 8;
    assert_int_equal(rl_json_plain_4(text, NULL), four);
    assert_int_equal(rl_json_plain_8(text, NULL), eight);
    assert_int_equal(rl_json_plain_wide(text, NULL), wanted < RL_JSON_PLAIN_WIDTH ? wanted : RL_JSON_PLAIN_WIDTH);
    check_text(text, (size_t)i % 17); /* with several special bytes */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(the_first_special_byte_is_found_in_every_place_of_every_length),
      RUN(sixteen_bytes_at_a_time_find_what_eight_and_four_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
