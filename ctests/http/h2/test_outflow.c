/* What waits of a response. */
#include "http/h2/outflow.h"

#include "base/error.h"
#include "support/test.h"

TEST(a_queue_that_never_runs_empty_does_not_grow) {
  UNUSED;
  static const char piece[1000];
  rl_h2_outflow flow;
  rl_buf out;
  rl_h2_outflow_init(&flow);
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  assert_int_equal(rl_h2_outflow_add(&flow, RL_SLICE("x")), RL_OK);
  for (int i = 0; i < 10000; i++) {
    assert_int_equal(rl_h2_outflow_add(&flow, rl_slice_of(piece, sizeof piece)), RL_OK);
    assert_int_equal(rl_h2_outflow_move(&flow, sizeof piece, &out), RL_OK);
    assert_int_equal(rl_h2_outflow_queued(&flow), 1);
    assert_true(flow.queue.len < 10 * sizeof piece);
    rl_buf_consume(&out, out.len);
  }
  rl_buf_free(&out);
  rl_h2_outflow_free(&flow);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_queue_that_never_runs_empty_does_not_grow)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
