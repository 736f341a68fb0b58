#include "server/pattern.h"

#include "base/alloc.h"
#include "base/error.h"
#include "support/test.h"

/* "posts {id:int}": literals as they are, parameters in braces with their converter. */
static void assert_parsed(const char *source, const char *wanted) {
  rl_pattern pattern;
  rl_buf why, text;
  rl_buf_init(&why, 1000);
  rl_buf_init(&text, 1000);
  assert_int_equal(rl_pattern_parse(&pattern, rl_slice_str(source), &why), 0);
  for (size_t i = 0; i < pattern.count; i++) {
    const rl_pattern_part *part = &pattern.parts[i];
    if (i) rl_buf_add_char(&text, ' ');
    if (part->param) rl_buf_addf(&text, "{%.*s:%.*s}", RL_FMT(part->text), RL_FMT(part->converter));
    else rl_buf_addf(&text, "%.*s", RL_FMT(part->text));
  }
  assert_slice(rl_buf_slice(&text), wanted);
  rl_pattern_free(&pattern);
  rl_buf_free(&why);
  rl_buf_free(&text);
}

TEST(a_pattern_is_cut_into_segments) {
  UNUSED;
  assert_parsed("/", "");
  assert_parsed("/posts", "posts");
  assert_parsed("/posts/", "posts ");
  assert_parsed("/posts/{id:int}/edit", "posts {id:int} edit");
  assert_parsed("/{name}", "{name:str}");
  assert_parsed("/files/{rest:path}", "files {rest:path}");
  assert_parsed("/{a_1:own}", "{a_1:own}");
}

TEST(what_is_no_pattern_is_refused_with_a_line) {
  UNUSED;
  static const char *const bad[] = {"",      "posts", "/{",      "/}",       "/{}",    "/{a",   "/a}",
                                    "/{a}b", "/b{a}", "/{:int}", "/{a}/{a}", "/{a b}", "/{{a}}"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    rl_pattern pattern;
    rl_buf why;
    rl_buf_init(&why, 1000);
    int code = rl_pattern_parse(&pattern, rl_slice_str(bad[i]), &why);
    if (code != RL_ESYNTAX || !why.len) fail_msg("'%s': %d", bad[i], code);
    rl_pattern_free(&pattern);
    rl_buf_free(&why);
  }
}

/* Patterns of Express, Flask and others are told how it is written here; it would be taken to the letter, and never match. */
TEST(the_patterns_of_others_are_refused_with_ours) {
  UNUSED;
  static const struct {
    const char *theirs, *ours;
  } cases[] = {{"/a/:id", "{id}"},
               {"/a/:id/b", "{id}"},
               {"/:id?", "{id}"},
               {"/:id(\\d+)", "{id}"},
               {"/<id>", "{id}"},
               {"/<int:id>", "{id:int}"},
               {"/<string:s>", "{s:str}"},
               {"/<path:rest>", "{rest:path}"},
               {"/<own:x>", "{x:own}"},
               {"/a/*", "{rest:path}"},
               {"/a/**", "{rest:path}"},
               {"/a/*files", "{files:path}"},
               {"/(\\d+)", "app:converter"},
               {"/([a-z]+)", "app:converter"},
               {"/%d+", "app:converter"},
               {"/[a-z]+", "app:converter"},
               {"/a/[id]/b", "{id}"},
               {"/[...rest]", "{rest:path}"},
               {"/{id?}", "two routes"},
               {"/a?b=1", "req.query"},
               {"/{name}.json", "pattern = \".+%.json\""},
               {"/v{n}-x", "pattern = \"v.+%-x\""},
               {"posts", "'/posts'"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rl_pattern pattern;
    rl_buf why;
    rl_buf_init(&why, 1000);
    int code = rl_pattern_parse(&pattern, rl_slice_str(cases[i].theirs), &why);
    rl_buf_add_char(&why, 0);
    if (code != RL_ESYNTAX || !strstr(why.data, cases[i].ours))
      fail_msg("'%s': %d %s", cases[i].theirs, code, why.data);
    rl_pattern_free(&pattern);
    rl_buf_free(&why);
  }
}

TEST(what_only_looks_like_one_is_a_literal) {
  UNUSED;
  assert_parsed("/v1/users:batch", "v1 users:batch");
  assert_parsed("/wiki/Lua_(language)", "wiki Lua_(language)");
  assert_parsed("/a<b/:/:1/(x)/<", "a<b : :1 (x) <");
  assert_parsed("/a*b", "a*b");
}

TEST(memory_that_is_short_is_an_error) {
  UNUSED;
  for (long nth = 1; nth <= 2; nth++) {
    rl_pattern pattern;
    rl_buf why;
    rl_buf_init(&why, 1000);
    rl_alloc_fail_at(nth, true);
    int code = rl_pattern_parse(&pattern, RL_SLICE("/a/{b}"), &why);
    rl_alloc_fail_at(0, false);
    assert_int_equal(code, RL_ENOMEM);
    rl_pattern_free(&pattern);
    rl_buf_free(&why);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(a_pattern_is_cut_into_segments),
                                     RUN(what_is_no_pattern_is_refused_with_a_line),
                                     RUN(the_patterns_of_others_are_refused_with_ours),
                                     RUN(what_only_looks_like_one_is_a_literal), RUN(memory_that_is_short_is_an_error)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
