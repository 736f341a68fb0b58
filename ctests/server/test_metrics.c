#include "server/metrics.h"

#include <stdlib.h>

#include "support/test.h"

/* The number behind `name` in the text. */
static double value_of(const char *name) {
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  assert_int_equal(rl_metrics_write(&out), 0);
  rl_buf_add_char(&out, 0);
  const char *line = strstr(out.data, name);
  while (line && !strchr("0123456789", line[strlen(name)])) line = strstr(line + 1, name); /* not its HELP */
  assert_non_null(line);
  double value = strtod(line + strlen(name), NULL);
  rl_buf_free(&out);
  return value;
}

TEST(adds_up_what_workers_have_counted) {
  UNUSED;
  rl_metrics one, two;
  rl_metrics_open(&one);
  rl_metrics_open(&two);
  rl_metrics_count(&one, true, &(rl_exchange_report){.status = 200, .bytes = 10, .since_ms = 1000}, 1004);
  rl_metrics_count(&two, true, &(rl_exchange_report){.status = 503, .bytes = 5, .since_ms = 1000}, 1030);
  rl_metrics_count(&two, true, &(rl_exchange_report){.status = 0, .since_ms = 1000}, 99000);
  rl_metrics_count(&two, false, &(rl_exchange_report){.status = 400}, 1000);
  rl_metrics_set(&one.connections, 3);
  rl_metrics_set(&two.connections, 4);
  assert_true(value_of("rille_requests_total{class=\"2xx\"} ") == 1);
  assert_true(value_of("rille_requests_total{class=\"5xx\"} ") == 1);
  assert_true(value_of("rille_requests_total{class=\"none\"} ") == 1);
  assert_true(value_of("rille_refused_total ") == 1);
  assert_true(value_of("rille_sent_bytes_total ") == 15);
  assert_true(value_of("rille_connections ") == 7);
  assert_true(value_of("rille_workers ") == 2);
  assert_true(value_of("_bucket{le=\"0.005\"} ") == 1);
  assert_true(value_of("_bucket{le=\"0.05\"} ") == 2);
  assert_true(value_of("_bucket{le=\"10\"} ") == 2);
  assert_true(value_of("_bucket{le=\"+Inf\"} ") == 3);
  assert_true(value_of("rille_request_seconds_count ") == 3);
  rl_metrics_close(&one);
  rl_metrics_close(&two);
}

TEST(counters_outlive_their_worker_and_gauges_do_not) {
  UNUSED;
  double before = value_of("rille_requests_total{class=\"2xx\"} ");
  rl_metrics one;
  rl_metrics_open(&one);
  rl_metrics_count(&one, true, &(rl_exchange_report){.status = 204, .since_ms = 5}, 5);
  rl_metrics_set(&one.connections, 9);
  rl_metrics_close(&one);
  assert_true(value_of("rille_requests_total{class=\"2xx\"} ") == before + 1);
  assert_true(value_of("rille_connections ") == 0);
  assert_true(value_of("rille_workers ") == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(adds_up_what_workers_have_counted),
                                     RUN(counters_outlive_their_worker_and_gauges_do_not)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
