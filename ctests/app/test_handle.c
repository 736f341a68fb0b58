/* Tests app/handle.h: a request for which there is no memory is answered 503, before it has a task. */
#include "app/handle.h"

#include "base/alloc.h"
#include "http/response.h"
#include "support/test.h"

static int status;
static bool released;

static int respond(rl_req *req, const rl_resp *resp) {
  (void)req;
  status = resp->status;
  return 0;
}

static void release(rl_req *req) {
  (void)req;
  released = true;
}

TEST(answers_503_if_out_of_memory) {
  UNUSED;
  static const rl_req_ops ops = {.respond = respond, .release = release};
  rl_chunk_pool pool;
  rl_match match = {.route = -1};
  rl_req req = {.ops = &ops};
  rl_app app;
  rl_chunk_pool_init(&pool, 0);
  rl_arena_init(&req.arena, &pool);
  rl_app_init(&app, NULL, rl_handle_request);
  rl_alloc_fail_at(1, true);
  rl_handle_request(&app, &req, &match, 404);
  rl_alloc_fail_at(0, false);
  assert_int_equal(status, 503);
  assert_true(released);
  assert_int_equal(app.serving, 0);
  rl_router_del(app.router);
  rl_arena_free(&req.arena);
  rl_chunk_pool_free(&pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(answers_503_if_out_of_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
