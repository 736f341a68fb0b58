/*
 * Counts what a request costs: client and server in one process, over streams without a socket (ctests/support), with clocks
 * that stand still. script/instructions runs it under callgrind, which counts the same twice for the same binary and input,
 * however busy the machine is; measured() is what callgrind counts, once for each case, in the order of `cases`.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "support/app/program.h"
#include "support/test.h"

/* So many that Lua's collector comes round several times: else what it costs would hang on where it stands at the start. */
enum { WARM = 400, MANY = 5000, FEW = 1000 };

/* ---- clocks that stand still ------------------------------------------------------------------------------------------- */

static _Thread_local bool is_main;

/* The seeds of Lua's hashes come from here. */
time_t time(time_t *out) {
  if (out) *out = 1790000000;
  return 1790000000;
}

/* What decides whether a read is slow; other threads sleep by it and see it move. */
int clock_gettime(clockid_t id, struct timespec *out) {
  static struct timespec frozen;
  if (!is_main) return (int)syscall(SYS_clock_gettime, id, out);
  if (!frozen.tv_sec) syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &frozen);
  *out = frozen;
  return 0;
}

uint64_t uv_hrtime(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the cases ----------------------------------------------------------------------------------------------------------- */

typedef struct bench_case {
  const char *name;
  int count;
  int clients; /* that ask in one turn of the loop */
  const char *request;
  int streams; /* of HTTP/2, that ask in one turn; 0: HTTP/1.1 */
} bench_case;

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nUser-Agent: bench\r\n"
static const bench_case cases[] = {
    {.name = "hello", .count = MANY, .clients = 1, .request = GET("/hello") "\r\n"},
    {.name = "json", .count = MANY, .clients = 1, .request = GET("/json") "\r\n"},
    {.name = "parameter-of-200", .count = MANY, .clients = 1, .request = GET("/items/4711") "\r\n"},
    {.name = "point-read", .count = MANY, .clients = 1, .request = GET("/row/42") "\r\n"},
    {.name = "point-read-text", .count = MANY, .clients = 1, .request = GET("/text/42") "\r\n"}, /* db:json_one */
    {.name = "point-reads-of-16", .count = MANY, .clients = 16, .request = GET("/row/42") "\r\n"},
    {.name = "rows-20", .count = FEW, .clients = 1, .request = GET("/rows") "\r\n"},
    {.name = "rows-20-text",
     .count = FEW,
     .clients = 1,
     .request = GET("/rows.json") "\r\n"}, /* db:json: without tables of Lua */
    {.name = "page", .count = FEW, .clients = 1, .request = GET("/page") "\r\n"},
    {.name = "page-plain", .count = FEW, .clients = 1, .request = GET("/page-plain") "\r\n"}, /* no query */
    {.name = "form",
     .count = MANY,
     .clients = 1,
     .request =
         "POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
         "30\r\n\r\ntitle=Hello%21&text=World+text"},
    {.name = "session",
     .count = FEW,
     .clients = 1,
     .request = GET("/session") "\r\n"}, /* the cookie comes from the answer before */
    {.name = "in-process", .count = FEW, .clients = 1, .request = GET("/in-process") "\r\n"},
    {.name = "fetch", .count = FEW, .clients = 1, .request = GET("/fetch") "\r\n"},
    {.name = "h2-hello", .count = MANY, .clients = 1, .request = "", .streams = 1},
    {.name = "h2-hello-of-16", .count = MANY, .clients = 1, .request = "", .streams = 16},
};

enum { CLIENTS = 64 };

/* GET /hello as a header block: once with fields that the table keeps, then as references to them (RFC 7541 appendix A). */
static const char h2_start[] =
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0"
    "\0\0\4\10\0\0\0\0\0\x7f\0\0\0";
static const char h2_first[] = "\x82\x86\x44\6/hello\x41\11localhost\x53\3*/*\x7a\5bench";
static const char h2_next[] = "\x82\x86\xc1\xc0\xbf\xbe";

static uint32_t h2_stream;

static size_t add_h2_request(char *at, const char *block, size_t size) {
  const char head[9] = {0,
                        0,
                        (char)size,
                        1,
                        5,
                        (char)(h2_stream >> 24),
                        (char)(h2_stream >> 16),
                        (char)(h2_stream >> 8),
                        (char)h2_stream};
  memcpy(at, head, sizeof head);
  memcpy(at + sizeof head, block, size);
  h2_stream += 2;
  return sizeof head + size;
}

static test_program program;
static char request[4096];
static int streams; /* 0: HTTP/1.1 */
static test_client *clients[CLIENTS];

static rl_slice next_request(void) {
  size_t len = 0;
  if (!streams) return rl_slice_str(request);
  for (int i = 0; i < streams; i++) len += add_h2_request(request + len, h2_next, sizeof h2_next - 1);
  return rl_slice_of(request, len);
}

/* Turns of the loop until each of so many has its answer. */
static void ask(int count) {
  for (int i = 0; i < count; i++) {
    clients[i]->stream.out_len = 0;
    mem_stream_feed(&clients[i]->stream, next_request());
  }
  for (int i = 0, turns = 0; i < count; turns++) {
    if (turns == 1000000) exit(1);
    uv_run(&program.server.loop.uv, UV_RUN_NOWAIT);
    while (i < count && clients[i]->stream.out_len) i++;
  }
}

static void ask_all(int count, int each) {
  for (int i = 0; i < count; i += each) ask(each);
}

/* What callgrind counts. */
__attribute__((noinline)) void measured(int count, int each);
void measured(int count, int each) { ask_all(count, each); }

static void take_cookie(const test_client *client) {
  const char *found = memmem(client->stream.out, client->stream.out_len, "Set-Cookie: ", 12);
  if (!found) return;
  int len = (int)strcspn(found + 12, ";\r");
  snprintf(request + strlen(request) - 2, sizeof request - strlen(request), "Cookie: %.*s\r\n\r\n", len, found + 12);
}

static bool is_answered(const test_client *client) {
  if (streams) return client->stream.out_len > 9 && client->stream.out[9] == (char)0x88; /* :status 200 */
  return memcmp(client->stream.out, "HTTP/1.1 200 ", 13) == 0;
}

static void start_h2(test_client *client) {
  char first[128];
  mem_stream_feed(&client->stream, rl_slice_of(h2_start, sizeof h2_start - 1));
  h2_stream = 1;
  mem_stream_feed(&client->stream, rl_slice_of(first, add_h2_request(first, h2_first, sizeof h2_first - 1)));
  test_server_settle(&program.server);
}

static test_client *connect_client(const bench_case *c) {
  streams = c->streams;
  if (!streams) return test_client_connect(&program.server);
  test_client *client = test_client_connect_h2(&program.server);
  start_h2(client);
  return client;
}

static void run(const bench_case *c, int each) {
  int count = c->count / each * each;
  for (int i = 0; i < each; i++) clients[i] = connect_client(c);
  const test_client *client = clients[0];
  snprintf(request, sizeof request, "%s", c->request);
  ask(each);
  take_cookie(client);
  if (streams) count /= streams;
  ask_all(WARM, each);
  if (!is_answered(client)) {
    fprintf(stderr, "%s: %.*s\n", c->name, (int)client->stream.out_len, client->stream.out);
    exit(1);
  }
  lua_gc(program.entry.vm->L, LUA_GCCOLLECT);
  measured(count, each);
  for (int i = 0; i < each; i++) test_client_free(clients[i]);
  printf("%s %d\n", c->name, streams ? count * streams : count);
  fflush(stdout);
}

int main(int argc, char **argv) {
  is_main = true;
  if (argc == 2 && strcmp(argv[1], "--list") == 0) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) puts(cases[i].name);
    return 0;
  }
  int each = argc > 2 ? atoi(argv[2]) : 0; /* CASE CLIENTS, by hand */
  if (each < 0 || each > CLIENTS) return 1;
  if (test_program_start(&program, "bench/instructions/app.lua", "")) return 1;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (argc < 2 || strcmp(argv[1], cases[i].name) == 0) run(&cases[i], each ? each : cases[i].clients);
  _exit(0);
}
