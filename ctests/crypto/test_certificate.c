/* runtime/crypto/certificate.c: what is made says what it was made for, and bytes that are no certificate are refused. */
#define _GNU_SOURCE /* memmem */
#include "crypto/certificate.h"

#include "base/error.h"
#include "crypto/digest.h"
#include "crypto/ec_key.h"
#include "support/test.h"

static const rl_slice names[] = {{"a.example", 9}, {"*.b.example", 11}, {"127.0.0.1", 9}, {"::1", 3}};
enum { FROM = 1700000000, TO = 1800000000 };

static rl_buf new_key(void) {
  rl_buf key;
  rl_buf_init(&key, 4096);
  assert_int_equal(rl_ec_key_new(&key), 0);
  return key;
}

static rl_buf make(const rl_certificate_plan *plan, const rl_buf *key) {
  rl_buf der;
  rl_buf_init(&der, 64 << 10);
  assert_int_equal(rl_certificate_make(plan, rl_buf_slice(key), &der), 0);
  return der;
}

TEST(a_certificate_says_what_it_was_made_for) {
  UNUSED;
  rl_buf key = new_key(), other = new_key();
  rl_buf der = make(&(rl_certificate_plan){.names = names, .count = 4, .from = FROM, .to = TO}, &key);
  rl_certificate_facts facts;
  assert_int_equal(rl_certificate_describe(rl_buf_slice(&der), &facts), 0);
  static const char expected[] =
      "a.example\0*.b.example\0"
      "127.0.0.1\0::1"; /* and its NUL */
  assert_int_equal(facts.names.len, sizeof expected);
  assert_memory_equal(facts.names.data, expected, sizeof expected);
  assert_int_equal(facts.from, FROM);
  assert_int_equal(facts.to, TO);
  assert_int_equal(facts.serial_len, 16);
  assert_string_equal(facts.subject, "a.example");
  assert_string_equal(facts.issuer, "a.example");
  assert_true(rl_certificate_fits(rl_buf_slice(&der), rl_buf_slice(&key)));
  assert_false(rl_certificate_fits(rl_buf_slice(&der), rl_buf_slice(&other)));
  rl_certificate_facts_free(&facts);
  rl_buf_free(&der);
  rl_buf_free(&key);
  rl_buf_free(&other);
}

TEST(an_authority_signs_others) {
  UNUSED;
  rl_buf root_key = new_key(), key = new_key();
  rl_buf root = make(&(rl_certificate_plan){.title = "root", .from = FROM, .to = TO, .is_authority = true}, &root_key);
  rl_certificate_plan plan = {.names = names,
                              .count = 1,
                              .from = FROM,
                              .to = TO,
                              .issuer = rl_buf_slice(&root),
                              .issuer_key = rl_buf_slice(&root_key)};
  rl_buf der = make(&plan, &key);
  rl_certificate_facts facts;
  assert_int_equal(rl_certificate_describe(rl_buf_slice(&der), &facts), 0);
  assert_string_equal(facts.issuer, "root");
  assert_string_equal(facts.subject, "a.example");
  assert_int_equal(facts.authority_len, 20);
  rl_certificate_facts_free(&facts);
  rl_buf_free(&root);
  rl_buf_free(&root_key);
  rl_buf_free(&der);
  rl_buf_free(&key);
}

TEST(the_digest_of_a_challenge_is_in_it) {
  UNUSED;
  static const uint8_t id[] = {6,    8, 0x2b, 6,    1, 5,  5, 7, 1,
                               0x1f, 1, 1,    0xff, 4, 34, 4, 32}; /* critical, RFC 8737 section 3 */
  uint8_t digest[32];
  rl_random_bytes(digest, sizeof digest);
  rl_buf key = new_key();
  rl_buf der = make(&(rl_certificate_plan){.names = names, .count = 1, .from = FROM, .to = TO, .digest = digest}, &key);
  const char *at = memmem(der.data, der.len, id, sizeof id);
  assert_non_null(at);
  assert_memory_equal(at + sizeof id, digest, sizeof digest);
  rl_buf_free(&der);
  rl_buf_free(&key);
}

TEST(names_that_are_none_are_refused) {
  UNUSED;
  rl_slice wrong[RL_CERTIFICATE_NAMES + 1];
  rl_buf key = new_key(), der;
  rl_buf_init(&der, 64 << 10);
  wrong[0] = RL_SLICE_NONE;
  assert_int_equal(rl_certificate_ask(wrong, 1, rl_buf_slice(&key), &der), RL_EINVALID);
  wrong[0] = rl_slice_of("a\0b", 3);
  assert_int_equal(rl_certificate_ask(wrong, 1, rl_buf_slice(&key), &der), RL_EINVALID);
  assert_int_equal(rl_certificate_ask(wrong, 0, rl_buf_slice(&key), &der), RL_EINVALID);
  for (size_t i = 0; i <= RL_CERTIFICATE_NAMES; i++) wrong[i] = names[0];
  assert_int_equal(rl_certificate_ask(wrong, RL_CERTIFICATE_NAMES + 1, rl_buf_slice(&key), &der), RL_EINVALID);
  assert_int_equal(rl_certificate_ask(wrong, RL_CERTIFICATE_NAMES, RL_SLICE("no key"), &der), RL_EINVALID);
  assert_int_equal(der.len, 0);
  assert_int_equal(rl_certificate_ask(wrong, RL_CERTIFICATE_NAMES, rl_buf_slice(&key), &der), 0);
  rl_buf_free(&der);
  rl_buf_free(&key);
}

/* Each byte changed, and each length: an answer, and no fault (run it with ASan). */
TEST(bytes_that_are_no_certificate_are_survived) {
  UNUSED;
  rl_buf key = new_key();
  rl_buf der = make(&(rl_certificate_plan){.names = names, .count = 4, .from = FROM, .to = TO}, &key);
  rl_certificate_facts facts;
  for (size_t i = 0; i < der.len; i++) {
    assert_int_equal(rl_certificate_describe(rl_slice_of(der.data, i), &facts), RL_EINVALID);
    rl_certificate_facts_free(&facts);
    der.data[i] = (char)(der.data[i] ^ 0x41);
    rl_certificate_describe(rl_buf_slice(&der), &facts);
    rl_certificate_facts_free(&facts);
    der.data[i] = (char)(der.data[i] ^ 0x41);
  }
  assert_false(rl_certificate_fits(RL_SLICE_NONE, rl_buf_slice(&key)));
  rl_buf_free(&der);
  rl_buf_free(&key);
}

/* What its name constraints mean to OpenSSL is tested with rille dev --https. */
TEST(a_local_authority_says_so_and_signs) {
  UNUSED;
  rl_buf root_key = new_key(), key = new_key();
  rl_buf root =
      make(&(rl_certificate_plan){.title = "root", .from = FROM, .to = TO, .is_authority = true, .is_local = true},
           &root_key);
  static const unsigned char critical[] = {0x06, 0x03, 0x55, 0x1d, 0x1e, 0x01, 0x01, 0xff}; /* 2.5.29.30, TRUE */
  assert_non_null(memmem(root.data, root.len, critical, sizeof critical));
  rl_certificate_plan plan = {.names = names,
                              .count = 1,
                              .from = FROM,
                              .to = TO,
                              .issuer = rl_buf_slice(&root),
                              .issuer_key = rl_buf_slice(&root_key)};
  rl_buf leaf = make(&plan, &key);
  assert_true(rl_certificate_is_issued_by(rl_buf_slice(&leaf), rl_buf_slice(&root)));
  assert_false(rl_certificate_is_issued_by(rl_buf_slice(&root), rl_buf_slice(&leaf)));
  assert_false(rl_certificate_is_issued_by(RL_SLICE("x"), rl_buf_slice(&root)));
  assert_false(rl_certificate_is_issued_by(rl_buf_slice(&leaf), RL_SLICE_NONE));
  rl_buf_free(&leaf);
  rl_buf_free(&root);
  rl_buf_free(&key);
  rl_buf_free(&root_key);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(a_certificate_says_what_it_was_made_for),    RUN(an_authority_signs_others),
      RUN(the_digest_of_a_challenge_is_in_it),         RUN(names_that_are_none_are_refused),
      RUN(bytes_that_are_no_certificate_are_survived), RUN(a_local_authority_says_so_and_signs),
  };
  return rl_crypto_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
