#include "crypto/seal.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "support/test.h"

static rl_keyring ring;
static rl_buf sealed, opened;

static rl_seal_context context(int64_t now_ms, int64_t max_age_ms) {
  return (rl_seal_context){.ring = &ring,
                           .name = RL_SLICE("rille"),
                           .purpose = RL_SLICE("session"),
                           .now_ms = now_ms,
                           .max_age_ms = max_age_ms};
}

static int setup(void **state) {
  (void)state;
  rl_keyring_init(&ring);
  rl_keyring_add(&ring, RL_SLICE("a secret that is long enough to be one"));
  rl_buf_init(&sealed, RL_BUF_NO_LIMIT);
  rl_buf_init(&opened, RL_BUF_NO_LIMIT);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_buf_free(&sealed);
  rl_buf_free(&opened);
  rl_keyring_free(&ring);
  return 0;
}

static void seal_at(int64_t now_ms, const char *text) {
  rl_seal_context c = context(now_ms, -1);
  rl_buf_clear(&sealed);
  assert_int_equal(rl_seal(&c, rl_slice_str(text), &sealed), 0);
}

static int open_with(rl_seal_context c) {
  rl_buf_clear(&opened);
  return rl_unseal(&c, rl_buf_slice(&sealed), &opened, NULL);
}

TEST(what_was_sealed_comes_back_with_its_time) {
  UNUSED;
  rl_seal_context c = context(1000, -1);
  rl_unsealed how;
  seal_at(1000, "user=ada");
  assert_int_equal(rl_unseal(&c, rl_buf_slice(&sealed), &opened, &how), 0);
  assert_slice(rl_buf_slice(&opened), "user=ada");
  assert_int_equal(how.issued_ms, 1000);
  assert_int_equal(how.key, 0);
}

TEST(every_flipped_bit_is_noticed) {
  UNUSED;
  rl_buf box, text;
  rl_buf_init(&box, RL_BUF_NO_LIMIT);
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  seal_at(1000, "user=ada");
  assert_int_equal(rl_base64url_decode(&box, rl_buf_slice(&sealed)), 0);
  for (size_t bit = 0; bit < box.len * 8; bit++) {
    box.data[bit / 8] = (char)(box.data[bit / 8] ^ (1 << (bit % 8)));
    rl_buf_clear(&text);
    rl_buf_clear(&opened);
    rl_base64url_encode(&text, rl_buf_slice(&box));
    rl_seal_context c = context(1000, -1);
    assert_int_equal(rl_unseal(&c, rl_buf_slice(&text), &opened, NULL), RL_EDENIED);
    assert_int_equal(opened.len, 0);
    box.data[bit / 8] = (char)(box.data[bit / 8] ^ (1 << (bit % 8)));
  }
  for (size_t bit = 0; bit < sealed.len * 8; bit++) { /* of the text too: no two texts open to the same */
    sealed.data[bit / 8] = (char)(sealed.data[bit / 8] ^ (1 << (bit % 8)));
    assert_int_equal(open_with(context(1000, -1)), RL_EDENIED);
    sealed.data[bit / 8] = (char)(sealed.data[bit / 8] ^ (1 << (bit % 8)));
  }
  assert_int_equal(open_with(context(1000, -1)), 0);
  rl_buf_free(&box);
  rl_buf_free(&text);
}

TEST(a_text_cut_off_anywhere_is_refused) {
  UNUSED;
  seal_at(1000, "user=ada");
  size_t whole = sealed.len;
  for (sealed.len = 0; sealed.len < whole; sealed.len++) assert_int_equal(open_with(context(1000, -1)), RL_EDENIED);
  assert_int_equal(open_with(context(1000, -1)), 0);
}

TEST(another_name_or_purpose_is_refused_also_where_both_joined_are_the_same) {
  UNUSED;
  rl_seal_context c = context(1000, -1);
  seal_at(1000, "x");
  c.name = RL_SLICE("other");
  assert_int_equal(open_with(c), RL_EDENIED);
  c.name = RL_SLICE("rilles"), c.purpose = RL_SLICE("ession");
  assert_int_equal(open_with(c), RL_EDENIED);
  c = context(1000, -1);
  c.purpose = RL_SLICE("reset");
  assert_int_equal(open_with(c), RL_EDENIED);
}

TEST(age_is_checked_and_the_future_refused_beyond_the_skew_of_clocks) {
  UNUSED;
  seal_at(1000000, "x");
  assert_int_equal(open_with(context(1000000 + 59999, 60000)), 0);
  assert_int_equal(open_with(context(1000000 + 60000, 60000)), RL_EDENIED);
  assert_int_equal(open_with(context(1000000 - 299999, 60000)), 0);
  assert_int_equal(open_with(context(1000000 - 300001, 60000)), RL_EDENIED);
  assert_int_equal(open_with(context(INT64_MAX / 2, -1)), 0);
}

TEST(a_ring_opens_by_all_its_keys_and_says_which) {
  UNUSED;
  rl_keyring old = ring;
  rl_unsealed how;
  seal_at(1000, "x");
  rl_keyring_init(&ring);
  rl_keyring_add(&ring, RL_SLICE("the new secret, which is long enough as well"));
  assert_int_equal(open_with(context(1000, -1)), RL_EDENIED);
  rl_keyring_add(&ring, RL_SLICE("a secret that is long enough to be one"));
  rl_seal_context c = context(1000, -1);
  rl_buf_clear(&opened);
  assert_int_equal(rl_unseal(&c, rl_buf_slice(&sealed), &opened, &how), 0);
  assert_int_equal(how.key, 1);
  assert_memory_equal(ring.keys[1].master, old.keys[0].master, RL_KEY_SIZE);
}

/* Two keys of a ring may have the same id: then both are tried. */
TEST(keys_that_share_an_id_are_both_tried) {
  UNUSED;
  char secret[64];
  seal_at(1000, "x");
  uint8_t id = ring.keys[0].id;
  rl_keyring_init(&ring);
  for (int i = 0; ring.count == 0 || ring.keys[0].id != id; i++) {
    rl_keyring_init(&ring);
    rl_keyring_add(&ring, rl_slice_of(secret, (size_t)snprintf(secret, sizeof secret, "candidate %d", i)));
  }
  assert_int_equal(open_with(context(1000, -1)), RL_EDENIED);
  rl_keyring_add(&ring, RL_SLICE("a secret that is long enough to be one"));
  assert_int_equal(ring.keys[1].id, id);
  assert_int_equal(open_with(context(1000, -1)), 0);
  assert_slice(rl_buf_slice(&opened), "x");
}

TEST(a_secret_of_32_bytes_is_the_master_and_subkeys_differ_by_purpose) {
  UNUSED;
  uint8_t a[RL_KEY_SIZE], b[RL_KEY_SIZE];
  rl_keyring_init(&ring);
  rl_keyring_add(&ring, RL_SLICE("0123456789abcdef0123456789abcdef"));
  assert_memory_equal(ring.keys[0].master, "0123456789abcdef0123456789abcdef", RL_KEY_SIZE);
  rl_keyring_subkey(&ring, 0, RL_SLICE("session"), a);
  rl_keyring_subkey(&ring, 0, RL_SLICE("csrf"), b);
  assert_memory_not_equal(a, b, RL_KEY_SIZE);
  assert_memory_not_equal(a, ring.keys[0].master, RL_KEY_SIZE);
}

TEST(a_ring_has_room_for_eight) {
  UNUSED;
  while (ring.count < RL_KEYRING_MOST) assert_int_equal(rl_keyring_add(&ring, RL_SLICE("x")), 0);
  assert_int_equal(rl_keyring_add(&ring, RL_SLICE("x")), RL_ETOOBIG);
}

enum { MANY = 100000, NONCE = 16 }; /* 12 of the 24 bytes, as text */

static int compare_nonces(const void *a, const void *b) { return memcmp(a, b, NONCE); }

TEST(nonces_do_not_repeat) {
  UNUSED;
  char(*seen)[NONCE] = test_malloc((size_t)MANY * NONCE);
  for (size_t i = 0; i < MANY; i++) {
    seal_at(1000, "x");
    memcpy(seen[i], sealed.data + 4, NONCE);
  }
  qsort(seen, MANY, NONCE, compare_nonces);
  for (size_t i = 1; i < MANY; i++) assert_memory_not_equal(seen[i - 1], seen[i], NONCE);
  test_free(seen);
}

TEST(memory_that_is_short_is_no_refusal_and_loses_nothing) {
  UNUSED;
  seal_at(1000, "user=ada");
  for (long nth = 1; nth <= 3; nth++) {
    rl_alloc_fail_at(nth, false);
    rl_buf_free(&opened);
    int code = open_with(context(1000, -1));
    rl_alloc_fail_at(0, false);
    assert_true(code == RL_ENOMEM || code == 0);
    rl_buf out;
    rl_seal_context c = context(1000, -1);
    rl_buf_init(&out, RL_BUF_NO_LIMIT);
    rl_alloc_fail_at(nth, false);
    code = rl_seal(&c, RL_SLICE("user=ada"), &out);
    rl_alloc_fail_at(0, false);
    assert_true(code == RL_ENOMEM || code == 0);
    if (code) assert_int_equal(out.len, 0);
    rl_buf_free(&out);
  }
}

int main(void) {
  if (!rl_crypto_init()) return 1;
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      EACH(what_was_sealed_comes_back_with_its_time),
      EACH(every_flipped_bit_is_noticed),
      EACH(a_text_cut_off_anywhere_is_refused),
      EACH(another_name_or_purpose_is_refused_also_where_both_joined_are_the_same),
      EACH(age_is_checked_and_the_future_refused_beyond_the_skew_of_clocks),
      EACH(a_ring_opens_by_all_its_keys_and_says_which),
      EACH(keys_that_share_an_id_are_both_tried),
      EACH(a_secret_of_32_bytes_is_the_master_and_subkeys_differ_by_purpose),
      EACH(a_ring_has_room_for_eight),
      EACH(nonces_do_not_repeat),
      EACH(memory_that_is_short_is_no_refusal_and_loses_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
