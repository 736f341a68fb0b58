/* .env as the libraries of that name read it (dotenv.h). */
#include "base/dotenv.h"

#include "base/alloc.h"
#include "base/error.h"
#include "support/test.h"

/* Compares "NAME=value;" for each, then "line: why" of an error. */
static void reads_as(rl_slice text, const char *wanted) {
  rl_dotenv d;
  rl_buf out;
  int code;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  rl_dotenv_init(&d, text);
  while ((code = rl_dotenv_next(&d)) > 0)
    rl_buf_addf(&out, "%.*s=%.*s;", RL_FMT(d.name), (int)d.value.len, d.value.len ? d.value.data : "");
  if (code == RL_ESYNTAX) rl_buf_addf(&out, "%u: %s", d.at, d.why);
  assert_slice(rl_buf_slice(&out), wanted);
  rl_dotenv_free(&d);
  rl_buf_free(&out);
}

#define READS(text, wanted) reads_as(RL_SLICE(text), wanted)

TEST(names_and_values) {
  UNUSED;
  READS("", "");
  READS("A=1", "A=1;");
  READS("A=1\nB=2\n", "A=1;B=2;");
  READS(
      "\xEF\xBB\xBF"
      "A=1\r\nB=2\r\n",
      "A=1;B=2;");
  READS("A=1\rB=2 # two\r\r\nC='3'\rD=", "A=1;B=2;C=3;D=;");
  READS("\n\n  # nothing\n\t\n A = 1 \n", "A=1;");
  READS("export A=1\nexport\tB=2\nexported=3\n", "A=1;B=2;exported=3;");
  READS("A=a b  c\nB=x=y=z", "A=a b  c;B=x=y=z;");
  READS("a.b-c_1=x", "a.b-c_1=x;");
  READS("A=1\nA=2", "A=1;A=2;"); /* the caller lets the last one count */
  READS("A=$B ${C} `d` \\n", "A=$B ${C} `d` \\n;");
}

TEST(comments) {
  UNUSED;
  READS("A=1 # one\nB=2\t# two\n#C=3\n", "A=1;B=2;");
  READS("A=a#b\nB=a #b", "A=a#b;B=a;");
  READS("A=\nB= # empty\nC=\t# too", "A=;B=;C=;");
  READS("A=#b", "1: a value that begins with '#' stands in quotes, a comment after a space");
  READS("A='#b' # c\nB=\"#b\"# c", "A=#b;B=#b;");
}

TEST(quotes) {
  UNUSED;
  READS("A=\"a b\"\nB='a b'\nC=\"\"\nD=''", "A=a b;B=a b;C=;D=;");
  READS("A=\" a # b \"", "A= a # b ;");
  READS("A=\"one\ntwo\r\nthree\" # end\nB=2", "A=one\ntwo\nthree;B=2;");
  READS("A='one\ntwo'\nB=2", "A=one\ntwo;B=2;");
  READS("A=\"\\n\\t\\r\\\\\\\"\\$\\d\\'\"", "A=\n\t\r\\\"$\\d\\';");
  READS("A='\\n\\\\ it\\'s'", "A=\\n\\\\ it's;");
  READS("A=it's", "A=it's;");
  READS("A='\"'\nB=\"'\"", "A=\";B=';");
}

TEST(what_cannot_be_meant_is_told_with_its_line) {
  UNUSED;
  READS("A=1\n\nB", "A=1;3: expected NAME=value");
  READS("A=1\n=2", "A=1;2: expected NAME=value");
  READS("1A=2", "1: expected NAME=value");
  READS("A B=2", "1: expected NAME=value");
  READS("export A", "1: expected NAME=value");
  READS("A=1\nB=\"open\nC=3\n", "A=1;2: this quote is never closed");
  READS("A='C:\\dir\\'", "1: this quote is never closed");
  READS("A=\"a\nb\" c\nB=1", "1: expected nothing but a comment after the closing quote");
  READS("A=\"a\"b", "1: expected nothing but a comment after the closing quote");
  READS("A=1\nB=a\0b", "A=1;2: a value holds no NUL");
}

TEST(memory_that_is_short_is_told) {
  UNUSED;
  rl_dotenv d;
  rl_dotenv_init(&d, RL_SLICE("A=1"));
  rl_alloc_fail_at(1, true);
  assert_int_equal(rl_dotenv_next(&d), RL_ENOMEM);
  rl_alloc_fail_at(0, false);
  rl_dotenv_free(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(names_and_values),
      RUN(comments),
      RUN(quotes),
      RUN(what_cannot_be_meant_is_told_with_its_line),
      RUN(memory_that_is_short_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
