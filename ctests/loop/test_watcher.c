/* Watches directories: changes that are told, those that are not, and new directories. */
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

/* ---- links ---------------------------------------------------------------------------------------------------------------- */

/* Runs a shell command in a folder beside the root, with the root as $R, before the watcher sees any of it or meanwhile. */
static void shell(fixture *f, const char *commands) {
  char line[1000];
  snprintf(line, sizeof line, "mkdir -p %s-out && cd %s-out && R=%s && %s", f->root, f->root, f->root, commands);
  assert_int_equal(system(line), 0);
}

/* Waits until the path has been told, among any others. */
static void expect_told(fixture *f, const char *path) {
  char all[4096] = "", line[300];
  snprintf(line, sizeof line, "%s\n", path);
  for (int i = 0; i < 20; i++) {
    run(f, 300);
    strcat(all, f->told);
    if (strstr(all, line)) {
      for (run(f, 30); f->calls; run(f, 30)) { /* and its consequences */
      }
      return;
    }
  }
  fail_msg("%s was not told, but: %s", path, all);
}

/* The links are there before the watcher is. */
static void watch_again(fixture *f) {
  rl_watcher_close(&f->watcher);
  rl_loop_settle(&f->loop);
  uv_run(&f->loop.uv, UV_RUN_NOWAIT);
  assert_int_equal(rl_watcher_init(&f->watcher, &f->loop), 0);
  f->watcher.on_change = on_change;
  f->watcher.owner = f;
  assert_int_equal(rl_watcher_add(&f->watcher, f->root), 0);
}

static int teardown_links(void **state) {
  shell(*state, "rm -r $PWD");
  return teardown(state);
}

static void test_what_a_link_leads_to_is_watched_by_the_links_name(void **state) {
  fixture *f = *state;
  shell(f,
        "echo 1 > o.lua && mkdir -p lib/deep && echo 1 > lib/deep/x.lua && ln -s $PWD/o.lua $R/app/o.lua && "
        "ln -s ../../${R##*/}-out/lib $R/app/lib");
  watch_again(f);
  shell(f, "echo 2 > o.lua");
  expect_told(f, "/app/o.lua");
  shell(f, "echo 3 > $R/app/o.lua");
  expect_told(f, "/app/o.lua");
  shell(f, "echo 4 > o.lua~ && mv o.lua~ o.lua"); /* as editors save */
  expect_told(f, "/app/o.lua");
  shell(f, "echo 2 > lib/deep/x.lua");
  expect_told(f, "/app/lib/deep/x.lua");
  shell(f, "mkdir lib/new && echo 1 > lib/new/y.lua");
  expect_told(f, "/app/lib/new/y.lua");
  shell(f, "echo 1 > other.lua");
  run(f, 60);
  assert_int_equal(f->calls, 0);
}

static void test_links_that_are_made_later_are_followed(void **state) {
  fixture *f = *state;
  shell(f, "echo 1 > o.lua && mkdir lib && echo 1 > lib/x.lua");
  shell(f, "ln -s $PWD/o.lua $R/app/o.lua");
  expect_told(f, "/app/o.lua");
  shell(f, "ln -s $PWD/lib $R/app/lib");
  expect_told(f, "/app/lib/x.lua");
  shell(f, "echo 2 > o.lua");
  expect_told(f, "/app/o.lua");
  shell(f, "echo 2 > lib/x.lua");
  expect_told(f, "/app/lib/x.lua");
}

static void test_a_link_that_leads_elsewhere_is_a_change(void **state) {
  fixture *f = *state;
  shell(f,
        "mkdir v1 v2 && echo 1 > v1/o.lua && echo 2 > v2/o.lua && ln -s v1 current && ln -s $PWD/current/o.lua "
        "$R/app/o.lua && "
        "ln -s $PWD/current $R/app/all");
  watch_again(f);
  shell(f, "ln -sfn v2 current"); /* a link on the way */
  expect_told(f, "/app/o.lua");
  shell(f, "echo 3 > v2/o.lua");
  expect_told(f, "/app/all/o.lua");
  shell(f, "echo 4 > v1/o.lua");
  run(f, 60);
  assert_int_equal(f->calls, 0);
  shell(f, "ln -sfn $PWD/v1/o.lua $R/app/o.lua"); /* the link itself */
  expect_told(f, "/app/o.lua");
  shell(f, "echo 5 > v1/o.lua");
  expect_told(f, "/app/o.lua");
  shell(f, "rm current && ln -s v1 current");
  expect_told(f, "/app/all/");
  shell(f, "echo 6 > v1/o.lua");
  expect_told(f, "/app/all/o.lua");
}

static void test_a_link_that_leads_nowhere_waits_for_what_it_names(void **state) {
  fixture *f = *state;
  shell(f, "ln -s $PWD/o.lua $R/app/o.lua && ln -s $PWD/lib $R/app/lib");
  watch_again(f);
  shell(f, "echo 1 > o.lua");
  expect_told(f, "/app/o.lua");
  shell(f, "mkdir lib");
  expect_told(f, "/app/lib/");
  shell(f, "echo 1 > lib/x.lua");
  expect_told(f, "/app/lib/x.lua");
  shell(f, "rm -r lib");
  expect_told(f, "/app/lib/");
  shell(f, "mkdir lib");
  expect_told(f, "/app/lib/");
  shell(f, "echo 1 > lib/y.lua");
  expect_told(f, "/app/lib/y.lua");
}

static void test_links_in_a_circle_end(void **state) {
  fixture *f = *state;
  shell(f,
        "mkdir a b && ln -s $PWD/b a/b && ln -s $PWD/a b/a && ln -s $PWD/a $R/app/a && ln -s .. $R/app/up && ln -s / "
        "$R/app/all && "
        "ln -s $R $R/app/root && ln -s self $R/app/self && ln -s $R/app $R/again && ln -s two $R/app/one && ln -s one "
        "$R/app/two");
  watch_again(f);
  assert_in_range(f->watcher.count, 2, 10);
  shell(f, "echo 1 > b/x.lua");
  expect_told(f, "/app/a/b/x.lua");
  shell(f, "echo 1 > $R/app/a.lua");
  expect_told(f, "/app/a.lua");
}

static void test_a_removed_link_is_forgotten(void **state) {
  fixture *f = *state;
  shell(f,
        "mkdir lib && echo 1 > lib/x.lua && echo 1 > o.lua && ln -s $PWD/lib $R/app/lib && ln -s $PWD/o.lua "
        "$R/app/o.lua && "
        "ln -s ../app $R/node_modules/app");
  watch_again(f);
  unsigned count = f->watcher.count;
  shell(f, "rm $R/app/lib $R/app/o.lua");
  expect_told(f, "/app/lib");
  assert_int_equal(f->watcher.count, count - 1);
  assert_int_equal(f->watcher.hop_count, 0);
  shell(f, "echo 2 > lib/x.lua && echo 2 > o.lua");
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
      cmocka_unit_test_setup_teardown(test_what_a_link_leads_to_is_watched_by_the_links_name, setup, teardown_links),
      cmocka_unit_test_setup_teardown(test_links_that_are_made_later_are_followed, setup, teardown_links),
      cmocka_unit_test_setup_teardown(test_a_link_that_leads_elsewhere_is_a_change, setup, teardown_links),
      cmocka_unit_test_setup_teardown(test_a_link_that_leads_nowhere_waits_for_what_it_names, setup, teardown_links),
      cmocka_unit_test_setup_teardown(test_links_in_a_circle_end, setup, teardown_links),
      cmocka_unit_test_setup_teardown(test_a_removed_link_is_forgotten, setup, teardown_links),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
