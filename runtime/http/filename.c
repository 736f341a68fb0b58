/* Names of uploaded files, made safe; declared in multipart.h. */
#include "base/ascii.h"
#include "base/error.h"
#include "base/utf8.h"
#include "http/multipart.h"

enum { NAME_MOST = 255, EXTENSION_MOST = 16 };

/* Returns the part after the last slash, of Unix or of Windows. */
static rl_slice base_name(rl_slice raw) {
  for (size_t i = raw.len; i > 0; i--)
    if (raw.data[i - 1] == '/' || raw.data[i - 1] == '\\') return rl_slice_of(raw.data + i, raw.len - i);
  return raw;
}

/* Appends what may stay. Marks that reverse the direction of text go: "gpj.exe" would read "exe.jpg". */
static int add_clean(rl_buf *out, rl_slice name) {
  for (size_t i = 0, step; i < name.len; i += step) {
    step = rl_utf8_step(name.data + i, name.len - i);
    bool formed = step > 0;
    if (!formed) step = 1;
    if (formed && !rl_utf8_is_control(rl_utf8_decode(name.data + i, step))) rl_buf_add(out, name.data + i, step);
  }
  return out->error;
}

static bool is_edge(char c, bool front) { return c == ' ' || (front && c == '.'); }

static void trim(rl_buf *out, size_t start) {
  size_t from = start;
  while (from < out->len && is_edge(out->data[from], true)) from++;
  memmove(out->data + start, out->data + from, out->len - from);
  out->len -= from - start;
  while (out->len > start && is_edge(out->data[out->len - 1], false)) out->len--;
}

/* Cuts the name, not its extension, at a whole character. */
static void shorten(rl_buf *out, size_t start) {
  char *name = out->data + start;
  size_t len = out->len - start, dot = len;
  if (len <= NAME_MOST) return;
  while (dot > len - EXTENSION_MOST && name[dot - 1] != '.') dot--;
  size_t extension = dot > len - EXTENSION_MOST ? len - dot + 1 : 0, keep = NAME_MOST - extension;
  while (keep > 0 && ((unsigned char)name[keep] & 0xc0) == 0x80) keep--;
  memmove(name + keep, name + len - extension, extension);
  out->len = start + keep + extension;
}

int rl_filename_make_safe(rl_slice raw, rl_buf *out) {
  size_t start = out->len;
  if (add_clean(out, base_name(raw))) return out->error;
  if (out->len > start) trim(out, start);
  if (out->len > start) shorten(out, start);
  return out->len > start ? RL_OK : rl_buf_add_str(out, "file");
}
