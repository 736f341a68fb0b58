/* The JSON that the dashboard reads: whatever is in a request or a log, it stays one object. */
#include "cli/dev_news.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/json.h"
#include "fake_request.h"
#include "http/conn.h"
#include "support/test.h"

static rl_buf out;
static fake_request f;

static int setup(void **state) {
  (void)state;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  fake_request_init(&f, "/", "localhost");
  f.req.id = RL_SLICE("0123456789abcdef");
  f.req.method_name = RL_SLICE("GET");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_buf_free(&out);
  return 0;
}

TEST(an_exchange) {
  UNUSED;
  rl_exchange_report how = {.status = 404, .bytes = UINT64_C(5000000000)};
  f.req.target = RL_SLICE("/a?b=1");
  rl_dev_news_exchange(&out, &f.req, &how, 12, 1.5);
  assert_slice(rl_buf_slice(&out),
               "{\"id\":\"0123456789abcdef\",\"method\":\"GET\",\"target\":\"/a?b=1\",\"status\":404,"
               "\"bytes\":5000000000,\"ms\":12,\"ended\":1.500000}");
}

TEST(bytes_of_a_target_cannot_leave_its_string) {
  UNUSED;
  rl_exchange_report how = {.status = 200};
  f.req.target = rl_slice_of("/\"\\\n\0\xFF", 6);
  rl_dev_news_exchange(&out, &f.req, &how, 0, 0);
  rl_buf_add_char(&out, 0);
  assert_non_null(strstr(out.data, "\"target\":\"/\\u0022\\u005c\\u000a\\u0000\\u00ff\","));
  assert_null(memchr(out.data, '\n', out.len));
  assert_null(memchr(out.data, 0xFF, out.len));
}

TEST(a_line_of_the_log) {
  UNUSED;
  rl_log_field fields[] = {RL_LOG_TEXT_FIELD("text", RL_SLICE("a \"b\"")),
                           RL_LOG_NUMBER_FIELD("number", INT64_C(-9007199254740993)),
                           {.key = "literal", .literal = "true"}};
  rl_dev_news_log(&out, RL_LOG_WARN, RL_SLICE("it\nfailed"), fields, 3);
  assert_slice(rl_buf_slice(&out),
               "{\"level\":\"warn\",\"message\":\"it\\nfailed\",\"fields\":[[\"text\",\"a \\\"b\\\"\"],"
               "[\"number\",\"-9007199254740993\"],[\"literal\",\"true\"]]}");
}

TEST(a_line_without_fields) {
  UNUSED;
  rl_dev_news_log(&out, RL_LOG_ERROR, RL_SLICE(""), NULL, 0);
  assert_slice(rl_buf_slice(&out), "{\"level\":\"error\",\"message\":\"\",\"fields\":[]}");
}

TEST(a_load) {
  UNUSED;
  rl_dev_news_loaded(&out, &(rl_load){.ok = true, .took_ms = 7}, 3, 2);
  assert_slice(rl_buf_slice(&out), "{\"ok\":true,\"ms\":7,\"generation\":3,\"states\":2}");
  rl_buf_clear(&out);
  rl_dev_news_loaded(&out, &(rl_load){.took_ms = 7, .failure = RL_SLICE("{\"message\":\"no\"}")}, 4, 1);
  assert_slice(rl_buf_slice(&out),
               "{\"ok\":false,\"ms\":7,\"generation\":4,\"states\":1,\"failure\":{\"message\":\"no\"}}");
}

TEST(one_that_does_not_fit_is_an_error_and_not_half_an_object) {
  UNUSED;
  rl_buf small;
  rl_buf_init(&small, 64);
  rl_log_field field = RL_LOG_TEXT_FIELD("text", RL_SLICE("0123456789012345678901234567890123456789"));
  rl_dev_news_log(&small, RL_LOG_INFO, RL_SLICE("message"), &field, 1);
  assert_int_equal(small.error, RL_ETOOBIG);
  rl_buf_free(&small);
  rl_alloc_fail_at(1, true);
  rl_dev_news_log(&out, RL_LOG_INFO, RL_SLICE("message"), &field, 1);
  rl_alloc_fail_at(0, false);
  assert_int_equal(out.error, RL_ENOMEM);
}

int main(void) {
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      EACH(an_exchange),
      EACH(bytes_of_a_target_cannot_leave_its_string),
      EACH(a_line_of_the_log),
      EACH(a_line_without_fields),
      EACH(a_load),
      EACH(one_that_does_not_fit_is_an_error_and_not_half_an_object),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
