#define _GNU_SOURCE
#include "server/access_log.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/json_reader.h"
#include "support/test.h"

typedef struct fixture {
  rl_chunk_pool pool;
  rl_loop loop;
  rl_access_log log;
  rl_access_writer writer;
  int pipe[2];
  char got[256 << 10];
  size_t got_len;
} fixture;

static fixture *start(rl_log_format format) {
  fixture *f = rl_must_alloc(sizeof *f);
  rl_chunk_pool_init(&f->pool, 4);
  assert_int_equal(rl_loop_init(&f->loop), 0);
  rl_loop_clock_freeze(&f->loop);
  assert_int_equal(pipe(f->pipe), 0);
  assert_int_equal(rl_access_log_start(&f->log, f->pipe[1], format), 0);
  rl_access_open(&f->writer, &f->log, &f->loop);
  return f;
}

/* Ends the log and returns all that was written. */
static rl_slice finish(fixture *f) {
  rl_access_close(&f->writer);
  rl_access_log_stop(&f->log);
  close(f->pipe[1]);
  for (ssize_t n; (n = read(f->pipe[0], f->got + f->got_len, sizeof f->got - f->got_len)) > 0;) f->got_len += (size_t)n;
  close(f->pipe[0]);
  return rl_slice_of(f->got, f->got_len);
}

static void forget(fixture *f) {
  rl_loop_clock_thaw(&f->loop);
  rl_loop_settle(&f->loop);
  assert_int_equal(rl_loop_free(&f->loop), 0);
  rl_chunk_pool_free(&f->pool);
  rl_free(f);
}

static rl_req *request(fixture *f, const char *target) {
  rl_req *req = rl_req_new(&f->pool);
  req->method_name = RL_SLICE("GET");
  req->version = RL_HTTP_1_1;
  req->target = rl_slice_str(target);
  req->id = RL_SLICE("0123456789abcdef");
  return req;
}

static bool has(rl_slice text, const char *part) { return memmem(text.data, text.len, part, strlen(part)) != NULL; }

TEST(a_combined_line_with_ours_behind_it) {
  UNUSED;
  fixture *f = start(RL_LOG_TEXT);
  rl_req *req = request(f, "/a?b");
  req->route = "post";
  rl_exchange_report how = {.status = 200, .bytes = 512, .since_ms = rl_loop_now(&f->loop)};
  rl_access_add(&f->writer, RL_SLICE("192.0.2.7"), req, &how);
  rl_slice got = finish(f);
  assert_true(rl_slice_starts(got, RL_SLICE("192.0.2.7 - - [")));
  assert_true(has(got, " +0000] \"GET /a?b HTTP/1.1\" 200 512 \"-\" \"-\" id=0123456789abcdef ms=0 route=post\n"));
  rl_req_free(req);
  forget(f);
}

TEST(a_line_names_http_2) {
  UNUSED;
  for (int format = RL_LOG_TEXT; format <= RL_LOG_JSON; format++) {
    fixture *f = start((rl_log_format)format);
    rl_req *req = request(f, "/");
    req->version = RL_HTTP_2;
    rl_exchange_report how = {.status = 200, .since_ms = rl_loop_now(&f->loop)};
    rl_access_add(&f->writer, RL_SLICE("192.0.2.7"), req, &how);
    assert_true(has(finish(f), format == RL_LOG_TEXT ? "GET / HTTP/2\"" : "\"major_version\":2,\"minor_version\":0"));
    rl_req_free(req);
    forget(f);
  }
}

TEST(a_peer_cannot_forge_a_line) {
  UNUSED;
  fixture *f = start(RL_LOG_TEXT);
  rl_req *req = request(f, "/\"x\n\\\xff");
  rl_header agent = {.id = RL_HEADER_USER_AGENT, .name = RL_SLICE("User-Agent"), .value = RL_SLICE("\x1b[31m\"")};
  req->headers = &agent;
  req->header_count = 1;
  rl_exchange_report how = {.status = 200, .since_ms = rl_loop_now(&f->loop)};
  rl_access_add(&f->writer, RL_SLICE(""), req, &how);
  rl_slice got = finish(f);
  assert_true(rl_slice_starts(got, RL_SLICE("- - - [")));
  assert_true(has(got, "\"GET /\\x22x\\x0A\\x5C\\xFF HTTP/1.1\""));
  assert_true(has(got, "\"\\x1B[31m\\x22\""));
  assert_int_equal(rl_slice_find(got, '\n', 0), got.len - 1);
  rl_req_free(req);
  forget(f);
}

static const char hostile[] =
    "x\" status=200 \xc2\x9b"
    "31m\x7f\xe2\x80\xae\xe2\x80\xa8\xff";

/* Ids and routes stand bare where they are words, else in quotes. */
TEST(nothing_that_came_is_a_field_or_acts_on_a_terminal) {
  UNUSED;
  for (int json = 0; json < 2; json++) {
    fixture *f = start(json ? RL_LOG_JSON : RL_LOG_TEXT);
    rl_req *req = request(f, "/");
    rl_header agent = {.id = RL_HEADER_USER_AGENT, .name = RL_SLICE("User-Agent"), .value = rl_slice_str(hostile)};
    req->headers = &agent;
    req->header_count = 1;
    req->id = req->target = rl_slice_str(hostile);
    req->route = hostile;
    rl_exchange_report how = {.status = 404, .since_ms = rl_loop_now(&f->loop)};
    rl_access_add(&f->writer, RL_SLICE("::1"), req, &how);
    rl_slice got = finish(f);
    for (size_t i = 0; i + 1 < got.len; i++) assert_true(got.data[i] >= 0x20 && got.data[i] < 0x7F);
    assert_true(has(got, json ? "\"status\":404" : " 404 0 "));
    if (!json) assert_true(has(got, " route=\"x\\\" status=200 \\x9b31m\\x7f\\u{202e}\\u{2028}\\xff\"\n"));
    rl_req_free(req);
    forget(f);
  }
}

TEST(a_refusal_is_one_line_with_its_reason) {
  UNUSED;
  fixture *f = start(RL_LOG_TEXT);
  rl_exchange_report how = {.status = 400, .bytes = 7, .since_ms = rl_loop_now(&f->loop), .fault = RL_FAULT_FOLDED};
  rl_access_add(&f->writer, RL_SLICE("::1"), NULL, &how);
  rl_slice got = finish(f);
  assert_true(has(got, "\"-\" 400 7 \"-\" \"-\" reason=\"a header line must not start with a space or tab\"\n"));
  forget(f);
}

TEST(json_lines_are_valid_whatever_came) {
  UNUSED;
  fixture *f = start(RL_LOG_JSON);
  rl_req *req = request(f, "/\xff\"");
  rl_exchange_report how = {.status = 200, .since_ms = rl_loop_now(&f->loop)};
  rl_access_add(&f->writer, RL_SLICE("192.0.2.7"), req, &how);
  rl_slice got = finish(f);
  rl_json_reader reader;
  rl_buf scratch;
  rl_buf_init(&scratch, RL_BUF_NO_LIMIT);
  rl_json_reader_init(&reader, got, &scratch);
  int token;
  do token = rl_json_next(&reader);
  while (token > RL_JSON_DONE);
  assert_int_equal(token, RL_JSON_DONE);
  rl_buf_free(&scratch);
  assert_true(has(got, "\"target\":\"/\\u00ff\\u0022\""));
  assert_true(has(got, "\"ms\":0"));
  rl_req_free(req);
  forget(f);
}

TEST(lines_leave_after_a_second) {
  UNUSED;
  fixture *f = start(RL_LOG_TEXT);
  rl_exchange_report how = {.status = 400, .since_ms = rl_loop_now(&f->loop)};
  rl_access_add(&f->writer, RL_SLICE("::1"), NULL, &how);
  assert_int_equal(f->writer.count, 1);
  rl_timer_stop(&f->loop, &f->writer.flush); /* as the loop does */
  f->writer.flush.on_timer(&f->writer.flush);
  assert_int_equal(f->writer.count, 0);
  rl_slice got = finish(f);
  assert_true(has(got, "::1 - - "));
  forget(f);
}

/* Nobody reads: what is beyond the bound is dropped and counted, and the writer never waits. */
TEST(a_reader_that_hangs_costs_lines_not_requests) {
  UNUSED;
  fixture *f = start(RL_LOG_TEXT);
  f->log.waiting = RL_ACCESS_WAITING;
  rl_exchange_report how = {.status = 400, .since_ms = rl_loop_now(&f->loop)};
  for (int i = 0; i < 3; i++) rl_access_add(&f->writer, RL_SLICE("::1"), NULL, &how);
  rl_access_close(&f->writer);
  assert_int_equal(f->log.lost, 3);
  f->log.waiting = 0;
  f->log.lost = 0;
  assert_int_equal(finish(f).len, 0);
  forget(f);
}

TEST(without_memory_a_line_is_lost_as_a_whole) {
  UNUSED;
  fixture *f = start(RL_LOG_TEXT);
  rl_exchange_report how = {.status = 400, .since_ms = rl_loop_now(&f->loop)};
  rl_alloc_fail_at(1, true);
  rl_access_add(&f->writer, RL_SLICE("::1"), NULL, &how);
  rl_alloc_fail_at(0, false);
  assert_int_equal(f->log.lost, 1);
  assert_int_equal(f->writer.lines.len, 0);
  f->log.lost = 0;
  rl_access_add(&f->writer, RL_SLICE("::2"), NULL, &how);
  assert_true(rl_slice_starts(finish(f), RL_SLICE("::2 - - [")));
  forget(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(a_combined_line_with_ours_behind_it),
                                     RUN(a_line_names_http_2),
                                     RUN(a_peer_cannot_forge_a_line),
                                     RUN(nothing_that_came_is_a_field_or_acts_on_a_terminal),
                                     RUN(a_refusal_is_one_line_with_its_reason),
                                     RUN(json_lines_are_valid_whatever_came),
                                     RUN(lines_leave_after_a_second),
                                     RUN(a_reader_that_hangs_costs_lines_not_requests),
                                     RUN(without_memory_a_line_is_lost_as_a_whole)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
