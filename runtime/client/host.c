/* Hosts as ASCII; see host.h. */
#define _GNU_SOURCE /* memrchr */
#include "client/host.h"

#include <arpa/inet.h>
#include <idn2.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/shared_object.h"

enum { MOST = 253, MOST_OF_LABEL = 63, MOST_BYTES = 4 * MOST /* of UTF-8, before it is mapped */ };

static const char too_long[] = "its host is longer than 253 characters";

static int refuse(const char **why, const char *text) {
  *why = text;
  return RL_EURL;
}

/* ---- names outside ASCII -------------------------------------------------------------------------------------------- */

static struct {
  __typeof__(idn2_to_ascii_8z) *to_ascii_8z;
  __typeof__(idn2_free) *free;
} idn2;

static int load_idn2(const char **why) {
  static const char *const names[] = {"idn2_to_ascii_8z", "idn2_free"};
  static rl_shared_object library = {.file = "libidn2.so.0",
                                     .title = "the host is not ASCII, and libidn2",
                                     .package = "libidn2-0",
                                     .names = names,
                                     .count = 2,
                                     .table = &idn2};
  int code = rl_shared_object_load(&library, why);
  return code == RL_EIO ? RL_EURL : code;
}

static bool is_ascii(rl_slice host) {
  for (size_t i = 0; i < host.len; i++)
    if ((unsigned char)host.data[i] > 0x7f) return false;
  return true;
}

static int describe(int result, const char **why) {
  switch (result) {
    case IDN2_MALLOC: return RL_ENOMEM;
    case IDN2_ENCODING_ERROR: return refuse(why, "its host is not UTF-8");
    case IDN2_TOO_BIG_DOMAIN: return refuse(why, too_long);
    case IDN2_TOO_BIG_LABEL:
    case IDN2_PUNYCODE_BIG_OUTPUT: return refuse(why, "a label of its host is longer than 63 characters");
    default: return refuse(why, "its host holds a character, or an order of characters, that no name may have (IDNA)");
  }
}

/* Returns true if it holds one of the characters that older rules map and newer ones keep: sharp s, final sigma, the two joiners. */
static bool deviates(const char *text) {
  static const char *const characters[] = {"\xc3\x9f", "\xe1\xba\x9e", "\xcf\x82", "\xe2\x80\x8c", "\xe2\x80\x8d"};
  for (size_t i = 0; i < sizeof characters / sizeof *characters; i++)
    if (strstr(text, characters[i])) return true;
  return false;
}

/* Symbols are no names of IDNA2008, and are registered all the same (http://☃.net): browsers and curl ask for them by UTS 46,
 * whose processing without the deviations is the same either way. */
static int map(rl_slice host, rl_buf *out, const char **why) {
  char text[MOST_BYTES + 1], *mapped = NULL;
  if (host.len > MOST_BYTES) return refuse(why, too_long);
  if (memchr(host.data, 0, host.len)) return refuse(why, "its host holds NUL");
  int code = load_idn2(why);
  if (code) return code;
  memcpy(text, host.data, host.len);
  text[host.len] = 0;
  int result = idn2.to_ascii_8z(text, &mapped, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  if (result == IDN2_DISALLOWED && !deviates(text))
    result = idn2.to_ascii_8z(text, &mapped, IDN2_NFC_INPUT | IDN2_TRANSITIONAL);
  if (result != IDN2_OK) return describe(result, why);
  code = rl_buf_add_str(out, mapped);
  idn2.free(mapped);
  return code ? RL_ENOMEM : RL_OK;
}

/* ---- what a name is made of ------------------------------------------------------------------------------------------ */

static bool is_of_label(char c) {
  return rl_is((unsigned char)c, RL_CHAR_ALPHA | RL_CHAR_DIGIT) || c == '-' || c == '_';
}

static int check_label(rl_slice label, const char **why) {
  if (!label.len) return refuse(why, "its host has an empty label");
  if (label.len > MOST_OF_LABEL) return refuse(why, "a label of its host is longer than 63 characters");
  for (size_t i = 0; i < label.len; i++)
    if (!is_of_label(label.data[i])) return refuse(why, "its host holds a character that no host has");
  return RL_OK;
}

static int check(rl_slice host, const char **why) {
  if (!host.len) return refuse(why, "it has no host");
  if (host.data[host.len - 1] == '.') host.len--;
  if (host.len > MOST) return refuse(why, too_long);
  for (size_t from = 0; from <= host.len;) {
    size_t end = rl_slice_find(host, '.', from);
    int code = check_label(rl_slice_of(host.data + from, end - from), why);
    if (code) return code;
    from = end + 1;
  }
  return RL_OK;
}

int rl_host_to_ascii(rl_slice host, rl_buf *out, const char **why) {
  size_t from = out->len;
  int code = is_ascii(host) ? rl_buf_add_slice(out, host) : map(host, out, why);
  if (code) return code;
  for (size_t i = from; i < out->len; i++) out->data[i] = rl_lower(out->data[i]);
  code = check(rl_slice_of(out->data + from, out->len - from), why);
  if (code || rl_buf_add_char(out, 0)) return code ? code : RL_ENOMEM;
  out->len--;
  return RL_OK;
}

bool rl_host_is_settled(rl_slice host) {
  const char *why;
  for (size_t i = 0; i < host.len; i++)
    if (host.data[i] != rl_lower(host.data[i])) return false;
  return check(host, &why) == RL_OK;
}

bool rl_host_is_localhost(rl_slice host) {
  static const char name[] = ".localhost";
  if (host.len && host.data[host.len - 1] == '.') host.len--;
  if (rl_slice_eq_nocase(host, rl_slice_str(name + 1))) return true;
  size_t len = strlen(name);
  return host.len > len && rl_slice_eq_nocase(rl_slice_of(host.data + host.len - len, len), rl_slice_str(name));
}

/* ---- numbers --------------------------------------------------------------------------------------------------------- */

static bool is_all(rl_slice text, int classes) {
  for (size_t i = 0; i < text.len; i++)
    if (!rl_is((unsigned char)text.data[i], classes)) return false;
  return true;
}

bool rl_host_is_number(rl_slice host) {
  if (host.len && host.data[host.len - 1] == '.') host.len--;
  const char *dot = host.len ? memrchr(host.data, '.', host.len) : NULL;
  size_t from = dot ? (size_t)(dot - host.data) + 1 : 0;
  rl_slice label = rl_slice_of(host.data + from, host.len - from);
  if (label.len && is_all(label, RL_CHAR_DIGIT)) return true;
  if (label.len < 2 || label.data[0] != '0' || rl_lower(label.data[1]) != 'x') return false;
  return is_all(rl_slice_of(label.data + 2, label.len - 2), RL_CHAR_HEX);
}

bool rl_host_is_ipv4(rl_slice host) {
  char text[INET_ADDRSTRLEN];
  struct in_addr ignored;
  if (host.len >= sizeof text) return false;
  memcpy(text, host.data, host.len);
  text[host.len] = 0;
  return inet_pton(AF_INET, text, &ignored) == 1;
}

/* A host whose last label begins with a digit is a number (WHATWG URL, "ends in a number checker"). */
bool rl_host_is_disguised(rl_slice host) {
  char copy[64];
  struct in_addr ignored;
  if (!host.len || memchr(host.data, ':', host.len)) return false;
  rl_slice labels = host.data[host.len - 1] == '.' ? rl_slice_of(host.data, host.len - 1) : host;
  const char *dot = labels.len ? memrchr(labels.data, '.', labels.len) : NULL;
  const char *label = dot ? dot + 1 : labels.data;
  if (label == labels.data + labels.len || !rl_is((unsigned char)*label, RL_CHAR_DIGIT)) return false;
  if (host.len >= sizeof copy) return true;
  memcpy(copy, host.data, host.len);
  copy[host.len] = 0;
  return inet_pton(AF_INET, copy, &ignored) != 1;
}
