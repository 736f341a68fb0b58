/* Libraries that are loaded late: once, by whichever thread is first, and with a clear word where one is missing. */
#include "base/shared_object.h"

#include <pthread.h>
#include <sys/resource.h>
#include <zlib.h>

#include "base/error.h"
#include "support/test.h"

#define SOME(X)  \
  X(zlibVersion) \
  X(crc32)

typedef struct functions {
#define X(name) __typeof__(name) *name;
  SOME(X)
#undef X
} functions;

#define X(name) #name,
static const char *const names[] = {SOME(X)};
#undef X

static int prepared;
static const char *why;
static bool prepare(void) { return ++prepared > 0; }
static bool prepare_badly(void) { return ++prepared < 0; }

static rl_shared_object object_of(const char *file, functions *table) {
  prepared = 0;
  return (rl_shared_object){.file = file,
                            .title = "zlib",
                            .package = "zlib1g",
                            .names = names,
                            .count = 2,
                            .table = table,
                            .prepare = prepare};
}

TEST(the_table_is_filled_once) {
  UNUSED;
  functions z = {0};
  rl_shared_object object = object_of("libz.so.1", &z);
  assert_int_equal(rl_shared_object_load(&object, &why), 0);
  assert_string_equal(z.zlibVersion(), zlibVersion());
  assert_int_equal(z.crc32(0, (const Bytef *)"rille", 5), crc32(0, (const Bytef *)"rille", 5));
  assert_int_equal(rl_shared_object_load(&object, &why), 0);
  assert_int_equal(prepared, 1);
}

TEST(a_missing_library_is_named_with_its_package) {
  UNUSED;
  functions z = {0};
  rl_shared_object object = object_of("libz.so.999", &z);
  assert_int_equal(rl_shared_object_load(&object, &why), RL_EIO);
  assert_null(z.crc32);
  assert_int_equal(prepared, 0);
  if (!strstr(why, "zlib cannot be loaded (libz.so.999: cannot open") ||
      !strstr(why, "; Debian: apt-get install zlib1g"))
    fail_msg("%s", why);
}

TEST(one_that_is_installed_later_is_found) {
  UNUSED;
  functions z = {0};
  rl_shared_object object = object_of("libz.so.999", &z);
  assert_int_equal(rl_shared_object_load(&object, &why), RL_EIO);
  object.file = "libz.so.1";
  assert_int_equal(rl_shared_object_load(&object, &why), 0);
  assert_non_null(z.crc32);
}

TEST(another_version_says_what_it_lacks) {
  UNUSED;
  functions z = {0};
  static const char *const wrong[] = {"crc32", "crc32_of_a_later_version"};
  rl_shared_object object = object_of("libz.so.1", &z);
  object.names = wrong;
  assert_int_equal(rl_shared_object_load(&object, &why), RL_EIO);
  assert_non_null(strstr(why, "it lacks (crc32_of_a_later_version); Debian: apt-get install zlib1g"));
  assert_int_equal(prepared, 0);
}

TEST(one_that_does_not_work_is_not_loaded) {
  UNUSED;
  functions z = {0};
  rl_shared_object object = object_of("libz.so.1", &z);
  object.prepare = prepare_badly;
  assert_int_equal(rl_shared_object_load(&object, &why), RL_EIO);
  assert_non_null(strstr(why, "zlib does not work"));
  assert_int_equal(rl_shared_object_load(&object, &why), RL_EIO);
  assert_int_equal(prepared, 2);
}

TEST(no_descriptor_is_no_missing_library) {
  UNUSED;
  functions z = {0};
  struct rlimit limit, none;
  rl_shared_object object = object_of("libz.so.999", &z);
  getrlimit(RLIMIT_NOFILE, &limit);
  none = (struct rlimit){0, limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  int code = rl_shared_object_load(&object, &why);
  setrlimit(RLIMIT_NOFILE, &limit);
  assert_int_equal(code, RL_ENOFILES);
  assert_int_equal(rl_shared_object_load(&object, &why), RL_EIO);
  assert_non_null(strstr(why, "No such file"));
}

enum { THREADS = 8 };

typedef struct race {
  rl_shared_object *object;
  functions *table;
  pthread_barrier_t barrier;
  int right;
} race;

static void *load(void *arg) {
  race *r = arg;
  pthread_barrier_wait(&r->barrier);
  const char *ignored;
  bool right = rl_shared_object_load(r->object, &ignored) == RL_OK && r->table->zlibVersion() && r->table->crc32;
  __atomic_fetch_add(&r->right, right, __ATOMIC_RELAXED);
  return NULL;
}

TEST(threads_at_once_load_it_once) {
  UNUSED;
  functions z = {0};
  rl_shared_object object = object_of("libz.so.1", &z);
  race r = {.object = &object, .table = &z};
  pthread_t threads[THREADS];
  pthread_barrier_init(&r.barrier, NULL, THREADS);
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, load, &r);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&r.barrier);
  assert_int_equal(r.right, THREADS);
  assert_int_equal(prepared, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(the_table_is_filled_once),
      RUN(a_missing_library_is_named_with_its_package),
      RUN(one_that_is_installed_later_is_found),
      RUN(another_version_says_what_it_lacks),
      RUN(one_that_does_not_work_is_not_loaded),
      RUN(no_descriptor_is_no_missing_library),
      RUN(threads_at_once_load_it_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
