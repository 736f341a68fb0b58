/* runtime/net/tls/server.c: which certificate, which protocol, and which sessions are resumed. */
#include "net/tls/server.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "net/tls/certificate.h"
#include "net/tls/pem_file.h"
#include "support/test.h"
#include "support/tls_pair.h"

static tls_site site;
static tls_end *const server = &site.pair.server, *const client = &site.pair.client;

static int setup(void **state) {
  (void)state;
  tls_site_init(&site, &(rl_tls_store_options){0});
  return 0;
}

static int teardown(void **state) {
  (void)state;
  tls_site_free(&site);
  return 0;
}

static void use_client(const rl_tls_client_options *options) {
  rl_tls_client_unref(site.client);
  assert_int_equal(rl_tls_client_new(&site.client, options, &site.why), 0);
}

/* Connects, and lets the tickets of TLS 1.3 arrive. Returns the subject of the server's certificate; "" if it failed. */
static const char *subject_for(const char *name) {
  static char text[200];
  tls_site_connect(&site, name);
  X509 *shown = client->code ? NULL : SSL_get0_peer_certificate(client->tls.ssl);
  text[0] = 0;
  if (shown) X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, text, sizeof text);
  return text;
}

static bool resumed(void) { return SSL_session_reused(client->tls.ssl) && SSL_session_reused(server->tls.ssl); }

/* ---- names --------------------------------------------------------------------------------------------------------------- */

TEST(the_exact_name_wins_over_a_wildcard_and_that_over_the_default) {
  UNUSED;
  use_client(&(rl_tls_client_options){.insecure = true});
  tls_site_add(&site, &(test_certificate_options){.names = "a.example", .common = "default"});
  tls_site_add(&site, &(test_certificate_options){.names = "*.b.example", .common = "wildcard"});
  tls_site_add(&site, &(test_certificate_options){.names = "www.b.example,B2.example", .common = "exact"});
  assert_string_equal(subject_for("www.b.example"), "exact");
  assert_string_equal(subject_for("WWW.B.example"), "exact");
  assert_string_equal(subject_for("b2.example"), "exact");
  assert_string_equal(subject_for("x.b.example"), "wildcard");
  assert_string_equal(subject_for("x.y.b.example"), "default"); /* one label only */
  assert_string_equal(subject_for("b.example"), "default");
  assert_string_equal(subject_for("192.0.2.1"), "default"); /* no SNI */
}

TEST(the_dot_that_ends_a_name_is_no_part_of_it) {
  UNUSED;
  use_client(&(rl_tls_client_options){.insecure = true});
  tls_site_add(&site, &(test_certificate_options){.names = "b.example", .common = "default"});
  tls_site_add(&site, &(test_certificate_options){.names = "a.example", .common = "exact"});
  assert_string_equal(subject_for("A.example."), "exact");
  assert_slice(server->tls.stream.security->server_name, "a.example");
  assert_true(rl_tls_agrees(server->tls.stream.security, RL_SLICE("a.example")));
}

/* The client's context, which a connection makes known. */
static SSL_CTX *client_context(void) {
  tls_site_connect(&site, "context.example");
  return SSL_get_SSL_CTX(client->tls.ssl);
}

TEST(of_several_kinds_of_keys_the_client_gets_one_that_it_knows) {
  UNUSED;
  tls_site_add(&site, &(test_certificate_options){.names = "a.example", .common = "ecdsa"});
  tls_site_add(&site, &(test_certificate_options){.names = "a.example", .common = "rsa", .rsa = true});
  assert_string_equal(subject_for("a.example"), "ecdsa");
  use_client(&(rl_tls_client_options){.insecure = true});
  assert_int_equal(SSL_CTX_set1_sigalgs_list(client_context(), "RSA-PSS+SHA256:RSA+SHA256"), 1);
  assert_string_equal(subject_for("a.example"), "rsa");
  assert_string_equal(subject_for("unknown.example"), "rsa"); /* the default has both */
}

TEST(without_certificates_the_name_is_not_recognized) {
  UNUSED;
  assert_true(rl_tls_store_is_empty(site.store));
  assert_string_equal(subject_for("a.example"), "");
  assert_int_equal(client->code, RL_ETLS);
  assert_non_null(strstr(rl_tls_why(&client->tls), "unrecognized name"));
}

TEST(a_new_certificate_is_for_the_next_connection) {
  UNUSED;
  tls_site_add(&site, &(test_certificate_options){.names = "a.example", .common = "one"});
  assert_string_equal(subject_for("a.example"), "one");
  tls_site_add(&site, &(test_certificate_options){.names = "b.example", .common = "two"});
  tls_end_say(&site.pair, client, RL_SLICE("goes on"));
  assert_slice(rl_buf_slice(&server->text), "goes on");
  assert_string_equal(subject_for("b.example"), "two");
}

/* ---- protocols ----------------------------------------------------------------------------------------------------------- */

static void offer(const char *protocols) {
  use_client(&(rl_tls_client_options){.ca = test_authority_file(), .protocols = protocols});
  tls_site_connect(&site, "a.example");
}

TEST(the_server_picks_the_protocol) {
  UNUSED;
  tls_site_add(&site, &(test_certificate_options){.names = "a.example"});
  offer("http/1.1,h2");
  assert_slice(client->tls.stream.security->protocol, "h2");
  offer("spdy/1,http/1.1");
  assert_slice(client->tls.stream.security->protocol, "http/1.1");
  offer(NULL);
  assert_int_equal(client->tls.stream.security->protocol.len, 0);
}

TEST(no_protocol_in_common_is_answered_with_the_alert) {
  UNUSED;
  tls_site_add(&site, &(test_certificate_options){.names = "a.example"});
  offer("spdy/1");
  assert_int_equal(client->code, RL_ETLS);
  assert_non_null(strstr(rl_tls_why(&client->tls), "no application protocol"));
}

/* ---- sessions ------------------------------------------------------------------------------------------------------------ */

TEST(a_session_is_resumed_by_every_worker_and_after_a_reload) {
  UNUSED;
  tls_site_add(&site, &(test_certificate_options){.names = "a.example"});
  tls_site_connect(&site, "a.example");
  assert_false(resumed());
  tls_site_connect(&site, "a.example");
  assert_true(resumed());
  rl_tls_server *first = site.server;
  assert_int_equal(rl_tls_server_new(&site.server, &site.loop, site.store, "h2,http/1.1", &site.why), 0);
  tls_site_connect(&site, "a.example");
  assert_true(resumed());
  rl_tls_server_unref(first);
  assert_int_equal(rl_tls_store_reload(site.store, &site.why), 0);
  tls_site_connect(&site, "a.example");
  assert_true(resumed());
  tls_end_say(&site.pair, client, RL_SLICE("still works"));
  assert_slice(rl_buf_slice(&server->text), "still works");
}

TEST(a_ticket_ends_with_its_key) {
  UNUSED;
  tls_site_add(&site, &(test_certificate_options){.names = "a.example"});
  tls_site_connect(&site, "a.example");
  tls_site_connect(&site, "a.example");
  assert_true(resumed());
  rl_ticket_keys *keys = rl_tls_store_tickets(site.store);
  keys->count = 0; /* as after two days */
  tls_site_connect(&site, "a.example");
  assert_false(resumed());
  assert_int_equal(client->code, 0);
}

/* ---- TLS 1.2 --------------------------------------------------------------------------------------------------------------- */

static void keep_to_1_2(void) {
  use_client(&(rl_tls_client_options){.insecure = true});
  assert_int_equal(SSL_CTX_set_max_proto_version(client_context(), TLS1_2_VERSION), 1);
  tls_site_connect(&site, "a.example");
  assert_int_equal(SSL_version(client->tls.ssl), TLS1_2_VERSION);
}

TEST(tls_1_2_is_spoken_and_resumed) {
  UNUSED;
  tls_site_add(&site, &(test_certificate_options){.names = "a.example"});
  keep_to_1_2();
  tls_end_say(&site.pair, client, RL_SLICE("hello"));
  assert_slice(rl_buf_slice(&server->text), "hello");
  for (int i = 0; i < 3; i++) {
    tls_site_connect(&site, "a.example");
    assert_true(resumed());
  }
}

TEST(a_ticket_by_an_old_key_is_replaced) {
  UNUSED;
  tls_site_add(&site, &(test_certificate_options){.names = "a.example"});
  keep_to_1_2();
  rl_ticket_keys *keys = rl_tls_store_tickets(site.store);
  for (int i = 0; i < 5; i++) { /* a ticket lives for a day; this one is renewed for two and a half */
    for (int hours = 0; hours < 13; hours++) tls_site_pause(&site, 3600 * 1000);
    tls_site_connect(&site, "a.example");
    tls_site_pause(&site, 61 * 1000); /* the new key encrypts from now on */
    tls_site_connect(&site, "a.example");
    assert_true(keys->count >= 2);
  }
}

TEST(a_server_may_refuse_tls_1_2) {
  UNUSED;
  tls_site_free(&site);
  tls_site_init(&site, &(rl_tls_store_options){.only_1_3 = true});
  tls_site_add(&site, &(test_certificate_options){.names = "a.example"});
  use_client(&(rl_tls_client_options){.insecure = true});
  assert_int_equal(SSL_CTX_set_max_proto_version(client_context(), TLS1_2_VERSION), 1);
  tls_site_connect(&site, "a.example");
  assert_non_null(strstr(rl_tls_why(&client->tls), "protocol version"));
}

/* ---- challenges of ACME ------------------------------------------------------------------------------------------------------ */

static rl_slice der_of(const rl_buf *pem, bool key) {
  static unsigned char bytes[2][4000];
  unsigned char *at = bytes[key];
  BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
  int len;
  if (key) {
    EVP_PKEY *read = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    len = i2d_PrivateKey(read, &at);
    EVP_PKEY_free(read);
  } else {
    X509 *read = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    len = i2d_X509(read, &at);
    X509_free(read);
  }
  BIO_free(bio);
  return rl_slice_of((char *)bytes[key], (size_t)len);
}

static void set_challenge(const char *name) {
  test_certificate one;
  test_certificate_make(&one, &(test_certificate_options){.names = name, .common = "challenge", .self_signed = true});
  assert_int_equal(rl_tls_store_set_challenge(site.store, rl_slice_str(name), der_of(&one.certificate, false),
                                              der_of(&one.key, true)),
                   0);
  test_certificate_free(&one);
}

static void ask_for_challenge(const char *name) {
  use_client(&(rl_tls_client_options){.insecure = true, .protocols = "acme-tls/1"});
  tls_site_connect(&site, name);
}

static bool was_answered(void) {
  return client->tls.stream.security && rl_slice_eq(client->tls.stream.security->protocol, RL_SLICE("acme-tls/1"));
}

TEST(a_challenge_is_answered_for_its_name_and_serves_nothing) {
  UNUSED;
  ask_for_challenge("a.example");
  assert_false(was_answered());
  set_challenge("a.example");
  set_challenge("b.example");
  ask_for_challenge("A.example");
  assert_true(was_answered());
  assert_int_equal(server->datas, 0);
  assert_int_equal(server->code, RL_ERESET); /* the owner closes it */
  ask_for_challenge("c.example");
  assert_false(was_answered());
  rl_tls_store_clear_challenge(site.store, RL_SLICE("a.example"));
  ask_for_challenge("a.example");
  assert_false(was_answered());
  ask_for_challenge("b.example");
  assert_true(was_answered());
}

/* Who validates shows no certificate; nobody else gets in by asking for a challenge. */
TEST(a_challenge_is_answered_where_clients_need_certificates) {
  UNUSED;
  tls_site_free(&site);
  tls_site_init(&site, &(rl_tls_store_options){.client_ca = test_authority_file()});
  tls_site_add(&site, &(test_certificate_options){.names = "a.example"});
  set_challenge("a.example");
  ask_for_challenge("a.example");
  assert_true(was_answered());
  assert_int_equal(rl_stream_write(&client->tls.stream, RL_SLICE("GET / HTTP/1.1\r\n\r\n")), 18);
  tls_pair_run(&site.pair);
  assert_int_equal(server->datas, 0);
  use_client(&(rl_tls_client_options){.insecure = true, .protocols = "acme-tls/1,http/1.1"});
  tls_site_connect(&site, "a.example");
  assert_false(was_answered());
  assert_int_equal(server->code, RL_ETLS);
}

/* The second hello of a handshake need not ask for what the first one did (RFC 8446 section 4.1.2 is the client's to keep). */
static void change_protocols(int writes, int version, int type, const void *bytes, size_t len, SSL *ssl, void *data) {
  (void)version, (void)data;
  if (writes || type != SSL3_RT_HANDSHAKE || !len || *(const unsigned char *)bytes != SSL3_MT_SERVER_HELLO) return;
  assert_int_equal(SSL_set_alpn_protos(ssl, (const unsigned char *)"\x08http/1.1", 9), 0);
}

TEST(who_asks_for_a_challenge_first_and_then_for_more_has_to_show_a_certificate_all_the_same) {
  UNUSED;
  tls_site_free(&site);
  tls_site_init(&site, &(rl_tls_store_options){.client_ca = test_authority_file()});
  tls_site_add(&site, &(test_certificate_options){.names = "a.example"});
  set_challenge("a.example");
  use_client(&(rl_tls_client_options){.insecure = true, .protocols = "acme-tls/1"});
  SSL_CTX *context = client_context();
  assert_int_equal(SSL_CTX_set1_groups_list(context, "X448:P-256"), 1); /* so that the server asks for another hello */
  SSL_CTX_set_msg_callback(context, change_protocols);
  tls_site_connect(&site, "a.example");
  assert_int_equal(server->code, RL_ETLS);
  assert_string_equal(rl_tls_why(&server->tls), "peer did not return a certificate");
}

/* ---- certificates of clients --------------------------------------------------------------------------------------------- */

static char client_file[64];

static void ask_for_certificates(void) {
  tls_site_free(&site);
  tls_site_init(&site, &(rl_tls_store_options){.client_ca = test_authority_file()});
  tls_site_add(&site, &(test_certificate_options){.names = "a.example"});
}

static void show(const test_certificate_options *options) {
  test_certificate one;
  rl_buf both;
  rl_buf_init(&both, RL_BUF_NO_LIMIT);
  test_certificate_make(&one, options);
  rl_buf_add_slice(&both, rl_buf_slice(&one.certificate));
  rl_buf_add_slice(&both, rl_buf_slice(&one.key));
  test_write_pem(client_file, rl_buf_slice(&both));
  use_client(&(rl_tls_client_options){.ca = test_authority_file(), .certificate = client_file});
  unlink(client_file);
  rl_buf_free(&both);
  test_certificate_free(&one);
  tls_site_connect(&site, "a.example");
  if (!client->code) tls_end_say(&site.pair, client, RL_SLICE("hello"));
}

TEST(a_client_has_to_show_a_certificate_where_one_is_asked_for) {
  UNUSED;
  ask_for_certificates();
  tls_site_connect(&site, "a.example");
  assert_int_equal(server->code, RL_ETLS);
  assert_string_equal(rl_tls_why(&server->tls), "peer did not return a certificate");
  show(&(test_certificate_options){.common = "ada", .self_signed = true});
  assert_int_equal(server->code, RL_ETLS);
  show(&(test_certificate_options){.common = "ada", .from_s = -7200, .to_s = -3600});
  assert_int_equal(server->code, RL_ETLS);
  show(&(test_certificate_options){.common = "ada"});
  assert_int_equal(server->code, 0);
  assert_slice(rl_buf_slice(&server->text), "hello");
}

TEST(what_a_client_has_shown_can_be_read) {
  UNUSED;
  rl_buf memory;
  rl_certificate_text text;
  ask_for_certificates();
  show(&(test_certificate_options){.common = "ada, the first", .names = "ada@a.example,ada.example,192.0.2.7"});
  rl_buf_init(&memory, RL_BUF_NO_LIMIT);
  assert_non_null(server->tls.stream.security->certificate);
  assert_int_equal(rl_certificate_read(server->tls.stream.security->certificate, &memory, &text), 0);
  assert_slice(text.subject, "CN=ada\\, the first");
  assert_slice(text.issuer, "CN=rille test authority");
  assert_slice(text.names, "email:ada@a.example\nDNS:ada.example\nIP:192.0.2.7");
  assert_int_equal(text.fingerprint.len, 64);
  assert_int_equal(text.not_after.len, strlen("2026-11-30T20:37:00Z"));
  assert_true(text.serial.len >= 4);
  rl_buf_free(&memory);
}

TEST(it_is_known_after_a_resumption_too) {
  UNUSED;
  ask_for_certificates();
  show(&(test_certificate_options){.common = "ada"});
  tls_site_connect(&site, "a.example");
  assert_true(resumed());
  assert_non_null(server->tls.stream.security->certificate);
}

/* A ticket of a listener that asks for nothing, on one of the same store's keys that does. */
TEST(a_ticket_without_a_certificate_opens_nothing_that_asks_for_one) {
  UNUSED;
  ask_for_certificates();
  rl_tls_store *strict = site.store;
  rl_tls_server *guarded = site.server;
  assert_int_equal(rl_tls_store_new(&site.store, &(rl_tls_store_options){0}, &site.why), 0);
  tls_site_add(&site, &(test_certificate_options){.names = "a.example"});
  assert_int_equal(rl_tls_server_new(&site.server, &site.loop, site.store, "http/1.1", &site.why), 0);
  tls_site_connect(&site, "a.example");
  memcpy(rl_tls_store_tickets(strict)->keys, rl_tls_store_tickets(site.store)->keys, sizeof(rl_ticket_key));
  rl_tls_store_tickets(strict)->count = 1;
  tls_site_connect(&site, "a.example");
  assert_true(resumed()); /* the ticket is good where it comes from */
  rl_tls_server *open = site.server;
  site.server = guarded;
  tls_site_connect(&site, "a.example");
  assert_int_equal(server->code, RL_ETLS);
  assert_string_equal(rl_tls_why(&server->tls), "peer did not return a certificate");
  rl_tls_server_unref(open);
  rl_tls_store_unref(site.store);
  site.store = strict;
}

static char authority_file[64];

static void write_authority(bool ours) {
  test_certificate other;
  rl_pem_file file;
  rl_buf text;
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  test_certificate_make(&other, &(test_certificate_options){.common = "another authority", .self_signed = true});
  assert_int_equal(rl_pem_file_init(&file, test_authority_file()), 0);
  assert_int_equal(rl_pem_file_read(&file, &text, &site.why), 0);
  test_write_pem(authority_file, ours ? rl_buf_slice(&text) : rl_buf_slice(&other.certificate));
  rl_pem_file_free(&file);
  rl_buf_free(&text);
  test_certificate_free(&other);
}

static void feed_record(rl_slice part) {
  char header[] = {22, 3, 1, (char)(part.len >> 8), (char)(part.len & 0xff)};
  mem_stream_feed(&server->below, rl_slice_of(header, sizeof header));
  mem_stream_feed(&server->below, part);
  uv_run(&site.loop.uv, UV_RUN_NOWAIT);
}

static void change_authority(void) {
  write_authority(false);
  assert_int_equal(rl_tls_store_reload(site.store, &site.why), 0);
  SSL_free(rl_tls_server_begin(site.server)); /* the next connection, by which the worker learns of it */
}

/* Sends the hello as two records, between which the server learns of new authorities. */
static void connect_during_a_reload(void) {
  enum { HEADER = 5, FIRST = 100 };
  tls_pair_free(&site.pair);
  tls_pair_init(&site.pair, &site.loop, site.server, site.client, "a.example");
  uv_run(&site.loop.uv, UV_RUN_NOWAIT);
  rl_slice hello = mem_stream_out(&client->below);
  client->carried = hello.len;
  rl_slice_skip(&hello, HEADER);
  feed_record(rl_slice_of(hello.data, FIRST));
  change_authority();
  rl_slice_skip(&hello, FIRST);
  feed_record(hello);
  tls_pair_run(&site.pair);
}

TEST(whom_the_old_authorities_have_vouched_for_gets_no_ticket_for_the_new_ones) {
  UNUSED;
  tls_site_free(&site);
  write_authority(true);
  tls_site_init(&site, &(rl_tls_store_options){.client_ca = authority_file});
  tls_site_add(&site, &(test_certificate_options){.names = "a.example,b.example"});
  show(&(test_certificate_options){.common = "ada"});
  connect_during_a_reload();
  assert_int_equal(server->code, 0); /* it began before */
  tls_site_connect(&site, "a.example");
  assert_int_equal(server->code, RL_ETLS);
  unlink(authority_file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      CASE(the_exact_name_wins_over_a_wildcard_and_that_over_the_default),
      CASE(the_dot_that_ends_a_name_is_no_part_of_it),
      CASE(of_several_kinds_of_keys_the_client_gets_one_that_it_knows),
      CASE(tls_1_2_is_spoken_and_resumed),
      CASE(a_ticket_by_an_old_key_is_replaced),
      CASE(a_server_may_refuse_tls_1_2),
      CASE(a_challenge_is_answered_for_its_name_and_serves_nothing),
      CASE(a_challenge_is_answered_where_clients_need_certificates),
      CASE(who_asks_for_a_challenge_first_and_then_for_more_has_to_show_a_certificate_all_the_same),
      CASE(without_certificates_the_name_is_not_recognized),
      CASE(a_new_certificate_is_for_the_next_connection),
      CASE(the_server_picks_the_protocol),
      CASE(no_protocol_in_common_is_answered_with_the_alert),
      CASE(a_session_is_resumed_by_every_worker_and_after_a_reload),
      CASE(a_ticket_ends_with_its_key),
      CASE(a_client_has_to_show_a_certificate_where_one_is_asked_for),
      CASE(what_a_client_has_shown_can_be_read),
      CASE(it_is_known_after_a_resumption_too),
      CASE(a_ticket_without_a_certificate_opens_nothing_that_asks_for_one),
      CASE(whom_the_old_authorities_have_vouched_for_gets_no_ticket_for_the_new_ones),
  };
  snprintf(client_file, sizeof client_file, "/tmp/rille-test-client-%d.pem", (int)getpid());
  snprintf(authority_file, sizeof authority_file, "/tmp/rille-test-authority-%d.pem", (int)getpid());
  return cmocka_run_group_tests(tests, NULL, NULL);
}
