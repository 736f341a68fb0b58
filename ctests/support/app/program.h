/*
 * A program in Lua, served in the test's own process: loaded as `rille serve FILE` would load it, its requests come over streams of
 * memory, and its clock stands still.
 */
#ifndef RILLE_TEST_PROGRAM_H
#define RILLE_TEST_PROGRAM_H

#include "app/main.h"
#include "support/server.h"

typedef struct test_program {
  test_server server;
  rl_main entry;
  rl_handler *app; /* NULL until it is ready */
  bool ended;
  int status;
} test_program;

/* Starts FILE. Both paths are below the source folder; `root` may be "". Returns 0, or -1 if it did not load. */
int test_program_start(test_program *program, const char *file, const char *root);
/* Stops it as a signal does, and frees it. Returns 0, or -1 if it did not end with status 0. */
int test_program_stop(test_program *program);

#endif
