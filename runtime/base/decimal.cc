/* The one C++ file: a shim over <charconv>; see decimal.h. */
#include "base/decimal.h"

#include <charconv>
#include <cmath>
#include <cstring>

/* Numbers between these two bounds are written without an exponent. */
static bool is_plain(double magnitude) { return magnitude == 0 || (magnitude >= 1e-5 && magnitude < 1e15); }

size_t rl_decimal_write(double number, char out[RL_DECIMAL_MAX]) {
  char *const end = out + RL_DECIMAL_MAX - 2;
  const bool plain = is_plain(std::fabs(number));
  const auto result =
      std::to_chars(out, end, number, plain ? std::chars_format::fixed : std::chars_format::scientific);
  size_t len = static_cast<size_t>(result.ptr - out);
  if (!plain || std::memchr(out, '.', len)) return len;
  out[len++] = '.';
  out[len++] = '0';
  return len;
}

/* Returns true if a number that is out of range is too small: its exponent is negative, or its integer part is zero. */
static bool is_small(const char *text, size_t len) {
  for (size_t i = 0; i + 1 < len; i++)
    if (text[i] == 'e' || text[i] == 'E') return text[i + 1] == '-';
  const char *const point = static_cast<const char *>(std::memchr(text, '.', len));
  return point && (text[0] == '0' || (text[0] == '-' && text[1] == '0'));
}

double rl_decimal_read(const char *text, size_t len) {
  double number = 0;
  const auto result = std::from_chars(text, text + len, number);
  if (result.ec != std::errc::result_out_of_range) return number;
  return is_small(text, len) ? 0.0 : HUGE_VAL;
}
