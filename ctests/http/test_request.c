#include "http/request.h"

#include "support/test.h"

TEST(authorities_that_are_valid_and_that_are_not) {
  UNUSED;
  static const char *const good[] = {
      "a",         "example.org",   "example.org:80", "127.0.0.1", "127.0.0.1:65535",    "[::1]", "[::1]:8080",
      "a.b-c_d~e", "xn--bcher-kva", "[::1]:",         "a:",        "[2001:db8::1.2.3.4]"};
  static const char *const bad[] = {"",    ":80",   "a:b",       "a:65536",   "a:-1",    "user@a",
                                    "a b", "a/b",   "a?b",       "a#b",       "[::1",    "::1",
                                    "[]",  "[::g]", "[::1]x",    "a%20b",     "a:80:80", "a\xc3\xa9",
                                    "a%2", "a%zz",  "[1.2.3.4]", "a,b:99999", "a\\b",    "a:99999999999"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    if (!rl_authority_is_valid(rl_slice_str(good[i]))) fail_msg("refused: %s", good[i]);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (rl_authority_is_valid(rl_slice_str(bad[i]))) fail_msg("accepted: %s", bad[i]);
}

TEST(each_request_has_a_name_of_its_own_that_stays) {
  UNUSED;
  enum { COUNT = 1000 };
  rl_chunk_pool pool;
  rl_chunk_pool_init(&pool, 4);
  rl_req *reqs[COUNT];
  for (int i = 0; i < COUNT; i++) {
    reqs[i] = rl_req_new(&pool);
    rl_slice id = rl_req_id(reqs[i]);
    assert_int_equal(id.len, 16);
    assert_int_equal(strspn(id.data, "0123456789abcdef"), 16);
    assert_ptr_equal(rl_req_id(reqs[i]).data, id.data);
    for (int j = 0; j < i; j++) assert_false(rl_slice_eq(id, reqs[j]->id));
  }
  for (int i = 0; i < COUNT; i++) rl_req_free(reqs[i]);
  rl_chunk_pool_free(&pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(authorities_that_are_valid_and_that_are_not),
                                     RUN(each_request_has_a_name_of_its_own_that_stays)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
