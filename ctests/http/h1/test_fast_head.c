/* That both ways cut alike is for ctests/fuzz/fuzz_h1.c to show, and for the wire tests, which send each input whole and cut. */
#include "http/h1/fast_head.h"

#include "support/test.h"

#define LINE "GET / HTTP/1.1\r\n"

static bool is_fast(rl_slice in, rl_fast_head *head) { return rl_fast_head_cut(in, &rl_limits_default, head); }

TEST(a_usual_head_is_cut) {
  UNUSED;
  rl_fast_head head;
  rl_slice in =
      RL_SLICE("POST /a?b=1 HTTP/1.0\r\nHost: example.org\r\nx-A:\t \r\nContent-Length: 3 \r\n\r\nabcGET / HTTP/1.1");
  assert_true(is_fast(in, &head));
  assert_int_equal(head.len, in.len - 17);
  assert_int_equal(head.method, RL_METHOD_POST);
  assert_slice(head.method_name, "POST");
  assert_slice(head.target, "/a?b=1");
  assert_int_equal(head.version, RL_HTTP_1_0);
  assert_int_equal(head.field_count, 3);
  assert_slice(head.fields[0].name, "Host");
  assert_slice(head.fields[0].value, "example.org");
  assert_int_equal(head.fields[0].id, RL_HEADER_HOST);
  assert_slice(head.fields[1].name, "x-A");
  assert_slice(head.fields[1].value, "");
  assert_int_equal(head.fields[1].id, RL_HEADER_OTHER);
  assert_slice(head.fields[2].value, "3");
}

TEST(a_part_of_a_head_is_left_alone) {
  UNUSED;
  rl_fast_head head;
  rl_slice in = RL_SLICE(LINE "Host: x\r\nAccept: */*\r\n\r\n");
  for (size_t len = 0; len < in.len; len++) assert_false(is_fast(rl_slice_of(in.data, len), &head));
  assert_true(is_fast(in, &head));
}

static const char *const unusual[] = {
    "\r\n" LINE "\r\n",
    "CONNECT /x HTTP/1.1\r\n\r\n",
    "get / HTTP/1.1\r\n\r\n",
    "GET  / HTTP/1.1\r\n\r\n",
    "GET /  HTTP/1.1\r\n\r\n",
    "GET * HTTP/1.1\r\n\r\n",
    "GET http://x/ HTTP/1.1\r\n\r\n",
    "GET /\xc3\xa4 HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.2\r\n\r\n",
    "GET / HTTP/2.0\r\n\r\n",
    "GET / RTSP/1.1\r\n\r\n",
    "GET / HTTP/1.1 \r\n\r\n",
    "GET /\r\n\r\n",
    "GET / HTTP/1.1\n\r\n",
    LINE "A: b\n\r\n",
    LINE "A: b\r\n\n",
    LINE "A: b\r\r\n\r\n",
    LINE "A: b\r\n c\r\n\r\n",
    LINE "A : b\r\n\r\n",
    LINE ": b\r\n\r\n",
    LINE "A\r\n\r\n",
    LINE "A: \x7f\r\n\r\n",
    LINE "Transfer-Encoding: chunked\r\n\r\n",
    LINE "Content-Length:\r\n\r\n",
    LINE "Content-Length: +1\r\n\r\n",
    LINE "Content-Length: 1 1\r\n\r\n",
    LINE "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
    LINE "Content-Length: 1234567890123456789\r\n\r\n",
};

TEST(what_is_unusual_is_left_to_the_long_way) {
  UNUSED;
  rl_fast_head head;
  for (size_t i = 0; i < sizeof unusual / sizeof *unusual; i++)
    if (is_fast(rl_slice_str(unusual[i]), &head)) fail_msg("%zu: %s", i, unusual[i]);
}

TEST(a_head_near_a_limit_is_left_to_the_long_way) {
  UNUSED;
  rl_fast_head head;
  rl_slice in = RL_SLICE(LINE "A: b\r\nC: d\r\n\r\n");
  rl_limits limits = {.request_line = 30, .field = 30, .fields_size = 30, .fields = 2};
  assert_int_equal(in.len, 30);
  assert_true(rl_fast_head_cut(in, &limits, &head));
  limits.fields = 1;
  assert_false(rl_fast_head_cut(in, &limits, &head));
  limits.fields = 2, limits.request_line = 29;
  assert_false(rl_fast_head_cut(in, &limits, &head));
  limits.request_line = 30, limits.field = 29;
  assert_false(rl_fast_head_cut(in, &limits, &head));
  limits.field = 30, limits.fields_size = 29;
  assert_false(rl_fast_head_cut(in, &limits, &head));
}

TEST(many_fields_are_left_to_the_long_way) {
  UNUSED;
  static char text[1024];
  rl_fast_head head;
  for (int count = RL_FAST_HEAD_FIELDS; count <= RL_FAST_HEAD_FIELDS + 1; count++) {
    int at = snprintf(text, sizeof text, LINE);
    for (int i = 0; i < count; i++) at += snprintf(text + at, sizeof text - (size_t)at, "A: %d\r\n", i);
    snprintf(text + at, sizeof text - (size_t)at, "\r\n");
    assert_int_equal(is_fast(rl_slice_str(text), &head), count == RL_FAST_HEAD_FIELDS);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(a_usual_head_is_cut),
      RUN(a_part_of_a_head_is_left_alone),
      RUN(what_is_unusual_is_left_to_the_long_way),
      RUN(a_head_near_a_limit_is_left_to_the_long_way),
      RUN(many_fields_are_left_to_the_long_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
