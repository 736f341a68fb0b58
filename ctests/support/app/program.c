/* A program in Lua in the test's own process; see program.h. */
#include "support/app/program.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "bind/open.h"

static void on_ready(rl_main *main, rl_handler *handler) { RL_CONTAINER(main, test_program, entry)->app = handler; }

static void on_end(rl_main *main, int status) {
  test_program *program = RL_CONTAINER(main, test_program, entry);
  program->ended = true;
  program->status = status;
}

static void forward(rl_handler *handler, rl_req *req) {
  test_program *program = RL_CONTAINER(handler, test_program, server.dispatch.handler);
  program->app->handle(program->app, req);
}

int test_program_start(test_program *program, const char *file, const char *root) {
  char path[512], folder[512], *args[] = {path};
  rl_vm_options options = {.mode = RL_MODE_SERVE, .root = folder, .worker = 1, .workers = 1};
  snprintf(path, sizeof path, "%s/%s", RILLE_SOURCE_DIR, file);
  snprintf(folder, sizeof folder, "%s%s%s", RILLE_SOURCE_DIR, *root ? "/" : "", root);
  rl_log_setup(RL_LOG_OFF, RL_LOG_ERROR);
  test_server_init(&program->server);
  program->entry = (rl_main){.vm = rl_vm_open(&program->server.loop, &options), .on_ready = on_ready, .on_end = on_end};
  if (!program->entry.vm || rl_main_start(&program->entry, "serve", 1, args)) return -1;
  for (int i = 0; i < 1000 && !program->app && !program->ended; i++) test_server_settle(&program->server);
  program->server.dispatch.handler.handle = forward;
  return program->app ? 0 : -1;
}

int test_program_stop(test_program *program) {
  rl_main_stop(&program->entry);
  for (int i = 0; i < 100 && !program->ended; i++) test_server_pause(&program->server, 1000);
  rl_vm_close(program->entry.vm);
  test_server_free(&program->server);
  return program->ended && program->status == 0 ? 0 : -1;
}
