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
  const char *request;
} bench_case;

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nUser-Agent: bench\r\n"
static const bench_case cases[] = {
    {"hello", MANY, GET("/hello") "\r\n"},
    {"json", MANY, GET("/json") "\r\n"},
    {"parameter-of-200", MANY, GET("/items/4711") "\r\n"},
    {"point-read", MANY, GET("/row/42") "\r\n"},
    {"rows-20", FEW, GET("/rows") "\r\n"},
    {"rows-20-text", FEW, GET("/rows.json") "\r\n"}, /* db:json: without tables of Lua */
    {"page", FEW, GET("/page") "\r\n"},
    {"form", MANY,
     "POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
     "30\r\n\r\ntitle=Hello%21&text=World+text"},
    {"session", FEW, GET("/session") "\r\n"}, /* the cookie comes from the answer before */
    {"in-process", FEW, GET("/in-process") "\r\n"},
    {"fetch", FEW, GET("/fetch") "\r\n"},
};

static test_program program;
static char request[4096];

/* Turns of the loop until the answer is there. */
static void ask(test_client *client) {
  size_t before = client->stream.out_len;
  mem_stream_feed(&client->stream, rl_slice_str(request));
  for (int turns = 0; client->stream.out_len == before; turns++) {
    if (turns == 1000000) exit(1);
    uv_run(&program.server.loop.uv, UV_RUN_NOWAIT);
  }
}

/* What callgrind counts. */
__attribute__((noinline)) void measured(test_client *client, int count);
void measured(test_client *client, int count) {
  for (int i = 0; i < count; i++) {
    client->stream.out_len = 0;
    ask(client);
  }
}

static void take_cookie(const test_client *client) {
  const char *found = memmem(client->stream.out, client->stream.out_len, "Set-Cookie: ", 12);
  if (!found) return;
  int len = (int)strcspn(found + 12, ";\r");
  snprintf(request + strlen(request) - 2, sizeof request - strlen(request), "Cookie: %.*s\r\n\r\n", len, found + 12);
}

static void run(const bench_case *c) {
  test_client *client = test_client_connect(&program.server);
  snprintf(request, sizeof request, "%s", c->request);
  ask(client);
  take_cookie(client);
  for (int i = 0; i < WARM; i++) {
    client->stream.out_len = 0;
    ask(client);
  }
  if (memcmp(client->stream.out, "HTTP/1.1 200 ", 13) != 0) {
    fprintf(stderr, "%s: %.*s\n", c->name, (int)client->stream.out_len, client->stream.out);
    exit(1);
  }
  lua_gc(program.entry.vm->L, LUA_GCCOLLECT);
  measured(client, c->count);
  test_client_free(client);
  printf("%s %d\n", c->name, c->count);
  fflush(stdout);
}

int main(int argc, char **argv) {
  is_main = true;
  if (argc == 2 && strcmp(argv[1], "--list") == 0) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) puts(cases[i].name);
    return 0;
  }
  if (test_program_start(&program, "bench/instructions/app.lua", "")) return 1;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (argc < 2 || strcmp(argv[1], cases[i].name) == 0) run(&cases[i]);
  _exit(0);
}
