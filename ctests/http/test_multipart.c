#include "http/multipart.h"

#include <time.h>

#include "base/error.h"
#include "support/test.h"

#define TYPE "multipart/form-data; boundary=b"
#define DISPOSITION "Content-Disposition: form-data; "

/* The events, as text: "part name=a|data xyz|end part|end", data joined, or "error SYNTAX". */
static void run(rl_buf *log, rl_slice type, rl_slice body, size_t piece, size_t most_parts) {
  rl_multipart m;
  rl_part part;
  rl_buf_clear(log);
  int code = rl_multipart_init(&m, type, most_parts);
  bool in_data = false;
  for (size_t at = 0; !code && at < body.len; at += piece) {
    rl_slice in = rl_slice_of(body.data + at, body.len - at < piece ? body.len - at : piece);
    while (!code && in.len) {
      int event = rl_multipart_next(&m, &in);
      if (event < 0) code = event;
      if (event == RL_MULTIPART_PART) {
        code = rl_multipart_describe(&m, &part);
        rl_buf_addf(log, "part");
        if (part.has_name) rl_buf_addf(log, " name=%.*s", RL_FMT(part.name));
        if (part.is_file) rl_buf_addf(log, " file=%.*s", RL_FMT(part.filename));
        if (part.content_type.len) rl_buf_addf(log, " type=%.*s", RL_FMT(part.content_type));
        rl_buf_add_str(log, "|");
        in_data = false;
      }
      if (event == RL_MULTIPART_DATA) {
        if (!in_data) rl_buf_add_str(log, "data ");
        in_data = true;
        assert_true(m.data.len > 0);
        rl_buf_add_slice(log, m.data);
      }
      if (event == RL_MULTIPART_PART_END) rl_buf_addf(log, "%send part|", in_data ? "|" : "");
      if (event == RL_MULTIPART_END) rl_buf_add_str(log, "end");
    }
  }
  if (!code) code = rl_multipart_finish(&m);
  if (code) {
    log->len = 0;
    rl_buf_addf(log, "error %s", rl_error_name(code));
    assert_non_null(m.why);
  }
  rl_multipart_free(&m);
}

/* The same, however the body is split. */
static void expect_of(const char *type, rl_slice body, const char *expected) {
  rl_buf log;
  rl_buf_init(&log, RL_BUF_NO_LIMIT);
  for (size_t piece = 1; piece <= body.len + 1; piece++) {
    run(&log, rl_slice_str(type), body, piece, 1000);
    assert_slice(rl_buf_slice(&log), expected);
  }
  rl_buf_free(&log);
}

static void expect(const char *body, const char *expected) { expect_of(TYPE, rl_slice_str(body), expected); }

TEST(fields_and_files_come_out_the_same_however_the_body_is_split) {
  UNUSED;
  expect("--b\r\n" DISPOSITION
         "name=title\r\n\r\nHello\r\n"
         "--b\r\n" DISPOSITION
         "name=\"image\"; filename=\"a b.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\r\n-\r\n--\r\n"
         "--b--\r\n",
         "part name=title|data Hello|end part|"
         "part name=image file=a b.png type=image/png|data \x89PNG\r\n\r\n-\r\n--|end part|end");
}

TEST(near_boundaries_are_data) {
  UNUSED;
  expect("--b\r\n" DISPOSITION "name=a\r\n\r\n\r\r\n\r\n-\r\n--\r\n--\r--b\r\n -b\r\n--b--",
         "part name=a|data \r\r\n\r\n-\r\n--\r\n--\r--b\r\n -b|end part|end");
}

TEST(preamble_padding_and_epilogue_are_dropped) {
  UNUSED;
  expect("This is a message in\r\nseveral parts.\r\n--b \t \r\n" DISPOSITION "name=a\r\n\r\nx\r\n--b\t\r\n" DISPOSITION
         "name=c\r\n\r\ny\r\n--b--  what follows\r\n--b\r\n",
         "part name=a|data x|end part|part name=c|data y|end part|end");
}

TEST(parts_without_data_and_bodies_without_parts) {
  UNUSED;
  expect("--b\r\n" DISPOSITION "name=a\r\n\r\n\r\n--b--", "part name=a|end part|end");
  expect("--b\r\n" DISPOSITION "name=a\r\n\r\n--b--",
         "part name=a|end part|end"); /* RFC 2046: the empty line's own CRLF */
  expect("--b\r\n\r\nx\r\n--b--", "part|data x|end part|end");
  expect("--b--\r\n", "end");
}

TEST(a_boundary_counts_wherever_a_line_begins_with_it) {
  UNUSED;
  expect("--b\r\n" DISPOSITION "name=a\r\n\r\nx\r\n--bc\r\n--b--", "error SYNTAX");
  expect("--bc\r\n", "error SYNTAX");
  expect("--b-\r\n", "error SYNTAX");
  expect("--b\n" DISPOSITION "name=a\r\n\r\nx\r\n--b--", "error SYNTAX");
  expect("--b\r" DISPOSITION "name=a\r\n\r\nx\r\n--b--", "error SYNTAX");
}

TEST(a_body_that_ends_too_early_is_an_error) {
  UNUSED;
  static const char whole[] = "--b\r\n" DISPOSITION "name=a\r\n\r\nx\r\n--b--";
  rl_buf log;
  rl_buf_init(&log, RL_BUF_NO_LIMIT);
  for (size_t len = 0; len < sizeof whole - 1; len++) {
    run(&log, RL_SLICE(TYPE), rl_slice_of(whole, len), 7, 1000);
    assert_slice(rl_buf_slice(&log), "error SYNTAX");
  }
  rl_buf_free(&log);
}

TEST(a_nested_multipart_is_opaque) {
  UNUSED;
  expect("--b\r\n" DISPOSITION
         "name=files\r\nContent-Type: multipart/mixed; boundary=inner\r\n\r\n"
         "--inner\r\nContent-Disposition: file; filename=x\r\n\r\ny\r\n--inner--\r\n--b--",
         "part name=files type=multipart/mixed; boundary=inner|"
         "data --inner\r\nContent-Disposition: file; filename=x\r\n\r\ny\r\n--inner--|end part|end");
}

TEST(boundaries_are_1_to_70_of_their_characters) {
  UNUSED;
  static const char *const wrong[] = {"multipart/form-data",
                                      "multipart/form-data; boundary=",
                                      "multipart/form-data; boundary=\"\"",
                                      "multipart/form-data; boundary=\"b \"",
                                      "multipart/form-data; boundary=\"a\\b\"",
                                      "multipart/form-data; boundary=\"a;b\"",
                                      "multipart/form-data; boundary=a; boundary=a",
                                      "multipart/form-data; boundary=a b",
                                      "multipart/form-data; boundary=\"\xc3\xa9\""};
  char type[128], longest[72] = {0};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) expect_of(wrong[i], RL_SLICE("x"), "error INVALID");
  expect_of("text/plain; boundary=b", RL_SLICE("x"), "error UNSUPPORTED");
  memset(longest, 'x', 71);
  snprintf(type, sizeof type, "multipart/form-data; boundary=%s", longest);
  expect_of(type, RL_SLICE("x"), "error INVALID");
  longest[70] = 0;
  char body[512];
  snprintf(type, sizeof type, "Multipart/Form-Data; charset=x; BOUNDARY=\"%s\"", longest);
  snprintf(body, sizeof body, "--%s\r\n" DISPOSITION "name=a\r\n\r\nx\r\n--%s--", longest, longest);
  expect_of(type, rl_slice_str(body), "part name=a|data x|end part|end");
  expect_of("multipart/form-data; boundary=\"a'()+_,-./:=? z\"",
            RL_SLICE("--a'()+_,-./:=? z\r\n" DISPOSITION "name=a\r\n\r\nx\r\n--a'()+_,-./:=? z--"),
            "part name=a|data x|end part|end");
}

TEST(heads_are_strict) {
  UNUSED;
  static const char *const wrong[] = {DISPOSITION "name=a\n\r\n",
                                      "Content-Disposition : form-data\r\n\r\n",
                                      ": x\r\n\r\n",
                                      "no colon\r\n\r\n",
                                      DISPOSITION "name=a\r\n x\r\n\r\n",
                                      "X: a\rb\r\n\r\n",
                                      "X: \x01\r\n\r\n",
                                      DISPOSITION "name=a\r\n" DISPOSITION "name=b\r\n\r\n",
                                      DISPOSITION "name=a; name=b\r\n\r\n",
                                      DISPOSITION "name=\"a\r\n\r\n",
                                      DISPOSITION "name\r\n\r\n",
                                      DISPOSITION "name=\"a\"x\r\n\r\n",
                                      DISPOSITION "name=a; filename=x; filename=y\r\n\r\n",
                                      "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n"};
  char body[512];
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    snprintf(body, sizeof body, "--b\r\n%sdata\r\n--b--", wrong[i]);
    expect(body, "error SYNTAX");
  }
  expect_of(TYPE, RL_SLICE("--b\r\nX: a\0b\r\n\r\nz\r\n--b--"), "error SYNTAX");
}

TEST(names_lose_their_quotes_and_escapes) {
  UNUSED;
  expect("--b\r\n" DISPOSITION "name=\"a\\\"b\\\\c\"; filename=\"C:\\dir\\x.txt\"\r\n\r\n\r\n--b--",
         "part name=a\"b\\c file=C:\\dir\\x.txt|end part|end");
  expect("--b\r\n" DISPOSITION "name=a; filename=\"\"\r\n\r\n\r\n--b--", "part name=a file=|end part|end");
  expect("--b\r\n" DISPOSITION "name=a%22; FileName=x;\r\n\r\n\r\n--b--", "part name=a%22 file=x|end part|end");
  expect("--b\r\ncontent-disposition: attachment; filename=x\r\n\r\n\r\n--b--", "part file=x|end part|end");
}

TEST(an_extended_filename_counts_only_alone_and_in_utf8) {
  UNUSED;
  expect("--b\r\n" DISPOSITION "name=a; filename=x; filename*=UTF-8''y\r\n\r\n\r\n--b--",
         "part name=a file=x|end part|end");
  expect("--b\r\n" DISPOSITION "name=a; filename*=utf-8'en'%e2%82%ac.txt\r\n\r\n\r\n--b--",
         "part name=a file=\xe2\x82\xac.txt|end part|end");
  expect("--b\r\n" DISPOSITION "name=a; filename*=iso-8859-1''x\r\n\r\n\r\n--b--", "part name=a file=|end part|end");
  expect("--b\r\n" DISPOSITION "name=a; filename*=UTF-8''%zz\r\n\r\n\r\n--b--", "part name=a file=|end part|end");
}

TEST(a_head_has_at_most_16_lines_and_8_KiB) {
  UNUSED;
  rl_buf body, log;
  rl_buf_init(&body, RL_BUF_NO_LIMIT);
  rl_buf_init(&log, RL_BUF_NO_LIMIT);
  for (int lines = 16; lines <= 17; lines++) {
    rl_buf_clear(&body);
    rl_buf_add_str(&body, "--b\r\n");
    for (int i = 0; i < lines; i++) rl_buf_addf(&body, "X-%d: y\r\n", i);
    rl_buf_add_str(&body, "\r\nz\r\n--b--");
    run(&log, RL_SLICE(TYPE), rl_buf_slice(&body), 50, 1000);
    assert_slice(rl_buf_slice(&log), lines == 16 ? "part|data z|end part|end" : "error INVALID");
  }
  for (int extra = 0; extra <= 1; extra++) {
    rl_buf_clear(&body);
    rl_buf_add_str(&body, "--b\r\nX: ");
    for (unsigned i = 0; i < RL_LIMIT_PART_HEADERS - 7 + (unsigned)extra; i++) rl_buf_add_char(&body, 'x');
    rl_buf_add_str(&body, "\r\n\r\nz\r\n--b--");
    run(&log, RL_SLICE(TYPE), rl_buf_slice(&body), 1000, 1000);
    assert_slice(rl_buf_slice(&log), extra ? "error INVALID" : "part|data z|end part|end");
  }
  rl_buf_free(&body);
  rl_buf_free(&log);
}

TEST(a_body_has_as_many_parts_as_it_may) {
  UNUSED;
  rl_buf log;
  rl_buf_init(&log, RL_BUF_NO_LIMIT);
  rl_slice three = RL_SLICE("--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b--");
  run(&log, RL_SLICE(TYPE), three, 1, 3);
  assert_slice(rl_buf_slice(&log), "part|end part|part|end part|part|end part|end");
  run(&log, RL_SLICE(TYPE), three, 1, 2);
  assert_slice(rl_buf_slice(&log), "error TOOBIG");
  rl_buf_free(&log);
}

/* 16 MiB of the worst there is must not take much longer than 16 MiB of anything (CVE-2023-46136). */
TEST(near_boundaries_cost_linear_time_and_no_memory) {
  UNUSED;
  static const char *const patterns[] = {"\r", "\r\n", "\r\n--", "\r\n--boundaryboundarybOundary", "\n-\r\r\n-"};
  enum { SIZE = 16 << 20 };
  rl_buf body, log;
  rl_buf_init(&body, RL_BUF_NO_LIMIT);
  rl_buf_init(&log, RL_BUF_NO_LIMIT);
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    rl_buf_clear(&body);
    rl_buf_add_str(&body, "--boundaryboundaryboundary\r\n\r\n");
    while (body.len < SIZE) rl_buf_add_str(&body, patterns[i]);
    rl_multipart m;
    assert_int_equal(rl_multipart_init(&m, RL_SLICE("multipart/x; boundary=boundaryboundaryboundary"), 10), 0);
    clock_t start = clock();
    size_t data = 0, events = 0;
    for (size_t at = 0; at < body.len; at += 1001) {
      rl_slice in = rl_slice_of(body.data + at, body.len - at < 1001 ? body.len - at : 1001);
      while (in.len) {
        int event = rl_multipart_next(&m, &in);
        assert_true(event >= 0);
        if (event == RL_MULTIPART_DATA) data += m.data.len, events++;
      }
    }
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 5); /* some 0.1 s, more under a sanitizer */
    assert_true(data > SIZE - 64);
    assert_true(events < 3 * (SIZE / 1001) + 3);
    assert_true(m.head.cap <= RL_LIMIT_PART_HEADERS);
    rl_multipart_free(&m);
  }
  rl_buf_free(&body);
  rl_buf_free(&log);
}

/* ---- names of files ------------------------------------------------------------------------------------------------------- */

static void expect_safe(rl_slice raw, const char *expected) {
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  assert_int_equal(rl_filename_make_safe(raw, &out), 0);
  assert_slice(rl_buf_slice(&out), expected);
  rl_buf_free(&out);
}

TEST(a_safe_name_is_no_path) {
  UNUSED;
  expect_safe(RL_SLICE("photo.jpg"), "photo.jpg");
  expect_safe(RL_SLICE("../../etc/passwd"), "passwd");
  expect_safe(RL_SLICE("C:\\Users\\ada\\photo.jpg"), "photo.jpg");
  expect_safe(RL_SLICE("/"), "file");
  expect_safe(RL_SLICE(""), "file");
  expect_safe(RL_SLICE("."), "file");
  expect_safe(RL_SLICE(".."), "file");
  expect_safe(RL_SLICE("a/.."), "file");
  expect_safe(RL_SLICE(".htaccess"), "htaccess");
  expect_safe(RL_SLICE(" . ..x. "), "x.");
  expect_safe(RL_SLICE("a\0/b\0.png"), "b.png");
  expect_safe(RL_SLICE("a\r\nSet-Cookie: x"), "aSet-Cookie: x");
}

TEST(a_safe_name_keeps_its_letters_and_loses_what_deceives) {
  UNUSED;
  expect_safe(RL_SLICE("Grüße 日本.png"), "Grüße 日本.png");
  expect_safe(RL_SLICE("\xff\xfe.png"), "png");
  expect_safe(RL_SLICE("a\xffz.png"), "az.png");
  expect_safe(RL_SLICE("ann\xe2\x80\xaegpj.exe"), "anngpj.exe"); /* U+202E turns the rest around */
  expect_safe(RL_SLICE("a\xc2\x85"
                       "b\xe2\x81\xa6"
                       "c\x7f"),
              "abc");
}

TEST(a_safe_name_has_at_most_255_bytes_and_keeps_its_extension) {
  UNUSED;
  rl_buf raw, out;
  rl_buf_init(&raw, RL_BUF_NO_LIMIT);
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  for (int i = 0; i < 200; i++) rl_buf_add_str(&raw, "ü");
  rl_buf_add_str(&raw, ".jpeg");
  assert_int_equal(rl_filename_make_safe(rl_buf_slice(&raw), &out), 0);
  assert_in_range(out.len, 253, 255);
  assert_memory_equal(out.data + out.len - 5, ".jpeg", 5);
  assert_int_equal((out.len - 5) % 2, 0);
  rl_buf_clear(&out);
  raw.len -= 5;
  assert_int_equal(rl_filename_make_safe(rl_buf_slice(&raw), &out), 0);
  assert_in_range(out.len, 253, 255);
  rl_buf_free(&raw);
  rl_buf_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(fields_and_files_come_out_the_same_however_the_body_is_split),
      RUN(near_boundaries_are_data),
      RUN(preamble_padding_and_epilogue_are_dropped),
      RUN(parts_without_data_and_bodies_without_parts),
      RUN(a_boundary_counts_wherever_a_line_begins_with_it),
      RUN(a_body_that_ends_too_early_is_an_error),
      RUN(a_nested_multipart_is_opaque),
      RUN(boundaries_are_1_to_70_of_their_characters),
      RUN(heads_are_strict),
      RUN(names_lose_their_quotes_and_escapes),
      RUN(an_extended_filename_counts_only_alone_and_in_utf8),
      RUN(a_head_has_at_most_16_lines_and_8_KiB),
      RUN(a_body_has_as_many_parts_as_it_may),
      RUN(near_boundaries_cost_linear_time_and_no_memory),
      RUN(a_safe_name_is_no_path),
      RUN(a_safe_name_keeps_its_letters_and_loses_what_deceives),
      RUN(a_safe_name_has_at_most_255_bytes_and_keeps_its_extension),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
