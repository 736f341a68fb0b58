/* JSON: any text is read to its end or to an error; what was read can be written and reads back the same. */
#include "base/json.h"
#include "base/json_reader.h"

#include "base/error.h"
#include "base/utf8.h"
#include "fuzz/fuzz.h"

static void note(rl_buf *tokens, const rl_json_reader *r, int token) {
  rl_buf_addf(tokens, "%d ", token);
  if (token == RL_JSON_INTEGER) rl_json_write_integer(tokens, r->integer);
  if (token == RL_JSON_NUMBER) HOLDS(rl_json_write_number(tokens, r->number) == 0);
  if (token == RL_JSON_STRING || token == RL_JSON_KEY) {
    HOLDS(rl_utf8_valid(r->string));
    HOLDS(rl_json_write_string(tokens, r->string) == 0);
  }
}

/* Puts down the same value without the text's white space, escapes and digits. */
static void write_token(rl_buf *out, const rl_json_reader *r, int token, bool *comma) {
  static const char *const fixed[] = {
      [RL_JSON_NULL] = "null",   [RL_JSON_TRUE] = "true", [RL_JSON_FALSE] = "false", [RL_JSON_ARRAY] = "[",
      [RL_JSON_END_ARRAY] = "]", [RL_JSON_OBJECT] = "{",  [RL_JSON_END_OBJECT] = "}"};
  bool closes = token == RL_JSON_END_ARRAY || token == RL_JSON_END_OBJECT;
  if (*comma && !closes && token != RL_JSON_DONE) rl_buf_add_char(out, ',');
  if (token == RL_JSON_INTEGER) rl_json_write_integer(out, r->integer);
  else if (token == RL_JSON_NUMBER) rl_json_write_number(out, r->number);
  else if (token == RL_JSON_STRING || token == RL_JSON_KEY) rl_json_write_string(out, r->string);
  else if (token != RL_JSON_DONE) rl_buf_add_str(out, fixed[token]);
  if (token == RL_JSON_KEY) rl_buf_add_char(out, ':');
  *comma = token != RL_JSON_KEY && token != RL_JSON_ARRAY && token != RL_JSON_OBJECT;
}

/* RL_JSON_DONE or an error. */
static int read_all(rl_slice text, rl_buf *tokens, rl_buf *written) {
  rl_json_reader r;
  rl_buf scratch;
  rl_buf_init(&scratch, RL_BUF_NO_LIMIT);
  bool comma = false;
  int token;
  rl_json_reader_init(&r, text, &scratch);
  do {
    token = rl_json_next(&r);
    HOLDS(r.at >= r.start && r.at <= r.end && r.depth <= r.max_depth);
    if (token < 0) break;
    note(tokens, &r, token);
    if (written) write_token(written, &r, token, &comma);
  } while (token != RL_JSON_DONE);
  unsigned line, column;
  rl_json_position(&r, &line, &column);
  HOLDS(line >= 1 && column >= 1);
  rl_buf_free(&scratch);
  return token;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rl_buf tokens, again, written;
  rl_slice text = fuzz_slice(data, size);
  rl_buf_init(&tokens, RL_BUF_NO_LIMIT);
  rl_buf_init(&again, RL_BUF_NO_LIMIT);
  rl_buf_init(&written, RL_BUF_NO_LIMIT);
  if (read_all(text, &tokens, &written) == RL_JSON_DONE) {
    HOLDS(read_all(rl_buf_slice(&written), &again, NULL) == RL_JSON_DONE);
    HOLDS(rl_slice_eq(rl_buf_slice(&tokens), rl_buf_slice(&again)));
  }
  rl_buf_clear(&written);
  HOLDS((rl_json_write_string(&written, text) == 0) == rl_utf8_valid(text));
  rl_buf_free(&tokens);
  rl_buf_free(&again);
  rl_buf_free(&written);
  return 0;
}
