/*
 * JSON (RFC 8259): reads a text token by token. json.h writes it.
 *
 * Strict: UTF-8, escapes, numbers (no leading zero, no NaN), nothing after the value, depth by the reader's limit.
 * Left open by RFC 8259: a leading byte order mark is skipped (section 8.1). Half a surrogate pair (section 8.2) becomes
 * U+FFFD, so that one character does not lose the document. An integer that fits 64 bits stays one; any other number is a
 * double, and one that overflows (1e400) is refused.
 *
 * Reading is pulled by the caller, which recurses as it likes:
 *
 *     rl_json_next(r)  ->  SCALARS | ARRAY | OBJECT | END_ARRAY | END_OBJECT | KEY | DONE | error
 *
 * The reader knows the grammar (commas, colons, nesting) and keeps the kind of each open bracket as one bit.
 */
#ifndef RL_BASE_JSON_READER_H
#define RL_BASE_JSON_READER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/slice.h"

typedef enum rl_json_token {
  RL_JSON_DONE = 1, /* the value is complete and nothing follows it */
  RL_JSON_NULL,
  RL_JSON_TRUE,
  RL_JSON_FALSE,
  RL_JSON_INTEGER, /* reader.integer */
  RL_JSON_NUMBER,  /* reader.number */
  RL_JSON_STRING,  /* reader.string: borrowed until the next call */
  RL_JSON_KEY,     /* reader.string; the value follows */
  RL_JSON_ARRAY,
  RL_JSON_END_ARRAY,
  RL_JSON_OBJECT,
  RL_JSON_END_OBJECT
} rl_json_token;

typedef struct rl_json_reader {
  const char *start, *at, *end; /* the text, borrowed as long as the reader */
  rl_slice string;
  int64_t integer;
  double number;
  rl_buf *scratch; /* borrowed as long as the reader: strings with escapes are put together here */
  unsigned depth, max_depth;
  int state_; /* what may come next */
  uint8_t objects_[RL_LIMIT_JSON_DEPTH / 8];
} rl_json_reader;

void rl_json_reader_init(rl_json_reader *reader, rl_slice text, rl_buf *scratch);
/* Returns the next token, or RL_ESYNTAX, RL_EUTF8, RL_ERANGE, RL_EDEPTH, RL_ENOMEM; an error is at reader.at. */
int rl_json_next(rl_json_reader *reader);
/* The same where a value must follow, after a key: what follows is neither a bracket that closes nor the end. */
int rl_json_next_value(rl_json_reader *reader);

/* A key that is expected: its name, and, if that is short, the bytes with which most writers put it down, to compare at once. */
typedef struct rl_json_expected {
  rl_slice name; /* borrowed */
  size_t len;    /* of the bytes, from the comma to the colon; 0: it is too long */
  uint64_t bytes[2], mask[2];
} rl_json_expected;

/* `name` holds no '"', no '\\' and no control character. */
void rl_json_expect(rl_json_expected *expected, rl_slice name);
/* Reads the key `expected` and its colon, as rl_json_next would, if it comes next and has no escapes. Otherwise returns false and has
 * read nothing. */
bool rl_json_next_is_key(rl_json_reader *reader, const rl_json_expected *expected);
/* Finds line and column (both from 1) of reader.at, for a message. */
void rl_json_position(const rl_json_reader *reader, unsigned *line, unsigned *column);

#endif
