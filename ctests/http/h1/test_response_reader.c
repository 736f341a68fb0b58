/* Responses read whole, byte by byte and in pieces of three: the same bytes are the same events. */
#include "http/h1/response_reader.h"

#include "base/error.h"
#include "base/limits.h"
#include "support/test.h"

typedef struct trace {
  rl_response_head head;
  rl_response_reader reader;
  rl_buf text;
  bool in_body, over;
} trace;

static void note_head(trace *t) {
  rl_buf_addf(&t->text, "%d/%s", t->head.status, t->head.version);
  for (size_t i = 0; i < t->head.count; i++)
    rl_buf_addf(&t->text, " %.*s=%.*s", RL_FMT(rl_response_head_name(&t->head, i)),
                RL_FMT(rl_response_head_value(&t->head, i)));
  rl_buf_add_str(&t->text, "|");
}

static void note(trace *t, rl_response_event what, size_t left) {
  t->over = what == RL_RESPONSE_END || what == RL_RESPONSE_FAULT;
  if (what == RL_RESPONSE_HEAD) note_head(t);
  if (what == RL_RESPONSE_BODY) rl_buf_add_slice(&t->text, t->reader.piece);
  if (what == RL_RESPONSE_END) rl_buf_addf(&t->text, "|%s %zu", t->reader.keep_alive ? "stays" : "ends", left);
  if (what == RL_RESPONSE_FAULT) rl_buf_addf(&t->text, "!%s", rl_error_word(t->reader.code));
}

static bool upgrades; /* the requests ask for another protocol */

/* Counts unread bytes: they belong to nobody. With `eof` the connection ends after the bytes. */
static rl_slice run(trace *t, rl_slice in, size_t most, bool to_head, bool eof) {
  *t = (trace){.in_body = false};
  rl_response_head_init(&t->head);
  rl_buf_init(&t->text, RL_BUF_NO_LIMIT);
  rl_response_reader_init(&t->reader);
  rl_response_reader_start(&t->reader, &t->head, to_head, upgrades);
  while (in.len && !t->over) {
    size_t size = in.len < most ? in.len : most;
    rl_slice piece = rl_slice_of(in.data, size);
    in = rl_slice_of(in.data + size, in.len - size);
    for (rl_response_event what = RL_RESPONSE_HEAD; what != RL_RESPONSE_MORE && !t->over;) {
      what = rl_response_reader_next(&t->reader, &piece);
      note(t, what, piece.len + in.len);
    }
  }
  if (eof && !t->over) note(t, rl_response_reader_eof(&t->reader), 0);
  return rl_buf_slice(&t->text);
}

static void end(trace *t) {
  rl_response_reader_free(&t->reader);
  rl_response_head_free(&t->head);
  rl_buf_free(&t->text);
}

static void reads_as(rl_slice in, bool to_head, bool eof, const char *wanted) {
  static const size_t pieces[] = {SIZE_MAX, 1, 3};
  for (size_t i = 0; i < 3; i++) {
    trace t;
    assert_slice(run(&t, in, pieces[i], to_head, eof), wanted);
    end(&t);
  }
}

#define READS(bytes, wanted) reads_as(RL_SLICE(bytes), false, false, wanted)
#define READS_TO_EOF(bytes, wanted) reads_as(RL_SLICE(bytes), false, true, wanted)
#define READS_FOR_HEAD(bytes, wanted) reads_as(RL_SLICE(bytes), true, false, wanted)

#define OK "HTTP/1.1 200 OK\r\n"

TEST(a_length_says_where_the_body_ends) {
  UNUSED;
  READS(OK "Content-Length: 5\r\n\r\nhello", "200/1.1 Content-Length=5|hello|stays 0");
  READS(OK "content-length: 0\r\n\r\n", "200/1.1 content-length=0||stays 0");
  READS(OK "Content-Length: 5, 5\r\nContent-Length: 5\r\n\r\nhello",
        "200/1.1 Content-Length=5, 5 Content-Length=5|hello|stays 0");
  READS(OK "Content-Length:\t 5 \t\r\n\r\nhello", "200/1.1 Content-Length=5|hello|stays 0");
  READS(OK "Content-Length: 0005,\t5\r\n\r\nhello", "200/1.1 Content-Length=0005,\t5|hello|stays 0");
}

TEST(lengths_that_are_none_or_differ_are_refused) {
  UNUSED;
  READS(OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "!protocol");
  READS(OK "Content-Length: 5, 6\r\n\r\nhello!", "!protocol");
  READS(OK "Content-Length: -1\r\n\r\n", "!protocol");
  READS(OK "Content-Length: +5\r\n\r\nhello", "!protocol");
  READS(OK "Content-Length: 0x5\r\n\r\nhello", "!protocol");
  READS(OK "Content-Length:\r\n\r\n", "!protocol");
  READS(OK "Content-Length: ,\r\n\r\n", "!protocol");
  READS(OK "Content-Length: 5,\r\n\r\nhello", "!protocol");
  READS(OK "Content-Length: ,5\r\n\r\nhello", "!protocol");
  READS(OK "Content-Length: 5 5\r\n\r\nhello", "!protocol");
  READS(OK "Content-Length: \"5\"\r\n\r\nhello", "!protocol");
  READS(OK "Content-Length: 5\r\nContent-Length:\r\n\r\nhello", "!protocol");
  READS(OK "Content-Length: 5;x\r\n\r\nhello", "!protocol");
  READS(OK "Content-Length: 9223372036854775808\r\n\r\n", "!protocol");
  READS(OK "Content-Length: 99999999999999999999999\r\n\r\n", "!protocol");
}

TEST(chunks_are_put_together_and_their_trailers_dropped) {
  UNUSED;
  READS(OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;x=\"1\"\r\n, world\r\n0\r\nX-Sum: 1\r\n\r\n",
        "200/1.1 Transfer-Encoding=chunked|hello, world|stays 0");
  READS(OK "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", "200/1.1 Transfer-Encoding=Chunked||stays 0");
}

TEST(transfer_codings_are_a_list_with_blanks_of_both_kinds) {
  UNUSED;
  READS(OK "Transfer-Encoding:\tchunked\t\r\n\r\n0\r\n\r\n", "200/1.1 Transfer-Encoding=chunked||stays 0");
  READS(OK "Transfer-Encoding: , chunked\t,,\r\n\r\n0\r\n\r\n", "200/1.1 Transfer-Encoding=, chunked\t,,||stays 0");
  READS(OK "Transfer-Encoding: ,\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "200/1.1 Transfer-Encoding=, Transfer-Encoding=chunked||stays 0");
  READS(OK "Transfer-Encoding: ,\r\n\r\n", "!protocol");
  READS(OK "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "!protocol");
  READS(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "!protocol");
  READS(OK "Transfer-Encoding: chunked;x=1\r\n\r\n0\r\n\r\n", "!protocol");
  READS(OK "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "!protocol");
  READS(OK "Transfer-Encoding: chunked\v\r\n\r\n0\r\n\r\n", "!protocol");
  READS(OK "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "!protocol");
}

TEST(chunks_that_are_malformed_are_refused) {
  UNUSED;
  READS(OK "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello", "200/1.1 Transfer-Encoding=chunked|!protocol");
  READS(OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n", "200/1.1 Transfer-Encoding=chunked|hello!protocol");
  READS(OK "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", "200/1.1 Transfer-Encoding=chunked|!protocol");
  READS(OK "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n", "200/1.1 Transfer-Encoding=chunked|!protocol");
}

/* Two readers that frame one response differently read two responses. */
TEST(framing_that_can_be_read_in_two_ways_is_refused) {
  UNUSED;
  READS(OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "!protocol");
  READS(OK "Transfer-Encoding: gzip, chunked\r\n\r\n", "!protocol");
  READS(OK "Transfer-Encoding: identity\r\n\r\n", "!protocol");
  READS(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n", "!protocol");
  READS(OK "Transfer-Encoding:\r\n\r\n", "!protocol");
}

TEST(without_framing_the_body_ends_with_the_connection) {
  UNUSED;
  READS_TO_EOF(OK "\r\nto the end", "200/1.1|to the end|ends 0");
  READS_TO_EOF("HTTP/1.0 200 OK\r\n\r\n", "200/1.0||ends 0");
}

TEST(a_connection_that_ends_too_early_is_a_reset) {
  UNUSED;
  READS_TO_EOF("", "!reset");
  READS_TO_EOF("HTTP/1.1 20", "!reset");
  READS_TO_EOF(OK "X: y\r\n", "!reset");
  READS_TO_EOF("HTTP/1.1 100 Continue\r\n\r\n", "!reset");
  READS_TO_EOF(OK "Content-Length: 5\r\n\r\nhell", "200/1.1 Content-Length=5|hell!reset");
  READS_TO_EOF(OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "200/1.1 Transfer-Encoding=chunked|hello!reset");
  READS_TO_EOF(OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
               "200/1.1 Transfer-Encoding=chunked|hello!reset");
}

TEST(some_responses_have_no_body_whatever_their_head_says) {
  UNUSED;
  READS_FOR_HEAD(OK "Content-Length: 5\r\n\r\n", "200/1.1 Content-Length=5||stays 0");
  READS_FOR_HEAD(OK "Transfer-Encoding: chunked\r\n\r\n", "200/1.1 Transfer-Encoding=chunked||stays 0");
  READS("HTTP/1.1 204 No Content\r\n\r\n", "204/1.1||stays 0");
  READS("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304/1.1 Content-Length=5||stays 0");
}

TEST(interim_responses_are_passed_over) {
  UNUSED;
  READS("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK "Content-Length: 2\r\n\r\nhi",
        "200/1.1 Content-Length=2|hi|stays 0");
}

TEST(protocols_are_switched_for_who_has_asked_for_it) {
  UNUSED;
  upgrades = true;
  READS("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\1\2", "101/1.1 Upgrade=x||ends 2");
  READS("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 X\r\n\r\n", "101/1.1||ends 0");
  READS(OK "Content-Length: 2\r\n\r\nhi", "200/1.1 Content-Length=2|hi|stays 0");
  upgrades = false;
  READS("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "!protocol");
  READS("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 X\r\n\r\n" OK "Content-Length: 2\r\n\r\nhi", "!protocol");
}

TEST(interim_responses_without_end_are_refused) {
  UNUSED;
  rl_buf many;
  rl_buf_init(&many, RL_BUF_NO_LIMIT);
  for (int i = 0; i < 100; i++) rl_buf_add_str(&many, "HTTP/1.1 102 Processing\r\n\r\n");
  reads_as(rl_buf_slice(&many), false, false, "!protocol");
  rl_buf_free(&many);
}

TEST(whether_the_connection_stays_is_for_both_to_say) {
  UNUSED;
  READS(OK "Connection: close\r\nContent-Length: 0\r\n\r\n", "200/1.1 Connection=close Content-Length=0||ends 0");
  READS(OK "Connection: a, Close\r\nContent-Length: 0\r\n\r\n", "200/1.1 Connection=a, Close Content-Length=0||ends 0");
  READS(OK "Connection: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "200/1.1 Connection=a Connection=close Content-Length=0||ends 0");
  READS("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "200/1.0 Connection=keep-alive Connection=close Content-Length=0||ends 0");
  READS("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "200/1.0 Content-Length=0||ends 0");
  READS("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        "200/1.0 Connection=keep-alive Content-Length=0||stays 0");
  READS("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "200/1.0 Connection=keep-alive Transfer-Encoding=chunked||ends 0");
}

TEST(a_minor_version_that_is_not_known_is_read_as_1_1) {
  UNUSED;
  READS("HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n", "200/1.2 Content-Length=0||stays 0");
  READS("HTTP/1.9 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "200/1.9 Transfer-Encoding=chunked||stays 0");
}

TEST(a_reason_is_text_and_may_be_missing) {
  UNUSED;
  READS("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200/1.1 Content-Length=0||stays 0");
  READS("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200/1.1 Content-Length=0||stays 0");
  READS("HTTP/1.1 200 \tSch\xc3\xb6n \xff\r\nContent-Length: 0\r\n\r\n", "200/1.1 Content-Length=0||stays 0");
  READS("HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n", "!protocol");
  READS("HTTP/1.1 200 OK\r\r\nContent-Length: 0\r\n\r\n", "!protocol");
  READS("HTTP/1.1 200\r\r\nContent-Length: 0\r\n\r\n", "!protocol");
  READS("HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n", "!protocol");
  READS("HTTP/1.1 200 \x1b[31m\r\nContent-Length: 0\r\n\r\n", "!protocol");
  READS("HTTP/1.1 200 \x7f\r\nContent-Length: 0\r\n\r\n", "!protocol");
}

TEST(a_cookie_with_a_control_character_is_left_out) {
  UNUSED;
  READS(OK "Set-Cookie: a=\1\r\nset-cookie: b=1\r\nContent-Length: 0\r\n\r\n",
        "200/1.1 set-cookie=b=1 Content-Length=0||stays 0");
  READS(OK "A: 1\r\nSet-Cookie: a=\1\r\n b\r\n c\2\r\nContent-Length: 0\r\n\r\n",
        "200/1.1 A=1 Content-Length=0||stays 0");
  READS(OK "A: 1\r\nSet-Cookie: a\r\n b\1\r\n c\r\nContent-Length: 0\r\n\r\n", "200/1.1 A=1 Content-Length=0||stays 0");
  READS(OK "Set-Cookie: a=\0\r\nContent-Length: 0\r\n\r\n", "!protocol");
  READS(OK "Set-Cookie: a=b\rc\r\nContent-Length: 0\r\n\r\n", "!protocol");
  READS(OK "Set-Cookie: a=\1\r\n b\0\r\nContent-Length: 0\r\n\r\n", "!protocol");
  READS(OK "Set-Cookie2: a=\1\r\nContent-Length: 0\r\n\r\n", "!protocol");
}

TEST(what_follows_a_response_is_left_unread) {
  UNUSED;
  READS(OK "Content-Length: 2\r\n\r\nhiHTTP/1.1 200", "200/1.1 Content-Length=2|hi|stays 12");
  READS(OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nmore",
        "200/1.1 Transfer-Encoding=chunked|hi|stays 4");
}

TEST(lines_may_end_with_lf_alone_and_be_folded) {
  UNUSED;
  READS("HTTP/1.1 200\nA: b\nContent-Length: 2\n\nhi", "200/1.1 A=b Content-Length=2|hi|stays 0");
  READS(OK "A: one\r\n\t two\r\nContent-Length: 0\r\n\r\n", "200/1.1 A=one two Content-Length=0||stays 0");
}

TEST(heads_that_are_malformed_are_refused) {
  UNUSED;
  READS("hello\r\n\r\n", "!protocol");
  READS("\r\n\r\n", "!protocol");
  READS("HTTP/1.1 20x OK\r\n\r\n", "!protocol");
  READS("HTTP/1.1 2000 OK\r\n\r\n", "!protocol");
  READS("HTTP/1.1 099 OK\r\n\r\n", "!protocol");
  READS("HTTP/2 200\r\n\r\n", "!protocol");
  READS("HTTP/0.9 200 OK\r\n\r\n", "!protocol");
  READS("HTTP/1 200 OK\r\n\r\n", "!protocol");
  READS("HTTP/1.x 200 OK\r\n\r\n", "!protocol");
  READS("HTTP/1.10 200 OK\r\n\r\n", "!protocol");
  READS("http/1.1 200 OK\r\n\r\n", "!protocol");
  READS(" HTTP/1.1 200 OK\r\n\r\n", "!protocol");
  READS("HTTP/1.1  200 OK\r\n\r\n", "!protocol");
  READS("HTTP/1.1\t200 OK\r\n\r\n", "!protocol");
  READS("HTTP/1.1 200\tOK\r\n\r\n", "!protocol");
  READS("HTTP/1.1 +20 OK\r\n\r\n", "!protocol");
  READS("HTTP/1.1 20\r\n\r\n", "!protocol");
  READS(OK "A: b\r\r\n\r\n", "!protocol");
  READS(OK "A: b\r\n\r\r\n", "!protocol");
  READS("ICY 200 OK\r\n\r\n", "!protocol");
  READS(OK "A b: c\r\n\r\n", "!protocol");
  READS(OK "A : c\r\n\r\n", "!protocol");
  READS(OK ": c\r\n\r\n", "!protocol");
  READS(OK "no colon\r\n\r\n", "!protocol");
  READS(OK "A: b\1c\r\n\r\n", "!protocol");
  READS(OK "A: b\rc\r\n\r\n", "!protocol");
  READS(OK "A: b\0c\r\n\r\n", "!protocol");
  READS(OK " folded: first\r\n\r\n", "!protocol");
  READS(OK "HTTP/1.1 200 OK\r\n\r\n", "!protocol");
}

static void is_too_large(const char *line, int times) {
  rl_buf head;
  trace t;
  rl_buf_init(&head, RL_BUF_NO_LIMIT);
  rl_buf_add_str(&head, OK);
  for (int i = 0; i < times; i++) rl_buf_add_str(&head, line);
  for (size_t piece = 1000; piece < 1000000; piece *= 30) {
    assert_slice(run(&t, rl_buf_slice(&head), piece, false, false), "!too_large");
    assert_true(t.head.block.cap <= 2 * RL_LIMIT_RESPONSE_HEAD &&
                t.reader.section.gathered.cap <= 2 * RL_LIMIT_RESPONSE_HEAD);
    end(&t);
  }
  rl_buf_free(&head);
}

TEST(heads_that_are_too_large_are_refused) {
  UNUSED;
  char line[1100];
  memset(line, 'a', sizeof line);
  memcpy(line, "Long: ", 6);
  memcpy(line + sizeof line - 3, "\r\n", 3);
  is_too_large(line, 200);
  is_too_large("a: b\r\n", 600);
  is_too_large("a", 200000); /* a line without end */
}

TEST(chunks_that_are_mostly_framing_are_refused) {
  UNUSED;
  rl_buf body;
  trace t;
  rl_buf_init(&body, RL_BUF_NO_LIMIT);
  rl_buf_add_str(&body, OK "Transfer-Encoding: chunked\r\n\r\n1;");
  for (int i = 0; i < 200000; i++) rl_buf_add_char(&body, 'x');
  assert_slice(run(&t, rl_buf_slice(&body), 4096, false, false), "200/1.1 Transfer-Encoding=chunked|!protocol");
  end(&t);
  rl_buf_free(&body);
}

TEST(a_fault_stays_one_and_the_next_exchange_begins_anew) {
  UNUSED;
  trace t;
  rl_slice good = RL_SLICE(OK "Content-Length: 2\r\n\r\nhi");
  run(&t, RL_SLICE("HTTP/1.1 20"), SIZE_MAX, false, true);
  rl_slice more = good;
  assert_int_equal(rl_response_reader_next(&t.reader, &more), RL_RESPONSE_FAULT);
  assert_int_equal(rl_response_reader_eof(&t.reader), RL_RESPONSE_FAULT);
  rl_response_reader_start(&t.reader, &t.head, false, false);
  assert_int_equal(rl_response_reader_next(&t.reader, &good), RL_RESPONSE_HEAD);
  assert_int_equal(rl_response_reader_next(&t.reader, &good), RL_RESPONSE_BODY);
  assert_slice(t.reader.piece, "hi");
  assert_int_equal(rl_response_reader_next(&t.reader, &good), RL_RESPONSE_END);
  assert_int_equal(rl_response_reader_next(&t.reader, &good), RL_RESPONSE_MORE);
  end(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(a_length_says_where_the_body_ends),
      RUN(lengths_that_are_none_or_differ_are_refused),
      RUN(chunks_are_put_together_and_their_trailers_dropped),
      RUN(transfer_codings_are_a_list_with_blanks_of_both_kinds),
      RUN(chunks_that_are_malformed_are_refused),
      RUN(framing_that_can_be_read_in_two_ways_is_refused),
      RUN(without_framing_the_body_ends_with_the_connection),
      RUN(a_connection_that_ends_too_early_is_a_reset),
      RUN(some_responses_have_no_body_whatever_their_head_says),
      RUN(interim_responses_are_passed_over),
      RUN(protocols_are_switched_for_who_has_asked_for_it),
      RUN(interim_responses_without_end_are_refused),
      RUN(whether_the_connection_stays_is_for_both_to_say),
      RUN(a_minor_version_that_is_not_known_is_read_as_1_1),
      RUN(a_reason_is_text_and_may_be_missing),
      RUN(a_cookie_with_a_control_character_is_left_out),
      RUN(what_follows_a_response_is_left_unread),
      RUN(lines_may_end_with_lf_alone_and_be_folded),
      RUN(heads_that_are_malformed_are_refused),
      RUN(heads_that_are_too_large_are_refused),
      RUN(chunks_that_are_mostly_framing_are_refused),
      RUN(a_fault_stays_one_and_the_next_exchange_begins_anew),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
