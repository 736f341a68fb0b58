/* Frames of HTTP/2, byte by byte; see frames.h. */
#include "support/frames.h"

void frames_u16(rl_buf *out, uint16_t number) {
  rl_buf_add_char(out, (char)(number >> 8));
  rl_buf_add_char(out, (char)number);
}

void frames_u32(rl_buf *out, uint32_t number) {
  frames_u16(out, (uint16_t)(number >> 16));
  frames_u16(out, (uint16_t)number);
}

void frames_add(rl_buf *out, uint8_t type, uint8_t flags, uint32_t stream, rl_slice body) {
  rl_buf_add_char(out, (char)(body.len >> 16));
  frames_u16(out, (uint16_t)body.len);
  rl_buf_add_char(out, (char)type);
  rl_buf_add_char(out, (char)flags);
  frames_u32(out, stream);
  rl_buf_add_slice(out, body);
}

/* An integer with a prefix of 7 bits (RFC 7541 section 5.1). */
static void add_integer(rl_buf *out, size_t number) {
  if (number < 127) {
    rl_buf_add_char(out, (char)number);
    return;
  }
  rl_buf_add_char(out, 127);
  for (number -= 127; number >= 128; number >>= 7) rl_buf_add_char(out, (char)(128 | (number & 127)));
  rl_buf_add_char(out, (char)number);
}

void frames_field(rl_buf *out, rl_slice name, rl_slice value) {
  rl_buf_add_char(out, 0);
  add_integer(out, name.len);
  rl_buf_add_slice(out, name);
  add_integer(out, value.len);
  rl_buf_add_slice(out, value);
}

void frames_request(rl_buf *out, const char *method, const char *path) {
  frames_field(out, RL_SLICE(":method"), rl_slice_str(method));
  frames_field(out, RL_SLICE(":scheme"), RL_SLICE("http"));
  frames_field(out, RL_SLICE(":path"), rl_slice_str(path));
  frames_field(out, RL_SLICE(":authority"), RL_SLICE("a"));
}

uint32_t frames_number(rl_slice body, size_t at) {
  uint32_t number = 0;
  for (size_t i = at; i < at + 4 && i < body.len; i++) number = number << 8 | (uint8_t)body.data[i];
  return number;
}

bool frames_next(rl_slice *in, frame *out) {
  if (in->len < 9) return false;
  size_t len = frames_number(*in, 0) >> 8;
  if (in->len - 9 < len) return false;
  *out = (frame){.type = (uint8_t)in->data[3],
                 .flags = (uint8_t)in->data[4],
                 .stream = frames_number(*in, 5) & 0x7fffffff,
                 .body = rl_slice_of(in->data + 9, len)};
  *in = rl_slice_of(in->data + 9 + len, in->len - 9 - len);
  return true;
}

/* RFC 9113 section 7. */
static const char *const codes[] = {"NO_ERROR",
                                    "PROTOCOL_ERROR",
                                    "INTERNAL_ERROR",
                                    "FLOW_CONTROL_ERROR",
                                    "SETTINGS_TIMEOUT",
                                    "STREAM_CLOSED",
                                    "FRAME_SIZE_ERROR",
                                    "REFUSED_STREAM",
                                    "CANCEL",
                                    "COMPRESSION_ERROR",
                                    "CONNECT_ERROR",
                                    "ENHANCE_YOUR_CALM",
                                    "INADEQUATE_SECURITY",
                                    "HTTP_1_1_REQUIRED"};
/* RFC 9113 section 6.5.2, RFC 8441 section 3, RFC 9218 section 2.1. */
static const char *const settings[] = {"",
                                       "header_table_size",
                                       "enable_push",
                                       "max_concurrent_streams",
                                       "initial_window_size",
                                       "max_frame_size",
                                       "max_header_list_size",
                                       "",
                                       "enable_connect_protocol",
                                       "no_rfc7540_priorities"};

static int find(const char *const *names, size_t count, rl_slice name) {
  for (size_t i = 0; i < count; i++)
    if (name.len && rl_slice_eq(name, rl_slice_str(names[i]))) return (int)i;
  return -1;
}

int frames_code(rl_slice name) { return find(codes, sizeof codes / sizeof *codes, name); }
int frames_setting(rl_slice name) { return find(settings, sizeof settings / sizeof *settings, name); }

const char *frames_code_name(uint32_t code) {
  return code < sizeof codes / sizeof *codes ? codes[code] : "a code that nobody knows";
}
