/* Percent-encoding, queries and paths: decoding never grows, encoding comes back, a path is decoded once. */
#include "base/url.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "fuzz/fuzz.h"

static void try_encoding(rl_slice s, char *room) {
  rl_buf encoded;
  rl_buf_init(&encoded, RL_BUF_NO_LIMIT);
  HOLDS(rl_url_encode(&encoded, s) == 0);
  for (size_t i = 0; i < encoded.len; i++)
    HOLDS(encoded.data[i] == '%' || rl_is((unsigned char)encoded.data[i], RL_CHAR_UNRESERVED));
  char *in_place = encoded.data;
  long len = encoded.len ? rl_url_decode(rl_buf_slice(&encoded), true, in_place) : 0;
  HOLDS(len == (long)s.len && (!len || memcmp(in_place, s.data, s.len) == 0));
  rl_buf_free(&encoded);
  len = rl_url_decode(s, false, room);
  HOLDS(len <= (long)s.len);
}

/* The pairs are all of the text but its ampersands and the first "=" of each. */
static void try_query(rl_slice s) {
  rl_slice rest = s, name, value;
  const char *at = s.data;
  while (rl_query_next(&rest, &name, &value)) {
    HOLDS(name.data >= at && value.data >= name.data + name.len);
    HOLDS(rl_slice_find(name, '&', 0) == name.len && rl_slice_find(name, '=', 0) == name.len);
    HOLDS(rl_slice_find(value, '&', 0) == value.len);
    HOLDS(name.len + value.len > 0 || *name.data == '=');
    at = value.data + value.len;
  }
  HOLDS(rest.len == 0);
}

/* Behind rl_path_decode a percent sign stands in "%2F" and "%25" alone; what rl_path_unescape makes of it is what
 * rl_url_decode makes of the path. */
static void try_path(rl_slice s, char *room, char *plain) {
  long len = rl_path_decode(s, room), wanted = rl_url_decode(s, false, plain);
  HOLDS(len <= (long)s.len);
  if (len < 0) return;
  HOLDS(rl_utf8_valid(rl_slice_of(room, (size_t)len)));
  for (long i = 0; i < len; i++)
    HOLDS(room[i] != '%' || (len - i >= 3 && (memcmp(room + i, "%2F", 3) == 0 || memcmp(room + i, "%25", 3) == 0)));
  size_t end = rl_path_unescape(room, (size_t)len);
  HOLDS(wanted == (long)end && (!end || memcmp(room, plain, end) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rl_slice s = fuzz_slice(data, size);
  char *room = malloc(size + 1), *plain = malloc(size + 1);
  try_encoding(s, room);
  try_query(s);
  try_path(s, room, plain);
  free(room);
  free(plain);
  return 0;
}
