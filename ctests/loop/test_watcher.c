/* Watching directories: what is told, what is not, and new directories. */
#include "loop/watcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/test.h"

typedef struct fixture {
  rl_loop loop;
  rl_watcher watcher;
  rl_timer limit;
  char root[64];
  char told[4096]; /* the paths below root, one a line */
  unsigned calls;
} fixture;

static void on_change(rl_watcher *watcher, char *const *paths, unsigned count) {
  fixture *f = watcher->owner;
  f->calls++;
  for (unsigned i = 0; i < count; i++) {
    strcat(f->told, paths[i] + strlen(f->root));
    strcat(f->told, "\n");
  }
  rl_loop_stop(&f->loop);
}

static void on_limit(rl_timer *timer) { rl_loop_stop(&RL_CONTAINER(timer, fixture, limit)->loop); }

static void run(fixture *f, uint64_t most_ms) {
  f->told[0] = 0;
  f->calls = 0;
  rl_timer_start(&f->loop, &f->limit, most_ms, on_limit);
  rl_loop_run(&f->loop);
  rl_timer_stop(&f->loop, &f->limit);
}

static void write_file(fixture *f, const char *name, const char *text) {
  char path[256];
  snprintf(path, sizeof path, "%s%s", f->root, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static void make_directory(fixture *f, const char *name) {
  char path[256];
  snprintf(path, sizeof path, "%s%s", f->root, name);
  assert_int_equal(mkdir(path, 0755), 0);
}

static int setup(void **state) {
  fixture *f = calloc(1, sizeof *f);
  strcpy(f->root, "/tmp/rille-watch-XXXXXX");
  assert_non_null(mkdtemp(f->root));
  make_directory(f, "/app");
  make_directory(f, "/node_modules");
  write_file(f, "/app/a.lua", "1");
  assert_int_equal(rl_loop_init(&f->loop), 0);
  assert_int_equal(rl_watcher_init(&f->watcher, &f->loop), 0);
  f->watcher.on_change = on_change;
  f->watcher.owner = f;
  assert_int_equal(rl_watcher_add(&f->watcher, f->root), 0);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture *f = *state;
  char command[128];
  rl_watcher_close(&f->watcher);
  assert_int_equal(rl_loop_free(&f->loop), 0);
  snprintf(command, sizeof command, "rm -r %s", f->root);
  int status = system(command);
  free(f);
  return status;
}

static void test_a_save_is_told_once_and_below_too(void **state) {
  fixture *f = *state;
  write_file(f, "/app/a.lua", "2");
  write_file(f, "/app/a.lua", "3");
  write_file(f, "/.env", "A=1");
  run(f, 2000);
  assert_string_equal(f->told, "/app/a.lua\n/.env\n");
  assert_int_equal(f->calls, 1);
}

static void test_a_rename_onto_it_and_a_removal_are_changes(void **state) {
  fixture *f = *state;
  char from[256], to[256];
  write_file(f, "/app/a.lua~", "2");
  run(f, 2000);
  snprintf(from, sizeof from, "%s/app/a.lua~", f->root);
  snprintf(to, sizeof to, "%s/app/a.lua", f->root);
  assert_int_equal(rename(from, to), 0);
  run(f, 2000);
  assert_string_equal(f->told, "/app/a.lua~\n/app/a.lua\n");
  unlink(to);
  run(f, 2000);
  assert_string_equal(f->told, "/app/a.lua\n");
}

static void test_new_directories_are_watched_with_what_is_in_them(void **state) {
  fixture *f = *state;
  make_directory(f, "/app/routes");
  write_file(f, "/app/routes/b.lua", "1");
  run(f, 2000);
  assert_string_equal(f->told, "/app/routes/b.lua\n");
  write_file(f, "/app/routes/b.lua", "2");
  run(f, 2000);
  assert_string_equal(f->told, "/app/routes/b.lua\n");
}

static void test_a_renamed_directory_is_watched_by_its_new_name(void **state) {
  fixture *f = *state;
  char from[256], to[256];
  snprintf(from, sizeof from, "%s/app", f->root);
  snprintf(to, sizeof to, "%s/site", f->root);
  assert_int_equal(rename(from, to), 0);
  run(f, 2000);
  write_file(f, "/site/a.lua", "2");
  run(f, 2000);
  assert_string_equal(f->told, "/site/a.lua\n");
}

static void test_skipped_directories_are_not_watched(void **state) {
  fixture *f = *state;
  make_directory(f, "/.git");
  write_file(f, "/.git/index", "1");
  write_file(f, "/node_modules/x.js", "1");
  run(f, 60);
  assert_int_equal(f->calls, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_save_is_told_once_and_below_too, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_rename_onto_it_and_a_removal_are_changes, setup, teardown),
      cmocka_unit_test_setup_teardown(test_new_directories_are_watched_with_what_is_in_them, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_renamed_directory_is_watched_by_its_new_name, setup, teardown),
      cmocka_unit_test_setup_teardown(test_skipped_directories_are_not_watched, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
