#define _GNU_SOURCE
/* runtime/net/tls/store.c: pairs of files, what is said about bad ones, and reloads. */
#include "net/tls/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "support/certificates.h"
#include "support/test.h"

static char folder[] = "/tmp/rille-test-store-XXXXXX";
static char cert_path[100], key_path[100], other_path[100];
static rl_tls_store *store;
static rl_buf why, logged;
static test_certificate one, two;

static void on_log(void *ud, rl_log_level level, rl_slice line) {
  (void)ud;
  if (level >= RL_LOG_WARN) rl_buf_add_slice(&logged, line);
}

static bool said(const rl_buf *text, const char *what) {
  return text->len && memmem(text->data, text->len, what, strlen(what));
}

#define SAID(what)                                          \
  do {                                                      \
    if (!said(&why, what)) fail_msg("'%.*s'", RL_FMT(why)); \
    why.len = 0;                                            \
  } while (0)

static int setup(void **state) {
  (void)state;
  rl_buf_init(&why, 4000);
  rl_buf_init(&logged, 4000);
  rl_log_capture(on_log, NULL);
  return rl_tls_store_new(&store, &(rl_tls_store_options){0}, &why);
}

static int teardown(void **state) {
  (void)state;
  rl_tls_store_unref(store);
  rl_buf_free(&why);
  rl_buf_free(&logged);
  rl_log_capture(NULL, NULL);
  unlink(cert_path), unlink(key_path), unlink(other_path);
  return 0;
}

static rl_slice pem(const rl_buf *text) { return rl_buf_slice(text); }

static void write_pair(const test_certificate *pair) {
  test_write_pem(cert_path, pem(&pair->certificate));
  test_write_pem(key_path, pem(&pair->key));
}

/* Adds a pair that is made for it. */
static int add(const test_certificate_options *options) {
  test_certificate made;
  test_certificate_make(&made, options);
  write_pair(&made);
  test_certificate_free(&made);
  return rl_tls_store_add(store, cert_path, key_path, &why);
}

/* Returns the certificate that is shown for a name. */
static const struct x509_st *shown_for(const char *name) {
  unsigned version;
  const rl_tls_pair *found[RL_TLS_FOUND];
  rl_tls_snapshot *snapshot = rl_tls_store_snapshot(store, &version);
  const struct x509_st *shown =
      rl_tls_snapshot_find(snapshot, rl_slice_str(name), found) ? found[0]->certificate : NULL;
  rl_tls_snapshot_unref(snapshot);
  return shown;
}

TEST(a_pair_of_files_is_read) {
  UNUSED;
  assert_true(rl_tls_store_is_empty(store));
  assert_int_equal(add(&(test_certificate_options){.names = "a.example"}), 0);
  assert_false(rl_tls_store_is_empty(store));
  assert_int_equal(logged.len, 0);
}

TEST(a_key_may_stand_in_the_file_of_its_certificate) {
  UNUSED;
  rl_buf both;
  rl_buf_init(&both, RL_BUF_NO_LIMIT);
  rl_buf_add_slice(&both, pem(&one.key));
  rl_buf_add_slice(&both, pem(&one.certificate));
  test_write_pem(cert_path, rl_buf_slice(&both));
  rl_buf_free(&both);
  assert_int_equal(rl_tls_store_add(store, cert_path, NULL, &why), 0);
}

TEST(what_cannot_be_read_is_named) {
  UNUSED;
  assert_int_equal(rl_tls_store_add(store, cert_path, key_path, &why), RL_ENOTFOUND);
  SAID("certificate.pem: No such file or directory");
  test_write_pem(cert_path, pem(&one.certificate));
  assert_int_equal(rl_tls_store_add(store, cert_path, key_path, &why), RL_ENOTFOUND);
  SAID("key.pem: No such file or directory");
  assert_int_equal(rl_tls_store_add(store, folder, key_path, &why), RL_EINVALID);
  SAID(": is no file");
  test_write_pem(cert_path, RL_SLICE("garbage"));
  test_write_pem(key_path, pem(&one.key));
  assert_int_equal(rl_tls_store_add(store, cert_path, key_path, &why), RL_EINVALID);
  SAID("certificate.pem: holds no certificate in PEM");
  test_write_pem(cert_path, RL_SLICE("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
  assert_int_equal(rl_tls_store_add(store, cert_path, key_path, &why), RL_EINVALID);
  SAID("certificate.pem: ");
  test_write_pem(cert_path, pem(&one.certificate));
  test_write_pem(key_path, RL_SLICE("garbage"));
  assert_int_equal(rl_tls_store_add(store, cert_path, key_path, &why), RL_EINVALID);
  SAID("key.pem: holds no key in PEM");
  assert_true(rl_tls_store_is_empty(store));
}

TEST(a_key_that_does_not_fit_is_refused) {
  UNUSED;
  test_write_pem(cert_path, pem(&one.certificate));
  test_write_pem(key_path, pem(&two.key));
  assert_int_equal(rl_tls_store_add(store, cert_path, key_path, &why), RL_EINVALID);
  SAID("key.pem: is not the key of the certificate in ");
}

TEST(an_encrypted_key_is_refused_without_asking_at_the_terminal) {
  UNUSED;
  assert_int_equal(add(&(test_certificate_options){.passphrase = "secret"}), RL_EINVALID);
  SAID("key.pem: the key is encrypted");
}

TEST(a_chain_has_to_begin_with_the_certificate_of_the_key) {
  UNUSED;
  test_certificate chained;
  rl_buf turned;
  test_certificate_make(&chained, &(test_certificate_options){.names = "a.example", .intermediate = true});
  write_pair(&chained);
  assert_int_equal(rl_tls_store_add(store, cert_path, key_path, &why), 0);
  assert_int_equal(logged.len, 0);
  rl_buf_init(&turned, RL_BUF_NO_LIMIT);
  rl_buf_add_slice(&turned, test_authority_pem());
  rl_buf_add_slice(&turned, pem(&chained.certificate));
  test_write_pem(cert_path, rl_buf_slice(&turned));
  assert_int_equal(rl_tls_store_add(store, cert_path, key_path, &why), RL_EINVALID);
  SAID("the certificate of the key is number 2 in it; it has to be the first");
  rl_buf_clear(&turned);
  rl_buf_add_slice(&turned, pem(&one.certificate));
  rl_buf_add_slice(&turned, pem(&two.certificate));
  test_write_pem(cert_path, rl_buf_slice(&turned));
  test_write_pem(key_path, pem(&one.key));
  assert_int_equal(rl_tls_store_add(store, cert_path, key_path, &why), 0);
  assert_true(said(&logged, "the chain is out of order"));
  rl_buf_free(&turned);
  test_certificate_free(&chained);
}

TEST(a_key_that_is_too_short_is_refused) {
  UNUSED;
  assert_int_equal(add(&(test_certificate_options){.rsa_bits = 1024}), RL_EINVALID);
  SAID("certificate.pem: ee key too small");
}

TEST(doubtful_dates_are_warned_of) {
  UNUSED;
  assert_int_equal(add(&(test_certificate_options){.from_s = -7200, .to_s = -3600}), 0);
  assert_true(said(&logged, "certificate.pem: the certificate has expired"));
  assert_int_equal(add(&(test_certificate_options){.from_s = 3600, .to_s = 7200}), 0);
  assert_true(said(&logged, "the certificate is not valid yet"));
}

TEST(a_key_that_others_can_read_is_warned_of_once) {
  UNUSED;
  write_pair(&one);
  chmod(key_path, 0640); /* as Debian's group ssl-cert has them */
  assert_int_equal(rl_tls_store_add(store, cert_path, key_path, &why), 0);
  assert_int_equal(logged.len, 0);
  chmod(key_path, 0644);
  assert_int_equal(rl_tls_store_reload(store, &why), 0);
  assert_true(said(&logged, "key.pem: everybody on this machine can read the key"));
  logged.len = 0;
  assert_int_equal(rl_tls_store_reload(store, &why), 0);
  assert_int_equal(logged.len, 0);
}

TEST(a_bad_pair_keeps_what_it_had_and_the_others_are_new) {
  UNUSED;
  rl_buf both;
  write_pair(&one);
  assert_int_equal(rl_tls_store_add(store, cert_path, key_path, &why), 0);
  rl_buf_init(&both, RL_BUF_NO_LIMIT);
  rl_buf_add_slice(&both, pem(&two.certificate));
  rl_buf_add_slice(&both, pem(&two.key));
  test_write_pem(other_path, rl_buf_slice(&both));
  assert_int_equal(rl_tls_store_add(store, other_path, NULL, &why), 0);
  const struct x509_st *first = shown_for("one.example"), *second = shown_for("two.example");
  assert_ptr_not_equal(first, second);
  unsigned version = rl_tls_store_version(store);
  test_write_pem(key_path, RL_SLICE("half a ke"));
  assert_int_equal(rl_tls_store_reload(store, &why), RL_EINVALID);
  SAID("key.pem: holds no key");
  assert_ptr_equal(shown_for("one.example"), first);
  assert_ptr_not_equal(shown_for("two.example"), second);
  assert_int_not_equal(rl_tls_store_version(store), version);
  unlink(cert_path);
  assert_int_equal(rl_tls_store_reload(store, &why), RL_ENOTFOUND);
  assert_ptr_equal(shown_for("one.example"), first);
  rl_buf_free(&both);
}

TEST(changes_are_noticed) {
  UNUSED;
  write_pair(&one);
  assert_int_equal(rl_tls_store_add(store, cert_path, key_path, &why), 0);
  assert_false(rl_tls_store_has_changed(store));
  unlink(key_path);
  assert_false(rl_tls_store_has_changed(store)); /* half of a change: nothing can be read yet */
  write_pair(&two);
  assert_true(rl_tls_store_has_changed(store));
  assert_int_equal(rl_tls_store_reload(store, &why), 0);
  assert_false(rl_tls_store_has_changed(store));
  assert_non_null(shown_for("two.example"));
}

TEST(an_expected_pair_may_come_later) {
  UNUSED;
  assert_int_equal(rl_tls_store_expect(store, cert_path, key_path, &why), 0);
  assert_int_equal(rl_tls_store_reload(store, &why), 0);
  assert_int_equal(why.len, 0);
  assert_true(rl_tls_store_is_empty(store));
  write_pair(&one);
  assert_true(rl_tls_store_has_changed(store));
  assert_int_equal(rl_tls_store_reload(store, &why), 0);
  assert_non_null(shown_for("one.example"));
  unlink(cert_path); /* once it was there it is missed */
  assert_int_equal(rl_tls_store_reload(store, &why), RL_ENOTFOUND);
}

TEST(authorities_of_clients_are_read_again_too) {
  UNUSED;
  rl_tls_store_unref(store);
  store = NULL;
  assert_int_equal(rl_tls_store_new(&store, &(rl_tls_store_options){.client_ca = other_path}, &why), RL_ENOTFOUND);
  SAID("other.pem: No such file");
  test_write_pem(other_path, RL_SLICE("nothing"));
  assert_int_equal(rl_tls_store_new(&store, &(rl_tls_store_options){.client_ca = other_path}, &why), RL_EINVALID);
  SAID("other.pem: holds no certificate in PEM");
  test_write_pem(other_path, test_authority_pem());
  assert_int_equal(rl_tls_store_new(&store, &(rl_tls_store_options){.client_ca = other_path}, &why), 0);
  test_write_pem(other_path, RL_SLICE("nothing"));
  assert_true(rl_tls_store_has_changed(store));
  assert_int_equal(rl_tls_store_reload(store, &why), RL_EINVALID);
  unsigned version;
  rl_tls_snapshot *snapshot = rl_tls_store_snapshot(store, &version);
  assert_non_null(rl_tls_snapshot_authority(snapshot)); /* the old one: nobody comes in without */
  rl_tls_snapshot_unref(snapshot);
}

static void make(void) {
  if (!mkdtemp(folder)) abort();
  snprintf(cert_path, sizeof cert_path, "%s/certificate.pem", folder);
  snprintf(key_path, sizeof key_path, "%s/key.pem", folder);
  snprintf(other_path, sizeof other_path, "%s/other.pem", folder);
  test_certificate_make(&one, &(test_certificate_options){.names = "one.example", .self_signed = true});
  test_certificate_make(&two, &(test_certificate_options){.names = "two.example", .common = "two"});
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      CASE(a_pair_of_files_is_read),
      CASE(a_key_may_stand_in_the_file_of_its_certificate),
      CASE(what_cannot_be_read_is_named),
      CASE(a_key_that_does_not_fit_is_refused),
      CASE(an_encrypted_key_is_refused_without_asking_at_the_terminal),
      CASE(a_chain_has_to_begin_with_the_certificate_of_the_key),
      CASE(a_key_that_is_too_short_is_refused),
      CASE(doubtful_dates_are_warned_of),
      CASE(a_key_that_others_can_read_is_warned_of_once),
      CASE(a_bad_pair_keeps_what_it_had_and_the_others_are_new),
      CASE(changes_are_noticed),
      CASE(an_expected_pair_may_come_later),
      CASE(authorities_of_clients_are_read_again_too),
  };
  make();
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  test_certificate_free(&one);
  test_certificate_free(&two);
  rmdir(folder);
  return failed;
}
