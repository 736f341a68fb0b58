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
} bench_case;

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nUser-Agent: bench\r\n"
static const bench_case cases[] = {
    {"hello", MANY, 1, GET("/hello") "\r\n"},
    {"json", MANY, 1, GET("/json") "\r\n"},
    {"parameter-of-200", MANY, 1, GET("/items/4711") "\r\n"},
    {"point-read", MANY, 1, GET("/row/42") "\r\n"},
    {"point-read-text", MANY, 1, GET("/text/42") "\r\n"}, /* db:json_one: without tables of Lua */
    {"point-reads-of-16", MANY, 16, GET("/row/42") "\r\n"},
    {"rows-20", FEW, 1, GET("/rows") "\r\n"},
    {"rows-20-text", FEW, 1, GET("/rows.json") "\r\n"}, /* db:json: without tables of Lua */
    {"page", FEW, 1, GET("/page") "\r\n"},
    {"form", MANY, 1,
     "POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
     "30\r\n\r\ntitle=Hello%21&text=World+text"},
    {"session", FEW, 1, GET("/session") "\r\n"}, /* the cookie comes from the answer before */
    {"in-process", FEW, 1, GET("/in-process") "\r\n"},
    {"fetch", FEW, 1, GET("/fetch") "\r\n"},
};

enum { CLIENTS = 64 };

static test_program program;
static char request[4096];
static test_client *clients[CLIENTS];

/* Turns of the loop until each of so many has its answer. */
static void ask(int count) {
  for (int i = 0; i < count; i++) {
    clients[i]->stream.out_len = 0;
    mem_stream_feed(&clients[i]->stream, rl_slice_str(request));
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

static void run(const bench_case *c, int each) {
  int count = c->count / each * each;
  for (int i = 0; i < each; i++) clients[i] = test_client_connect(&program.server);
  const test_client *client = clients[0];
  snprintf(request, sizeof request, "%s", c->request);
  ask(each);
  take_cookie(client);
  ask_all(WARM, each);
  if (memcmp(client->stream.out, "HTTP/1.1 200 ", 13) != 0) {
    fprintf(stderr, "%s: %.*s\n", c->name, (int)client->stream.out_len, client->stream.out);
    exit(1);
  }
  lua_gc(program.entry.vm->L, LUA_GCCOLLECT);
  measured(count, each);
  for (int i = 0; i < each; i++) test_client_free(clients[i]);
  printf("%s %d\n", c->name, count);
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
