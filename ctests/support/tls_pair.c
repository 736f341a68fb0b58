/* Two ends of TLS in memory; see tls_pair.h. */
#include "support/tls_pair.h"

#include "base/error.h"
#include "support/test.h"

static tls_end *end_of(rl_stream *stream) { return (tls_end *)stream; }

static void on_data(rl_stream *stream, rl_slice bytes) {
  tls_end *end = end_of(stream);
  end->datas++;
  rl_buf_add_slice(&end->text, bytes);
  if (end->stop_on_data) stream->ops->read_stop(stream);
  if (end->close_on_data) stream->ops->close(stream, false);
}

static void on_eof(rl_stream *stream) { end_of(stream)->eofs++; }
static void on_writable(rl_stream *stream) { end_of(stream)->writables++; }
static void on_closed(rl_stream *stream) { end_of(stream)->closed++; }
static void on_error(rl_stream *stream, int code) {
  end_of(stream)->errors++;
  end_of(stream)->code = code;
}

static const rl_stream_events events = {
    .on_data = on_data, .on_eof = on_eof, .on_error = on_error, .on_writable = on_writable, .on_closed = on_closed};

static void start(tls_end *end, rl_loop *loop) {
  memset(end, 0, sizeof *end);
  rl_buf_init(&end->text, RL_BUF_NO_LIMIT);
  mem_stream_init(&end->below, loop);
}

static void listen_to(tls_end *end) {
  end->tls.stream.events = &events;
  end->tls.stream.ops->read_start(&end->tls.stream);
}

void tls_pair_init(tls_pair *pair, rl_loop *loop, rl_tls_server *server, rl_tls_client *client, const char *name) {
  pair->loop = loop;
  pair->piece = pair->noise_at = 0;
  pair->noise = RL_SLICE_NONE;
  start(&pair->server, loop);
  start(&pair->client, loop);
  rl_tls_accept(&pair->server.tls, loop, &pair->server.below.stream, server);
  listen_to(&pair->server);
  if (!client) return;
  if (rl_tls_connect(&pair->client.tls, loop, &pair->client.below.stream, client, rl_slice_str(name))) return;
  listen_to(&pair->client);
}

/* Feeds what one end has written to the other. Returns true if there was any. */
static bool carry(tls_end *from, tls_end *to, size_t piece) {
  rl_slice fresh = mem_stream_out(&from->below);
  rl_slice_skip(&fresh, from->carried);
  if (piece && fresh.len > piece) fresh.len = piece;
  if (!to->tls.stream.ops) return false; /* nobody is there: the test looks at what was written */
  from->carried += fresh.len;
  if (fresh.len) mem_stream_feed(&to->below, fresh);
  if (from->below.closed && from->below.reset && !to->below.broken) mem_stream_break(&to->below, RL_ERESET);
  else if ((from->below.shut || from->below.closed) && from->carried == from->below.out_len && !to->below.eof)
    mem_stream_eof(&to->below);
  return fresh.len > 0;
}

/* Each byte once: when it is new. */
static void add_noise(tls_pair *pair, size_t from) {
  char *out = pair->client.below.out;
  size_t at = pair->noise_at, end = at + pair->noise.len;
  for (size_t i = from < at ? at : from; i < end && i < pair->client.below.out_len; i++)
    out[i] ^= pair->noise.data[i - at];
}

static bool is_ready(const rl_loop *loop) { return !rl_list_empty(&loop->ready) || !rl_list_empty(&loop->ending); }

void tls_pair_run(tls_pair *pair) {
  bool moved = true;
  for (unsigned turns = 0; moved || is_ready(pair->loop); turns++) {
    size_t written = pair->client.below.out_len;
    uv_run(&pair->loop->uv, UV_RUN_NOWAIT);
    add_noise(pair, written);
    moved = carry(&pair->client, &pair->server, pair->piece);
    moved = carry(&pair->server, &pair->client, pair->piece) || moved;
    assert_true(turns < 1000000);
  }
}

static void end_it(tls_end *end) {
  if (end->tls.stream.ops) end->tls.stream.ops->close(&end->tls.stream, true);
}

static void free_end(tls_end *end) {
  if (end->tls.stream.ops) assert_int_equal(end->closed, 1);
  mem_stream_free(&end->below);
  rl_buf_free(&end->text);
}

void tls_pair_free(tls_pair *pair) {
  if (!pair->loop) return;
  end_it(&pair->server);
  end_it(&pair->client);
  tls_pair_run(pair);
  free_end(&pair->server);
  free_end(&pair->client);
  pair->loop = NULL;
}

void tls_end_say(tls_pair *pair, tls_end *end, rl_slice bytes) {
  while (bytes.len) {
    ssize_t n = rl_stream_write(&end->tls.stream, bytes);
    assert_true(n > 0);
    rl_slice_skip(&bytes, (size_t)n);
    tls_pair_run(pair);
  }
}

void tls_site_init(tls_site *site, const rl_tls_store_options *options) {
  rl_tls_client_options trusting = {.ca = test_authority_file(), .protocols = "http/1.1"};
  memset(site, 0, sizeof *site);
  rl_buf_init(&site->why, 4000);
  assert_int_equal(rl_loop_init(&site->loop), 0);
  rl_loop_clock_freeze(&site->loop);
  assert_int_equal(rl_tls_store_new(&site->store, options, &site->why), 0);
  assert_int_equal(rl_tls_server_new(&site->server, &site->loop, site->store, "h2,http/1.1", &site->why), 0);
  assert_int_equal(rl_tls_client_new(&site->client, &trusting, &site->why), 0);
}

void tls_site_add(tls_site *site, const test_certificate_options *options) {
  test_certificate one;
  test_certificate_make(&one, options);
  assert_int_equal(
      rl_tls_store_add_text(site->store, rl_buf_slice(&one.certificate), rl_buf_slice(&one.key), &site->why), 0);
  test_certificate_free(&one);
}

void tls_site_connect(tls_site *site, const char *name) {
  tls_pair_free(&site->pair);
  tls_pair_init(&site->pair, &site->loop, site->server, site->client, name);
  tls_pair_run(&site->pair);
}

void tls_site_pause(tls_site *site, uint64_t delay_ms) {
  rl_loop_advance_to(&site->loop, rl_loop_now(&site->loop) + delay_ms);
  if (site->pair.loop) tls_pair_run(&site->pair);
}

void tls_site_free(tls_site *site) {
  tls_pair_free(&site->pair);
  rl_tls_server_unref(site->server);
  rl_tls_client_unref(site->client);
  rl_tls_store_unref(site->store);
  rl_buf_free(&site->why);
  assert_int_equal(rl_loop_next_timer(&site->loop), UINT64_MAX);
  rl_loop_clock_thaw(&site->loop);
  assert_int_equal(rl_loop_free(&site->loop), 0);
}
