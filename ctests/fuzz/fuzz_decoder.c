/* A content coding undone: the first byte says which, the others are the encoded body. However it is cut, and however much room
 * there is, the same bytes come out, never more than the ratio allows; and what our own encoder writes comes back. */
#include "base/error.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"
#include "http/compress.h"
#include "http/decoder.h"

enum { ROOM = 4096, ENOUGH = 12 << 20 }; /* the ratio counts before that much has come out */

typedef struct outcome {
  rl_buf out;
  long code;
  bool complete;
} outcome;

static rl_decoder *decoder_of(uint8_t choice) {
  static const char *const codings[] = {"gzip", "deflate", "br", "x-gzip"};
  rl_decoder *decoder = NULL;
  HOLDS(rl_decoder_new(rl_slice_str(codings[choice % 4]), &decoder) == 0 && decoder);
  return decoder;
}

/* Runs it until it wants more input, has ended or failed. */
static void drain(rl_decoder *decoder, rl_slice *in, size_t most, outcome *to) {
  char room[ROOM];
  while (to->out.len < ENOUGH && (to->code = rl_decoder_run(decoder, in, room, most)) > 0) {
    HOLDS(to->code <= (long)most);
    HOLDS(rl_buf_add(&to->out, room, (size_t)to->code) == 0);
  }
}

/* All at once, or in pieces of a size that follows from the input. */
static void decode(uint8_t choice, rl_slice in, fuzz_random *numbers, outcome *to) {
  rl_decoder *decoder = decoder_of(choice);
  rl_slice rest = in, piece;
  *to = (outcome){.code = 0};
  rl_buf_init(&to->out, RL_BUF_NO_LIMIT);
  while (rest.len && to->code >= 0 && to->out.len < ENOUGH) {
    char *copy = fuzz_cut(&rest, numbers ? 16 : 0, numbers, &piece);
    drain(decoder, &piece, numbers ? 1 + fuzz_draw(numbers) % ROOM : ROOM, to);
    free(copy);
  }
  to->complete = to->code >= 0 && rl_decoder_is_complete(decoder);
  rl_decoder_del(decoder);
}

static void try_cut(uint8_t choice, rl_slice in) {
  fuzz_random numbers = fuzz_random_of(in);
  outcome whole, cut;
  decode(choice, in, NULL, &whole);
  decode(choice, in, &numbers, &cut);
  size_t same = whole.out.len < cut.out.len ? whole.out.len : cut.out.len;
  HOLDS(!same || memcmp(whole.out.data, cut.out.data, same) == 0);
  if (whole.code >= 0 && cut.code >= 0 && whole.out.len < ENOUGH)
    HOLDS(whole.out.len == cut.out.len && whole.complete == cut.complete);
  HOLDS(whole.out.len <= RL_LIMIT_DECODED_FREE + ROOM || whole.out.len <= in.len * RL_LIMIT_DECODED_RATIO + ROOM);
  rl_buf_free(&whole.out);
  rl_buf_free(&cut.out);
}

static void try_round_trip(uint8_t choice, rl_slice in) {
  bool brotli = choice % 2;
  rl_buf encoded;
  outcome back;
  rl_buf_init(&encoded, RL_BUF_NO_LIMIT);
  HOLDS(rl_compress(brotli ? RL_ENCODING_BROTLI : RL_ENCODING_GZIP, in, &encoded) == 0);
  decode(brotli ? 2 : 0, rl_buf_slice(&encoded), NULL, &back);
  HOLDS(back.code >= 0 && back.complete && back.out.len == in.len);
  HOLDS(!in.len || memcmp(back.out.data, in.data, in.len) == 0);
  rl_buf_free(&encoded);
  rl_buf_free(&back.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size) return 0;
  try_cut(data[0], fuzz_slice(data + 1, size - 1));
  try_round_trip(data[0], fuzz_slice(data + 1, size - 1));
  return 0;
}
