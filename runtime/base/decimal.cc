/* The one C++ file: a shim over <charconv>; see decimal.h. */
#include "base/decimal.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

/* Numbers between these two bounds are written without an exponent. */
static bool is_plain(double magnitude) { return magnitude == 0 || (magnitude >= 1e-5 && magnitude < 1e15); }

/* Writes a magnitude that is `scaled` / 10,000: at least one digit of its fraction, none of its last zeros. */
static size_t write_scaled(uint64_t scaled, char *out, char *end) {
  unsigned fraction = static_cast<unsigned>(scaled % 10000);
  char *at = std::to_chars(out, end, scaled / 10000).ptr;
  *at++ = '.';
  *at++ = static_cast<char>('0' + fraction / 1000);
  for (unsigned rest = fraction % 1000, unit = 100; rest; rest %= unit, unit /= 10)
    *at++ = static_cast<char>('0' + rest / unit);
  return static_cast<size_t>(at - out);
}

/* Writes a number that has at most four digits after the point and fifteen in all, as most of those that people write. No
 * shorter decimal reads back as the same double: two decimals of up to fifteen digits never do (DBL_DIG). Returns 0 if it is
 * no such number. */
static size_t write_short(double number, char *out, char *end) {
  const double magnitude = std::fabs(number);
  if (!(magnitude < 1e11)) return 0;
  const uint64_t scaled = static_cast<uint64_t>(magnitude * 10000 + 0.5);
  if (static_cast<double>(scaled) / 10000 != magnitude) return 0; /* the division rounds as reading the decimal does */
  *out = '-';
  const size_t sign = std::signbit(number) ? 1 : 0;
  return sign + write_scaled(scaled, out + sign, end);
}

size_t rl_decimal_write(double number, char out[RL_DECIMAL_MAX]) {
  char *const end = out + RL_DECIMAL_MAX - 2;
  size_t len = write_short(number, out, end);
  if (len) return len;
  const bool plain = is_plain(std::fabs(number));
  const auto result = std::to_chars(out, end, number, plain ? std::chars_format::fixed : std::chars_format::scientific);
  len = static_cast<size_t>(result.ptr - out);
  if (!plain || std::fabs(number) < 1e11 || std::memchr(out, '.', len))
    return len; /* write_short has written the whole ones */
  out[len++] = '.';
  out[len++] = '0';
  return len;
}

size_t rl_decimal_write_integer(int64_t number, char out[RL_DECIMAL_MAX]) {
  return static_cast<size_t>(std::to_chars(out, out + RL_DECIMAL_MAX, number).ptr - out);
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
