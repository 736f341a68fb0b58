/* runtime/net/tls/tls.c: the contract of a stream, in both roles, over streams in memory. */
#include "net/tls/tls.h"

#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/error.h"
#include "support/test.h"
#include "support/tls_pair.h"

static tls_site site;
static tls_pair *const pair = &site.pair;
static tls_end *const server = &site.pair.server, *const client = &site.pair.client;

static int setup(void **state) {
  (void)state;
  tls_site_init(&site, &(rl_tls_store_options){0});
  tls_site_add(&site, &(test_certificate_options){.names = "a.example"});
  return 0;
}

static int teardown(void **state) {
  (void)state;
  tls_site_free(&site);
  return 0;
}

static void connect_ends(void) { tls_site_connect(&site, "a.example"); }
static const rl_stream_ops *ops(tls_end *end) { return end->tls.stream.ops; }
static rl_stream *stream(tls_end *end) { return &end->tls.stream; }

/* ---- both ways ----------------------------------------------------------------------------------------------------------- */

TEST(bytes_flow_both_ways_after_the_handshake) {
  UNUSED;
  connect_ends();
  assert_string_equal(rl_tls_why(&client->tls), "");
  tls_end_say(pair, client, RL_SLICE("ping"));
  tls_end_say(pair, server, RL_SLICE("pong"));
  assert_slice(rl_buf_slice(&server->text), "ping");
  assert_slice(rl_buf_slice(&client->text), "pong");
}

TEST(byte_by_byte_it_is_the_same) {
  UNUSED;
  tls_pair_init(pair, &site.loop, site.server, site.client, "a.example");
  pair->piece = 1;
  tls_pair_run(pair);
  tls_end_say(pair, client, RL_SLICE("ping"));
  tls_end_say(pair, server, RL_SLICE("pong"));
  assert_slice(rl_buf_slice(&server->text), "ping");
  assert_slice(rl_buf_slice(&client->text), "pong");
}

TEST(what_was_agreed_on_is_told) {
  UNUSED;
  connect_ends();
  assert_true(stream(server)->secure);
  assert_slice(stream(server)->security->protocol, "http/1.1");
  assert_slice(stream(client)->security->protocol, "http/1.1");
  assert_slice(stream(server)->security->server_name, "a.example");
  assert_null(stream(server)->security->certificate);
}

TEST(nothing_is_taken_before_the_handshake_is_done_and_then_it_is_told) {
  UNUSED;
  tls_pair_init(pair, &site.loop, site.server, site.client, "a.example");
  assert_int_equal(rl_stream_write(stream(client), RL_SLICE("early")), RL_EAGAIN);
  assert_int_equal(rl_stream_write(stream(server), RL_SLICE("early")), RL_EAGAIN);
  assert_null(stream(client)->security);
  ops(client)->want_writable(stream(client));
  ops(server)->want_writable(stream(server));
  tls_pair_run(pair);
  assert_int_equal(client->writables, 1);
  assert_int_equal(server->writables, 1);
  assert_int_equal(rl_stream_write(stream(client), RL_SLICE("late")), 4);
}

TEST(what_comes_together_is_told_together) {
  UNUSED;
  connect_ends();
  for (int i = 0; i < 100; i++) assert_int_equal(rl_stream_write(stream(client), RL_SLICE("0123456789")), 10);
  tls_pair_run(pair);
  assert_int_equal(server->text.len, 1000);
  assert_int_equal(server->datas, 1);
}

TEST(parts_become_one_record) {
  UNUSED;
  struct iovec parts[] = {{"", 0}, {"ab", 2}, {"", 0}, {"cde", 3}, {"f", 1}};
  connect_ends();
  size_t before = client->below.out_len;
  assert_int_equal(ops(client)->write(stream(client), parts, 5), 6);
  assert_in_range(client->below.out_len - before, 6, 6 + 5 + 1 + 16);
  tls_pair_run(pair);
  assert_slice(rl_buf_slice(&server->text), "abcdef");
}

/* ---- backpressure -------------------------------------------------------------------------------------------------------- */

static char *pattern(size_t size) {
  char *made = malloc(size);
  if (!made) abort();
  for (size_t i = 0; i < size; i++) made[i] = (char)(i * 7 + i / 256);
  return made;
}

TEST(a_peer_that_takes_little_gets_all_in_order) {
  UNUSED;
  enum { SIZE = 300000 };
  char *bytes = pattern(SIZE);
  connect_ends();
  size_t sent = 0;
  client->below.room = 0;
  while (sent < SIZE) {
    ssize_t n = rl_stream_write(stream(client), rl_slice_of(bytes + sent, SIZE - sent));
    if (n > 0) sent += (size_t)n;
    else assert_int_equal(n, RL_EAGAIN);
    client->writables = 0;
    ops(client)->want_writable(stream(client));
    mem_stream_take(&client->below, 777);
    tls_pair_run(pair);
    assert_int_equal(client->writables, 1);
  }
  assert_int_equal(server->text.len, SIZE);
  assert_memory_equal(server->text.data, bytes, SIZE);
  free(bytes);
}

TEST(a_write_of_less_than_was_begun_is_refused) {
  UNUSED;
  connect_ends();
  client->below.room = 10;
  assert_int_equal(rl_stream_write(stream(client), RL_SLICE("0123456789")), RL_EAGAIN);
  assert_int_equal(rl_stream_write(stream(client), RL_SLICE("012")), RL_EIO);
}

TEST(while_nobody_reads_records_stay_below) {
  UNUSED;
  connect_ends();
  ops(server)->read_stop(stream(server));
  tls_end_say(pair, client, RL_SLICE("one"));
  assert_false(server->below.reading);
  assert_int_equal(server->text.len, 0);
  assert_int_equal(server->tls.held.len, 0);
  ops(server)->read_start(stream(server));
  tls_pair_run(pair);
  assert_slice(rl_buf_slice(&server->text), "one");
}

TEST(reading_may_stop_inside_the_event) {
  UNUSED;
  connect_ends();
  server->stop_on_data = true;
  for (int i = 0; i < 5; i++) assert_int_equal(rl_stream_write(stream(client), RL_SLICE("0123456789")), 10);
  tls_pair_run(pair);
  size_t first = server->text.len;
  assert_int_equal(first, 50); /* all that came together */
  tls_end_say(pair, client, RL_SLICE("more"));
  assert_int_equal(server->text.len, first);
  ops(server)->read_start(stream(server));
  tls_pair_run(pair);
  assert_int_equal(server->text.len, first + 4);
}

/* The last flight of the handshake and the first request come in one packet. */
TEST(bytes_after_the_handshake_wait_for_the_reader) {
  UNUSED;
  tls_pair_init(pair, &site.loop, site.server, site.client, "a.example");
  ops(server)->read_stop(stream(server));
  server->below.room = SIZE_MAX;
  tls_pair_run(pair);
  assert_int_equal(rl_stream_write(stream(client), RL_SLICE("request")), 7);
  tls_pair_run(pair);
  assert_int_equal(server->text.len, 0);
  ops(server)->read_start(stream(server));
  tls_pair_run(pair);
  assert_slice(rl_buf_slice(&server->text), "request");
}

/* ---- ends ---------------------------------------------------------------------------------------------------------------- */

TEST(close_notify_is_the_end_and_the_other_way_stays_open) {
  UNUSED;
  connect_ends();
  ops(client)->shutdown(stream(client));
  tls_pair_run(pair);
  assert_int_equal(server->eofs, 1);
  assert_int_equal(server->errors, 0);
  tls_end_say(pair, server, RL_SLICE("answer"));
  assert_slice(rl_buf_slice(&client->text), "answer");
}

TEST(an_end_without_close_notify_is_a_reset) {
  UNUSED;
  connect_ends();
  tls_end_say(pair, client, RL_SLICE("all but"));
  mem_stream_eof(&server->below);
  tls_pair_run(pair);
  assert_slice(rl_buf_slice(&server->text), "all but");
  assert_int_equal(server->eofs, 0);
  assert_int_equal(server->code, RL_ERESET);
  assert_non_null(strstr(rl_tls_why(&server->tls), "close_notify"));
}

TEST(the_end_waits_for_the_reader) {
  UNUSED;
  connect_ends();
  server->stop_on_data = true;
  assert_int_equal(rl_stream_write(stream(client), RL_SLICE("last")), 4);
  ops(client)->shutdown(stream(client));
  tls_pair_run(pair);
  assert_int_equal(server->eofs, 0);
  ops(server)->read_start(stream(server));
  tls_pair_run(pair);
  assert_int_equal(server->eofs, 1);
  assert_int_equal(server->errors, 0);
}

TEST(a_shutdown_waits_for_room) {
  UNUSED;
  connect_ends();
  server->below.room = 0;
  ops(server)->shutdown(stream(server));
  tls_pair_run(pair);
  assert_int_equal(client->eofs, 0);
  assert_false(server->below.shut);
  mem_stream_take(&server->below, 1000);
  tls_pair_run(pair);
  assert_int_equal(client->eofs, 1);
  assert_true(server->below.shut);
}

/* Half of a record has left: a close_notify after it would make the half look whole. */
TEST(a_shutdown_inside_a_record_is_seen_as_cut_off) {
  UNUSED;
  connect_ends();
  server->below.room = 20;
  assert_int_equal(rl_stream_write(stream(server), RL_SLICE("0123456789")), RL_EAGAIN);
  ops(server)->shutdown(stream(server));
  tls_pair_run(pair);
  assert_int_equal(client->eofs, 0);
  assert_int_equal(client->code, RL_ERESET);
}

TEST(it_may_be_closed_inside_its_own_event) {
  UNUSED;
  connect_ends();
  server->close_on_data = true;
  ops(server)->want_writable(stream(server));
  for (int i = 0; i < 5; i++) assert_int_equal(rl_stream_write(stream(client), RL_SLICE("0123456789")), 10);
  ops(client)->shutdown(stream(client));
  tls_pair_run(pair);
  assert_int_equal(server->datas, 1);
  assert_int_equal(server->eofs + server->errors, 0);
  assert_int_equal(server->closed, 1);
  assert_int_equal(client->eofs, 1); /* a close says goodbye */
}

TEST(a_close_with_reset_is_one) {
  UNUSED;
  connect_ends();
  ops(server)->close(stream(server), true);
  tls_pair_run(pair);
  assert_true(server->below.reset);
  assert_int_equal(client->code, RL_ERESET);
}

TEST(a_reset_while_output_waits_is_told_once) {
  UNUSED;
  connect_ends();
  server->below.room = 5;
  assert_int_equal(rl_stream_write(stream(server), RL_SLICE("0123456789")), RL_EAGAIN);
  ops(server)->want_writable(stream(server));
  mem_stream_break(&server->below, RL_ERESET);
  tls_pair_run(pair);
  assert_int_equal(server->errors, 1);
  assert_int_equal(server->code, RL_ERESET);
  assert_int_equal(rl_stream_write(stream(server), RL_SLICE("0123456789")), RL_ERESET);
}

TEST(a_write_that_fails_below_fails) {
  UNUSED;
  connect_ends();
  server->below.write_error = RL_ERESET;
  server->below.good_writes = 0;
  assert_int_equal(rl_stream_write(stream(server), RL_SLICE("x")), RL_ERESET);
  ops(server)->close(stream(server), false);
  tls_pair_run(pair);
  assert_int_equal(server->errors, 0); /* the caller knows */
}

/* ---- handshakes that do not come to their end ------------------------------------------------------------------------------ */

static void starve(size_t bytes) {
  tls_pair_init(pair, &site.loop, site.server, site.client, "a.example");
  server->below.room = bytes;
  tls_pair_run(pair);
}

TEST(a_handshake_waits_for_room) {
  UNUSED;
  starve(10);
  for (int i = 0; i < 300; i++) {
    mem_stream_take(&server->below, 10);
    tls_pair_run(pair);
  }
  tls_end_say(pair, client, RL_SLICE("ping"));
  assert_slice(rl_buf_slice(&server->text), "ping");
}

TEST(it_may_be_closed_at_any_point_of_the_handshake) {
  UNUSED;
  for (size_t bytes = 0; bytes < 1500; bytes += 50) {
    tls_pair_free(pair);
    starve(bytes);
    ops(server)->close(stream(server), bytes % 100 == 0);
    tls_pair_run(pair);
    assert_int_equal(server->closed, 1);
    assert_true(client->errors == 1 || client->eofs == 1);
  }
}

TEST(a_peer_may_leave_at_any_point_of_the_handshake) {
  UNUSED;
  for (size_t bytes = 0; bytes < 1500; bytes += 50) {
    tls_pair_free(pair);
    starve(bytes);
    mem_stream_break(&server->below, RL_ERESET);
    tls_pair_run(pair);
    assert_int_equal(server->errors, 1);
    assert_int_equal(server->code, RL_ERESET);
  }
}

TEST(a_handshake_has_its_time) {
  UNUSED;
  tls_pair_init(pair, &site.loop, site.server, NULL, NULL);
  mem_stream_feed(&server->below, RL_SLICE("\x16\x03\x01\x02"));
  tls_site_pause(&site, RL_LIMIT_TLS_HANDSHAKE_MS - 1);
  assert_int_equal(server->errors, 0);
  tls_site_pause(&site, 1);
  assert_int_equal(server->code, RL_ETIMEOUT);
}

TEST(the_client_names_what_is_wrong_with_a_certificate) {
  UNUSED;
  tls_site_connect(&site, "b.example");
  assert_int_equal(client->code, RL_ETLS);
  assert_string_equal(rl_tls_why(&client->tls), "the certificate is for a.example, not for b.example");
  assert_int_equal(server->code, RL_ETLS);
}

TEST(an_address_is_verified_and_not_asked_for) {
  UNUSED;
  tls_site_connect(&site, "192.0.2.1");
  assert_string_equal(rl_tls_why(&client->tls), "the certificate is for a.example, not for 192.0.2.1");
  tls_site_free(&site);
  tls_site_init(&site, &(rl_tls_store_options){0});
  tls_site_add(&site, &(test_certificate_options){.names = "192.0.2.1,::1"});
  tls_site_connect(&site, "192.0.2.1");
  assert_string_equal(rl_tls_why(&client->tls), "");
  assert_int_equal(stream(server)->security->server_name.len, 0);
  tls_site_connect(&site, "::1");
  assert_string_equal(rl_tls_why(&client->tls), "");
}

/* ---- hostile bytes ------------------------------------------------------------------------------------------------------- */

static void feed(rl_slice bytes) {
  tls_pair_free(pair);
  tls_pair_init(pair, &site.loop, site.server, NULL, NULL);
  mem_stream_feed(&server->below, bytes);
  tls_pair_run(pair);
}

TEST(plain_http_is_answered_in_its_own_words) {
  UNUSED;
  feed(RL_SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  rl_slice out = mem_stream_out(&server->below);
  assert_true(rl_slice_starts(out, RL_SLICE("HTTP/1.1 400 Bad Request\r\n")));
  assert_true(server->below.shut);
  assert_int_equal(server->errors, 0); /* the peer has a moment to read it */
  mem_stream_feed(&server->below, RL_SLICE("the rest of an upload"));
  tls_site_pause(&site, 2000);
  assert_int_equal(server->code, RL_ETLS);
}

TEST(garbage_is_refused_before_any_memory_is_spent) {
  UNUSED;
  static const rl_slice all[] = {
      RL_SLICE("\x80\x2e\x01\x00\x02"),                          /* SSL 2 */
      RL_SLICE("\x00"),                                          /* nothing */
      RL_SLICE("\x16\x02\x01\x00\x10\x01\x00\x00\x0c"),          /* another protocol */
      RL_SLICE("\x16\x03\x01\x40\x01\x01\x00\x00\x10"),          /* a record that is too long */
      RL_SLICE("\x16\x03\x01\x00\x00\x01\x00\x00\x10"),          /* an empty one */
      RL_SLICE("\x16\x03\x01\x02\x00\x02\x00\x00\x10"),          /* no hello */
      RL_SLICE("\x16\x03\x01\x40\x00\x01\x01\x00\x00 and more"), /* a hello of 64 KiB */
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    feed(all[i]);
    assert_int_equal(server->code, RL_ETLS);
    assert_null(server->tls.ssl);
  }
}

TEST(a_hello_is_gathered_before_openssl_sees_it) {
  UNUSED;
  feed(RL_SLICE("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"));
  for (int i = 0; i < 100; i++) mem_stream_feed(&server->below, RL_SLICE("x"));
  tls_pair_run(pair);
  assert_null(server->tls.ssl);
  assert_int_equal(server->errors, 0);
}

/* OpenSSL would answer each; a request to renew keys costs more than to ask for it. */
TEST(a_flood_of_new_keys_is_ended) {
  UNUSED;
  connect_ends();
  for (int i = 0; i < 1000 && !server->errors; i++) {
    assert_int_equal(SSL_key_update(client->tls.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    if (rl_stream_write(stream(client), RL_SLICE("x")) != 1) break;
    if (i % 100 == 99) tls_pair_run(pair);
  }
  tls_pair_run(pair);
  assert_int_equal(server->code, RL_ETLS);
  assert_string_equal(rl_tls_why(&server->tls), "too many messages of a handshake after it");
  assert_true(server->text.len <= RL_LIMIT_TLS_MESSAGES + 1);
}

TEST(now_and_then_keys_may_change) {
  UNUSED;
  connect_ends();
  for (int i = 0; i < 100; i++) {
    assert_int_equal(SSL_key_update(client->tls.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    tls_end_say(pair, client, RL_SLICE("x"));
    tls_end_say(pair, server, RL_SLICE("y"));
    tls_site_pause(&site, 1000);
  }
  assert_int_equal(server->text.len, 100);
  assert_int_equal(client->text.len, 100);
}

TEST(bytes_that_were_changed_on_the_way_end_it) {
  UNUSED;
  connect_ends();
  assert_int_equal(rl_stream_write(stream(client), RL_SLICE("0123456789")), 10);
  client->below.out[client->below.out_len - 1] ^= 1;
  tls_pair_run(pair);
  assert_int_equal(server->text.len, 0);
  assert_int_equal(server->code, RL_ETLS);
  assert_int_equal(client->code, RL_ETLS); /* by the alert */
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      CASE(bytes_flow_both_ways_after_the_handshake),
      CASE(byte_by_byte_it_is_the_same),
      CASE(what_was_agreed_on_is_told),
      CASE(nothing_is_taken_before_the_handshake_is_done_and_then_it_is_told),
      CASE(what_comes_together_is_told_together),
      CASE(parts_become_one_record),
      CASE(a_peer_that_takes_little_gets_all_in_order),
      CASE(a_write_of_less_than_was_begun_is_refused),
      CASE(while_nobody_reads_records_stay_below),
      CASE(reading_may_stop_inside_the_event),
      CASE(bytes_after_the_handshake_wait_for_the_reader),
      CASE(close_notify_is_the_end_and_the_other_way_stays_open),
      CASE(an_end_without_close_notify_is_a_reset),
      CASE(the_end_waits_for_the_reader),
      CASE(a_shutdown_waits_for_room),
      CASE(a_shutdown_inside_a_record_is_seen_as_cut_off),
      CASE(it_may_be_closed_inside_its_own_event),
      CASE(a_close_with_reset_is_one),
      CASE(a_reset_while_output_waits_is_told_once),
      CASE(a_write_that_fails_below_fails),
      CASE(a_handshake_waits_for_room),
      CASE(it_may_be_closed_at_any_point_of_the_handshake),
      CASE(a_peer_may_leave_at_any_point_of_the_handshake),
      CASE(a_handshake_has_its_time),
      CASE(the_client_names_what_is_wrong_with_a_certificate),
      CASE(an_address_is_verified_and_not_asked_for),
      CASE(plain_http_is_answered_in_its_own_words),
      CASE(garbage_is_refused_before_any_memory_is_spent),
      CASE(a_hello_is_gathered_before_openssl_sees_it),
      CASE(a_flood_of_new_keys_is_ended),
      CASE(now_and_then_keys_may_change),
      CASE(bytes_that_were_changed_on_the_way_end_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
