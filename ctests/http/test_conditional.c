#include "http/conditional.h"

#include "support/test.h"

#define NOV_6 "Sun, 06 Nov 1994 08:49:37 GMT"
#define NOV_7 "Mon, 07 Nov 1994 08:49:37 GMT"
enum { MODIFIED = 784111777 }; /* NOV_6 */

static rl_header fields[4];
static rl_req req = {.headers = fields};

/* A request with these fields: name, value, …, NULL. */
static const rl_req *with(rl_method method, ...) {
  va_list args;
  va_start(args, method);
  req.method = method;
  req.header_count = 0;
  for (const char *name; (name = va_arg(args, const char *));) {
    rl_header *h = &fields[req.header_count++];
    h->name = rl_slice_str(name);
    h->value = rl_slice_str(va_arg(args, const char *));
    h->id = (uint8_t)rl_header_id_of(h->name);
  }
  va_end(args);
  return &req;
}

static int get(const char *name, const char *value, const char *etag) {
  return rl_conditional(with(RL_METHOD_GET, name, value, NULL), rl_slice_str(etag), MODIFIED);
}

TEST(without_a_condition_it_is_sent) {
  UNUSED;
  assert_int_equal(rl_conditional(with(RL_METHOD_GET, NULL), RL_SLICE("\"a\""), MODIFIED), 0);
}

TEST(if_none_match_compares_weakly) {
  UNUSED;
  static const char *const same[] = {"\"a\"", "W/\"a\"", "\"x\", \"a\"", "\"x\",W/\"a\" ,\"y\"", "*"};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
    assert_int_equal(get("If-None-Match", same[i], "\"a\""), 304);
    assert_int_equal(get("If-None-Match", same[i], "W/\"a\""), 304);
  }
  static const char *const other[] = {"\"b\"", "\"A\"", "a", "\"aa\"", "W/\"b\"", "", "\"*\""};
  for (size_t i = 0; i < sizeof other / sizeof *other; i++)
    assert_int_equal(get("If-None-Match", other[i], "\"a\""), 0);
}

TEST(several_lines_are_one_list) {
  UNUSED;
  static const char *const names[] = {"If-None-Match", "If-Match"};
  for (int match = 0; match < 2; match++) {
    const char *name = names[match];
    int hit = match ? 0 : 304, miss = match ? 412 : 0;
    rl_slice tag = RL_SLICE("\"a\"");
    assert_int_equal(rl_conditional(with(RL_METHOD_GET, name, "\"x\"", name, "\"a\"", NULL), tag, MODIFIED), hit);
    assert_int_equal(rl_conditional(with(RL_METHOD_GET, name, "\"a\"", name, "\"x\"", NULL), tag, MODIFIED), hit);
    assert_int_equal(rl_conditional(with(RL_METHOD_GET, name, "", name, ", \"x\",", "X", "\"a\"", name, "\"a\"", NULL),
                                    tag, MODIFIED),
                     hit);
    assert_int_equal(rl_conditional(with(RL_METHOD_GET, name, "\"x\"", name, "*", NULL), tag, MODIFIED), hit);
    assert_int_equal(rl_conditional(with(RL_METHOD_GET, name, "\"x", name, "\"a\"", NULL), tag, MODIFIED), hit);
    assert_int_equal(rl_conditional(with(RL_METHOD_GET, name, "\"x\"", name, "\"y\"", NULL), tag, MODIFIED), miss);
    assert_int_equal(rl_conditional(with(RL_METHOD_GET, "X", "\"a\"", name, "\"y\"", NULL), tag, MODIFIED), miss);
  }
}

/* RFC 9110 section 5.3: such a field cannot be several, so none of them is believed. */
TEST(two_lines_of_a_field_that_is_no_list_do_not_count) {
  UNUSED;
  rl_slice tag = RL_SLICE("\"a\"");
  const char *name = "If-Modified-Since";
  assert_int_equal(rl_conditional(with(RL_METHOD_GET, name, NOV_7, name, NOV_7, NULL), tag, MODIFIED), 0);
  name = "If-Unmodified-Since";
  assert_int_equal(rl_conditional(with(RL_METHOD_GET, name, NOV_6, name, NOV_6, NULL), tag, MODIFIED), 0);
  assert_false(rl_range_applies(with(RL_METHOD_GET, "If-Range", "\"a\"", "If-Range", "\"a\"", NULL), tag, MODIFIED));
}

TEST(if_none_match_of_an_unsafe_method_is_412) {
  UNUSED;
  const rl_req *put = with(RL_METHOD_PUT, "If-None-Match", "*", NULL);
  assert_int_equal(rl_conditional(put, RL_SLICE("\"a\""), MODIFIED), 412);
  assert_int_equal(rl_conditional(with(RL_METHOD_HEAD, "If-None-Match", "*", NULL), RL_SLICE("\"a\""), MODIFIED), 304);
}

TEST(if_match_compares_strongly) {
  UNUSED;
  assert_int_equal(get("If-Match", "\"a\"", "\"a\""), 0);
  assert_int_equal(get("If-Match", "*", "\"a\""), 0);
  assert_int_equal(get("If-Match", "\"x\", \"a\"", "\"a\""), 0);
  assert_int_equal(get("If-Match", "W/\"a\"", "\"a\""), 412);
  assert_int_equal(get("If-Match", "\"a\"", "W/\"a\""), 412);
  assert_int_equal(get("If-Match", "\"b\"", "\"a\""), 412);
}

TEST(dates_count_to_the_second) {
  UNUSED;
  assert_int_equal(get("If-Modified-Since", NOV_6, ""), 304);
  assert_int_equal(get("If-Modified-Since", NOV_7, ""), 304);
  assert_int_equal(get("If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT", ""), 0);
  assert_int_equal(get("If-Unmodified-Since", NOV_6, ""), 0);
  assert_int_equal(get("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:36 GMT", ""), 412);
}

TEST(a_date_that_is_none_is_ignored) {
  UNUSED;
  assert_int_equal(get("If-Modified-Since", "yesterday", ""), 0);
  assert_int_equal(get("If-Modified-Since", "", ""), 0);
  assert_int_equal(get("If-Unmodified-Since", "0", ""), 0);
}

TEST(what_has_no_date_is_not_compared_by_date) {
  UNUSED;
  const rl_req *r = with(RL_METHOD_GET, "If-Modified-Since", NOV_7, "If-Unmodified-Since", NOV_6, NULL);
  assert_int_equal(rl_conditional(r, RL_SLICE("\"a\""), -1), 0);
}

/* RFC 9110 section 13.2.2. */
TEST(tags_go_before_dates) {
  UNUSED;
  const rl_req *r = with(RL_METHOD_GET, "If-None-Match", "\"b\"", "If-Modified-Since", NOV_7, NULL);
  assert_int_equal(rl_conditional(r, RL_SLICE("\"a\""), MODIFIED), 0);
  r = with(RL_METHOD_GET, "If-Match", "\"a\"", "If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:36 GMT", NULL);
  assert_int_equal(rl_conditional(r, RL_SLICE("\"a\""), MODIFIED), 0);
  r = with(RL_METHOD_GET, "If-Match", "\"b\"", "If-None-Match", "\"a\"", NULL);
  assert_int_equal(rl_conditional(r, RL_SLICE("\"a\""), MODIFIED), 412);
}

TEST(if_modified_since_means_nothing_to_an_unsafe_method) {
  UNUSED;
  const rl_req *r = with(RL_METHOD_POST, "If-Modified-Since", NOV_7, NULL);
  assert_int_equal(rl_conditional(r, RL_SLICE("\"a\""), MODIFIED), 0);
}

static bool applies(const char *value, const char *etag, int64_t modified) {
  return rl_range_applies(with(RL_METHOD_GET, "If-Range", value, NULL), rl_slice_str(etag), modified);
}

/* RFC 9110 section 13.1.5: strong, and a date only if it is the very same. */
TEST(a_range_counts_where_if_range_names_this_representation) {
  UNUSED;
  assert_true(rl_range_applies(with(RL_METHOD_GET, NULL), RL_SLICE("\"a\""), MODIFIED));
  assert_true(applies("\"a\"", "\"a\"", MODIFIED));
  assert_false(applies("\"b\"", "\"a\"", MODIFIED));
  assert_false(applies("W/\"a\"", "\"a\"", MODIFIED));
  assert_false(applies("\"a\"", "W/\"a\"", MODIFIED));
  assert_true(applies(NOV_6, "\"a\"", MODIFIED));
  assert_false(applies(NOV_7, "\"a\"", MODIFIED));
  assert_false(applies("nonsense", "\"a\"", MODIFIED));
  assert_false(applies("", "", -1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(without_a_condition_it_is_sent),
      RUN(if_none_match_compares_weakly),
      RUN(several_lines_are_one_list),
      RUN(two_lines_of_a_field_that_is_no_list_do_not_count),
      RUN(if_none_match_of_an_unsafe_method_is_412),
      RUN(if_match_compares_strongly),
      RUN(dates_count_to_the_second),
      RUN(a_date_that_is_none_is_ignored),
      RUN(what_has_no_date_is_not_compared_by_date),
      RUN(tags_go_before_dates),
      RUN(if_modified_since_means_nothing_to_an_unsafe_method),
      RUN(a_range_counts_where_if_range_names_this_representation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
