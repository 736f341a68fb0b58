/*
 * Doubles as decimal text and back, exactly and without a locale: the C++ standard library's to_chars and from_chars
 * (Adams 2018, "Ryū"; Lemire 2021), for which C has nothing.
 */
#ifndef RL_BASE_DECIMAL_H
#define RL_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { RL_DECIMAL_MAX = 32 };

/* Writes the shortest digits that read back as the same double, always with a point or an exponent ("1.0", "0.1",
 * "1e+300"), without a NUL; returns how many bytes. `number` is finite. */
size_t rl_decimal_write(double number, char out[RL_DECIMAL_MAX]);

/* Writes an integer, without a NUL; returns how many bytes. */
size_t rl_decimal_write_integer(int64_t number, char out[RL_DECIMAL_MAX]);

/* Reads `len` bytes that have the form of a JSON number. A number that is too small becomes 0, one that is too large
 * infinite. */
double rl_decimal_read(const char *text, size_t len);

#ifdef __cplusplus
}
#endif

#endif
