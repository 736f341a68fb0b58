/*
 * Tests a program that runs out of memory. Every request of a list is sent while the n-th allocation fails, alone and together
 * with all later ones, for every n. Lua's own objects count too. The request may fail in any way. But nothing may crash or
 * leak, no request, task or connection may be left, and the next request must get the right answer.
 */
#include "base/alloc.h"
#include "support/app/program.h"
#include "support/test.h"

enum { STEP_FROM = 60, NTH_MOST = 4000 };

static test_program program;

static int start(void **state) {
  (void)state;
  return test_program_start(&program, "ctests/app/app.lua", "ctests/app");
}

static int stop(void **state) {
  (void)state;
  return test_program_stop(&program);
}

/* Sends a request in two pieces. The answer is client->stream.out. */
static test_client *send_request(rl_slice request) {
  test_client *client = test_client_connect(&program.server);
  if (!client) return NULL;
  size_t half = request.len / 2;
  test_client_send(client, rl_slice_of(request.data, half));
  test_client_send(client, rl_slice_of(request.data + half, request.len - half));
  test_server_pause(&program.server, 100);
  return client;
}

static bool has(const test_client *client, const char *text) {
  rl_slice out = test_client_out(client);
  for (size_t i = 0; i + strlen(text) <= out.len; i++)
    if (memcmp(out.data + i, text, strlen(text)) == 0) return true;
  return false;
}

static void assert_answered(rl_slice request, const char *with) {
  test_client *client = send_request(request);
  if (!has(client, with)) fail_msg("no '%s' in: %.*s", with, RL_FMT(test_client_out(client)));
  test_client_free(client);
}

/* Sends the request while the `nth` allocation fails. Returns true if there were so many. */
static bool fail_at(rl_slice request, long nth, bool forever, bool check) {
  rl_alloc_fail_at(nth, forever);
  test_client *client = send_request(request);
  bool reached = rl_alloc_fail_at(0, false) >= nth;
  if (client) {
    rl_slice out = test_client_out(client);
    size_t len = out.len < 9 ? out.len : 9;
    if (len && memcmp(out.data, "HTTP/1.1 ", len) != 0) fail_msg("%ld: no answer: %.*s", nth, RL_FMT(out));
    test_client_free(client);
  }
  test_server_pause(&program.server, 10000);
  assert_int_equal(program.server.connections, 0);
  assert_answered(RL_SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "hello");
  if (check) assert_answered(RL_SLICE("GET /check HTTP/1.1\r\nHost: a\r\n\r\n"), "seen, 3 kept, and gone");
  return reached;
}

typedef struct sample {
  const char *name, *head, *body, *answer;
} sample;

#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define PARTS "Content-Type: multipart/form-data; boundary=b\r\n"
#define BODY                                                          \
  "--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\ntext\r\n" \
  "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nbytes\r\n--b--\r\n"

static const sample samples[] = {
    {"a string", "GET / HTTP/1.1\r\n", NULL, "hello"},
    {"json", "GET /json?a=1&b=2&a=3 HTTP/1.1\r\n", NULL, "\"three\""},
    {"parameters", "GET /items/7/x/y%20z HTTP/1.1\r\n", NULL, "x/y z"},
    {"a page", "GET /page HTTP/1.1\r\n", NULL, "<b>&lt;name 40&gt;</b>&lt;NAME 40&gt;waited40"},
    {"a text", "POST /text HTTP/1.1\r\n", "some text that comes back", "comes back"},
    {"json both ways", "POST /json HTTP/1.1\r\n", "{\"a\":[1,2,{\"b\":\"\\u00e9 and more\"}],\"c\":1.5}", "1.5"},
    {"a form", "POST /form HTTP/1.1\r\n" FORM, "a=1&b=two+words&c=%C3%A9", "a1 b9 c2"},
    {"a multipart form", "POST /form HTTP/1.1\r\n" PARTS, BODY, "a.txt5 t4"},
    {"parts", "POST /parts HTTP/1.1\r\n" PARTS, BODY, "9"},
    {"chunks", "POST /chunks HTTP/1.1\r\n", "a body of some length", "0\r\n\r\n"},
    {"cookies", "GET /cookies HTTP/1.1\r\nCookie: a=1; b=2\r\n", NULL, "\"b\""},
    {"tasks", "GET /tasks HTTP/1.1\r\n", NULL, "ab"},
    {"reads", "GET /db/read?n=2 HTTP/1.1\r\n", NULL, "\"value\":2"},
    {"writes", "POST /db/write HTTP/1.1\r\n", "a text to be kept", "written 1"},
    {"a transaction", "POST /db/transaction HTTP/1.1\r\n", "", "counted 1"},
    {"a transaction by hand", "POST /db/begin HTTP/1.1\r\n", "", "begun and ended"},
    {"an error", "GET /fails HTTP/1.1\r\n", NULL, " 500 "},
    {"a miss", "GET /nowhere HTTP/1.1\r\n", NULL, " 404 "},
};

static rl_buf request_of(const sample *s) {
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  rl_buf_addf(&out, "%sHost: a\r\n", s->head);
  if (s->body) rl_buf_addf(&out, "Content-Length: %zu\r\n", strlen(s->body));
  rl_buf_addf(&out, "\r\n%s", s->body ? s->body : "");
  return out;
}

TEST(faults) {
  const sample *s = *state_;
  bool check = strstr(s->head, "/db/") != NULL; /* the database must also hold the right rows */
  rl_buf request = request_of(s);
  assert_answered(rl_buf_slice(&request), s->answer);
  for (int forever = 0; forever < 2; forever++) {
    long nth = 1;
    while (nth < NTH_MOST && fail_at(rl_buf_slice(&request), nth, forever, check)) nth += nth < STEP_FROM ? 1 : 7;
    assert_true(nth < NTH_MOST);
  }
  assert_answered(rl_buf_slice(&request), s->answer);
  rl_buf_free(&request);
}

int main(void) {
  enum { COUNT = sizeof samples / sizeof *samples };
  struct CMUnitTest tests[COUNT];
  for (int i = 0; i < COUNT; i++)
    tests[i] = (struct CMUnitTest){
        .name = samples[i].name, .test_func = faults, .initial_state = (void *)(uintptr_t)&samples[i]};
  return _cmocka_run_group_tests("faults", tests, COUNT, start, stop);
}
