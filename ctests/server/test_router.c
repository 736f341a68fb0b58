#include "server/router.h"

#include "base/alloc.h"
#include "base/error.h"
#include "support/test.h"

static rl_router *router;
static rl_match match;

static int setup(void **state) {
  (void)state;
  router = rl_router_new();
  return router ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  rl_router_del(router);
  return 0;
}

static int try_add(const char *method, const char *pattern, int id, rl_buf *why) {
  int taken = -1;
  int code = rl_router_add(router, rl_slice_str(method), rl_slice_str(pattern), id, &taken, why);
  return code == RL_EEXISTS ? 1000 + taken : code;
}

static void add(const char *method, const char *pattern, int id) {
  rl_buf why;
  rl_buf_init(&why, 1000);
  assert_int_equal(try_add(method, pattern, id, &why), 0);
  rl_buf_free(&why);
}

static int find(rl_method method, const char *path) {
  rl_router_match(router, method, rl_slice_str(path), &match);
  return match.route;
}
static int get(const char *path) { return find(RL_METHOD_GET, path); }

/* "id=7 name=x" of the last match. */
static void assert_params(const char *wanted) {
  char text[400] = "";
  for (unsigned i = 0; i < match.param_count; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s=%.*s", i ? " " : "", RL_FMT(match.params[i].name),
             RL_FMT(match.params[i].value));
  assert_string_equal(text, wanted);
}

TEST(literals_match_as_they_are) {
  UNUSED;
  add("GET", "/", 1);
  add("GET", "/posts", 2);
  add("GET", "/posts/", 3);
  add("GET", "/posts/new", 4);
  assert_int_equal(get("/"), 1);
  assert_int_equal(get("/posts"), 2);
  assert_int_equal(get("/posts/"), 3);
  assert_int_equal(get("/posts/new"), 4);
  static const char *const misses[] = {"",        "posts",       "//", "/Posts", "/post", "/posts/new/",
                                       "//posts", "/posts//new", "*"};
  for (size_t i = 0; i < sizeof misses / sizeof *misses; i++) {
    assert_int_equal(get(misses[i]), -1);
    assert_false(match.known_path);
  }
}

TEST(parameters_are_slices_of_the_path) {
  UNUSED;
  add("GET", "/posts/{id:int}/by/{name}", 1);
  const char *path = "/posts/-12/by/J%2Fo";
  assert_int_equal(get(path), 1);
  assert_params("id=-12 name=J%2Fo");
  assert_ptr_equal(match.params[0].value.data, path + 7);
  assert_int_equal(match.params[0].convert, RL_CONVERT_INT);
}

TEST(each_converter_takes_what_it_should) {
  UNUSED;
  static const struct {
    const char *pattern, *yes[4], *no[6];
  } rows[] = {
      {"/i/{v:int}",
       {"0", "-0", "9223372036854775807", "-9223372036854775808"},
       {"", "-", "+1", "1.0", "9223372036854775808", "-9223372036854775809"}},
      {"/f/{v:float}", {"0", "-1.5", "10.25", "7"}, {"", "-", ".5", "1.", "1e3", "1.2.3"}},
      {"/s/{v:slug}", {"a", "a-b_c9", "-", "A"}, {"", "a.b", "a b", "\xc3\xa9", "a%2Fb", "~"}},
      {"/u/{v:uuid}",
       {"123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"},
       {"", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g",
        "123e4567-e89b-12d3-a456-4266141740000", "x", "-"}},
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    char path[100];
    add("GET", rows[r].pattern, (int)r);
    for (size_t i = 0; i < 4 && rows[r].yes[i]; i++) {
      snprintf(path, sizeof path, "%.3s%s", rows[r].pattern, rows[r].yes[i]);
      if (get(path) != (int)r) fail_msg("%s", path);
    }
    for (size_t i = 0; i < 6; i++) {
      snprintf(path, sizeof path, "%.3s%s", rows[r].pattern, rows[r].no[i]);
      if (get(path) != -1) fail_msg("%s", path);
    }
  }
}

TEST(the_rest_of_a_path_with_its_slashes) {
  UNUSED;
  add("GET", "/files/{rest:path}", 1);
  assert_int_equal(get("/files/a/b//c.txt"), 1);
  assert_params("rest=a/b//c.txt");
  assert_int_equal(get("/files/"), -1);
  assert_int_equal(get("/files"), -1);
}

TEST(the_more_exact_one_wins_whatever_was_added_first) {
  UNUSED;
  add("GET", "/{rest:path}", 1);
  add("GET", "/{name}", 2);
  add("GET", "/{id:int}", 3);
  add("GET", "/7", 4);
  assert_int_equal(get("/7"), 4);
  assert_int_equal(get("/8"), 3);
  assert_int_equal(get("/x"), 2);
  assert_int_equal(get("/x/y"), 1);
}

TEST(a_branch_that_leads_nowhere_is_left_again) {
  UNUSED;
  add("GET", "/posts/new/preview", 1);
  add("GET", "/posts/{id}/edit", 2);
  add("GET", "/posts/{rest:path}", 3);
  assert_int_equal(get("/posts/new/edit"), 2);
  assert_params("id=new");
  assert_int_equal(get("/posts/new/other"), 3);
  assert_params("rest=new/other");
}

TEST(head_is_answered_by_get_and_other_methods_are_told) {
  UNUSED;
  char text[100];
  add("GET", "/a", 1);
  add("POST", "/a", 2);
  add("HEAD", "/b", 3);
  add("GET", "/b", 4);
  assert_int_equal(find(RL_METHOD_HEAD, "/a"), 1);
  assert_int_equal(find(RL_METHOD_HEAD, "/b"), 3);
  assert_int_equal(find(RL_METHOD_DELETE, "/a"), -1);
  assert_true(match.known_path);
  rl_allow_text(match.allow, text, sizeof text);
  for (const char *const *name = (const char *const[]){"GET", "HEAD", "POST", "OPTIONS", NULL}; *name; name++)
    assert_non_null(strstr(text, *name));
  assert_null(strstr(text, "DELETE"));
}

TEST(a_route_of_any_method_stands_behind_those_of_one) {
  UNUSED;
  add("*", "/a", 1);
  add("PUT", "/a", 2);
  assert_int_equal(find(RL_METHOD_PUT, "/a"), 2);
  assert_int_equal(find(RL_METHOD_DELETE, "/a"), 1);
  assert_int_equal(find(RL_METHOD_HEAD, "/a"), 1);
}

TEST(what_is_taken_or_malformed_is_refused_with_a_line) {
  UNUSED;
  static const struct {
    const char *method, *pattern;
    int code;
  } bad[] = {{"GET", "/a/{id}", 1005},        {"get", "/x", RL_ESYNTAX},          {"GET", "x", RL_ESYNTAX},
             {"GET", "/{", RL_ESYNTAX},       {"GET", "/{a:nope}", RL_ENOTFOUND}, {"GET", "/{a:path}/b", RL_ESYNTAX},
             {"GET", "/{a}/{a}", RL_ESYNTAX}, {"GET", "/x{a}", RL_ESYNTAX},       {"BREW", "/x", RL_ESYNTAX}};
  add("GET", "/a/{key}", 5);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    rl_buf why;
    rl_buf_init(&why, 1000);
    int code = try_add(bad[i].method, bad[i].pattern, 6, &why);
    if (code != bad[i].code || !why.len) fail_msg("%s %s: %d", bad[i].method, bad[i].pattern, code);
    rl_buf_free(&why);
  }
  assert_int_equal(get("/a/x"), 5);
}

static bool is_even(void *ud, int convert, rl_slice segment) {
  assert_ptr_equal(ud, &match);
  assert_int_equal(convert, RL_CONVERT_CUSTOM);
  return (segment.data[segment.len - 1] - '0') % 2 == 0;
}

TEST(a_converter_of_the_programs_own) {
  UNUSED;
  assert_int_equal(rl_router_converter(router, RL_SLICE("even"), is_even, &match), 0);
  assert_int_equal(rl_router_converter(router, RL_SLICE("even"), is_even, NULL), RL_EEXISTS);
  assert_int_equal(rl_router_converter(router, RL_SLICE("int"), is_even, NULL), RL_EEXISTS);
  add("GET", "/{n:even}", 1);
  add("GET", "/{any}", 2);
  assert_int_equal(get("/12"), 1);
  assert_int_equal(get("/13"), 2);
}

TEST(a_miss_belongs_to_the_innermost_scope) {
  UNUSED;
  rl_router_scope(router, RL_SLICE("/admin"), 1);
  rl_router_scope(router, RL_SLICE("/admin/api"), 2);
  static const struct {
    const char *path;
    int scope;
  } rows[] = {{"/", 0}, {"/admin", 1}, {"/administrator", 0}, {"/admin/x", 1}, {"/admin/api", 2}, {"/admin/api/x", 2}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(get(rows[i].path), -1);
    assert_int_equal(match.scope, rows[i].scope);
  }
}

TEST(ten_thousand_routes_are_told_apart) {
  UNUSED;
  enum { ROUTES = 10000 };
  char path[100];
  for (int i = 0; i < ROUTES; i++) {
    snprintf(path, sizeof path, i % 2 ? "/api/v%d/item%d/{id:int}/x" : "/api/v%d/item%d", i % 7, i);
    add(i % 3 ? "GET" : "POST", path, i);
  }
  for (int i = 0; i < ROUTES; i++) {
    snprintf(path, sizeof path, i % 2 ? "/api/v%d/item%d/%d/x" : "/api/v%d/item%d", i % 7, i, i);
    assert_int_equal(find(i % 3 ? RL_METHOD_GET : RL_METHOD_POST, path), i);
    assert_int_equal(find(i % 3 ? RL_METHOD_POST : RL_METHOD_GET, path), -1);
    assert_true(match.known_path);
    assert_int_equal(match.param_count, 0);
  }
  assert_int_equal(get("/api/v0/item1"), -1);
}

/* Each level offers two ways, of which only the last segment says that both are wrong. */
TEST(a_path_that_makes_it_turn_back_often_ends_soon) {
  UNUSED;
  char pattern[400], path[4000];
  for (int set = 0; set < 64; set++) {
    size_t len = 0;
    for (int level = 0; level < 12; level++)
      len += (size_t)snprintf(pattern + len, sizeof pattern - len, set >> (level % 6) & 1 ? "/a" : "/{p%d}", level);
    snprintf(pattern + len, sizeof pattern - len, "/end");
    add("GET", pattern, set);
  }
  size_t len = 0;
  for (int level = 0; level < 12; level++) len += (size_t)snprintf(path + len, sizeof path - len, "/a");
  snprintf(path + len, sizeof path - len, "/no");
  for (int i = 0; i < 1000; i++) assert_int_equal(get(path), -1);
}

TEST(memory_that_is_short_is_an_error_and_leaves_the_router_whole) {
  UNUSED;
  add("GET", "/a", 1);
  bool done = false;
  for (long nth = 1; !done && nth < 50; nth++) {
    rl_buf why;
    rl_buf_init(&why, 1000);
    rl_alloc_fail_at(nth, true);
    int code = try_add("GET", "/a/{b}/c", 2, &why);
    rl_alloc_fail_at(0, false);
    assert_true(code == 0 || code == RL_ENOMEM);
    assert_int_equal(get("/a"), 1);
    assert_int_equal(get("/a/x/c"), code == 0 ? 2 : -1);
    done = code == 0;
    rl_buf_free(&why);
  }
  assert_true(done);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(literals_match_as_they_are),
      CASE(parameters_are_slices_of_the_path),
      CASE(each_converter_takes_what_it_should),
      CASE(the_rest_of_a_path_with_its_slashes),
      CASE(the_more_exact_one_wins_whatever_was_added_first),
      CASE(a_branch_that_leads_nowhere_is_left_again),
      CASE(head_is_answered_by_get_and_other_methods_are_told),
      CASE(a_route_of_any_method_stands_behind_those_of_one),
      CASE(what_is_taken_or_malformed_is_refused_with_a_line),
      CASE(a_converter_of_the_programs_own),
      CASE(a_miss_belongs_to_the_innermost_scope),
      CASE(ten_thousand_routes_are_told_apart),
      CASE(a_path_that_makes_it_turn_back_often_ends_soon),
      CASE(memory_that_is_short_is_an_error_and_leaves_the_router_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
