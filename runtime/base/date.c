/* HTTP dates; the calendar is Howard Hinnant's days_from_civil (http://howardhinnant.github.io/date_algorithms.html). */
#include "base/date.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/ascii.h"
#include "base/error.h"

/* The first three letters of each are its short form. */
static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

typedef struct civil {
  int64_t year;
  int month, day, hour, minute, second, weekday;
} civil;

static int64_t days_from_civil(int64_t year, int month, int day) {
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t yoe = year - era * 400;
  int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static civil civil_from_seconds(int64_t seconds) {
  int64_t day_number = seconds / 86400, rest = seconds % 86400;
  if (rest < 0) rest += 86400, day_number--;
  int64_t z = day_number + 719468;
  int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  int64_t doe = z - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153;
  int month = (int)(mp < 10 ? mp + 3 : mp - 9);
  return (civil){.year = yoe + era * 400 + (month <= 2),
                 .month = month,
                 .day = (int)(doy - (153 * mp + 2) / 5 + 1),
                 .hour = (int)(rest / 3600),
                 .minute = (int)(rest / 60 % 60),
                 .second = (int)(rest % 60),
                 .weekday = (int)(((day_number + 4) % 7 + 7) % 7)};
}

static void put2(char *out, int number) {
  out[0] = (char)('0' + number / 10 % 10);
  out[1] = (char)('0' + number % 10);
}

static void put4(char *out, int64_t year) {
  put2(out, (int)(year / 100 % 100));
  put2(out + 2, (int)(year % 100));
}

void rl_date_format(int64_t seconds, char out[RL_DATE_LEN + 1]) {
  civil c = civil_from_seconds(seconds);
  memcpy(out, "Ddd, 00 Mmm 0000 00:00:00 GMT", RL_DATE_LEN + 1);
  memcpy(out, days[c.weekday], 3);
  put2(out + 5, c.day);
  memcpy(out + 8, months[c.month - 1], 3);
  put4(out + 12, c.year);
  put2(out + 17, c.hour);
  put2(out + 20, c.minute);
  put2(out + 23, c.second);
}

void rl_date_format_clf(int64_t seconds, char out[27]) {
  civil c = civil_from_seconds(seconds);
  memcpy(out, "00/Mmm/0000:00:00:00 +0000", 27);
  put2(out, c.day);
  memcpy(out + 3, months[c.month - 1], 3);
  put4(out + 7, c.year);
  put2(out + 12, c.hour);
  put2(out + 15, c.minute);
  put2(out + 18, c.second);
}

void rl_date_format_iso(int64_t milliseconds, char out[25]) {
  int64_t ms = milliseconds % 1000;
  if (ms < 0) ms += 1000;
  civil c = civil_from_seconds((milliseconds - ms) / 1000);
  memcpy(out, "0000-00-00T00:00:00.000Z", 25);
  put4(out, c.year);
  put2(out + 5, c.month);
  put2(out + 8, c.day);
  put2(out + 11, c.hour);
  put2(out + 14, c.minute);
  put2(out + 17, c.second);
  out[20] = (char)('0' + ms / 100);
  put2(out + 21, (int)(ms % 100));
}

/* A cursor over the text; each step returns true if the text has the form. */
typedef struct cursor {
  const char *at, *end;
} cursor;

static bool take_char(cursor *c, char expected) {
  if (c->at == c->end || *c->at != expected) return false;
  c->at++;
  return true;
}

static bool take_number(cursor *c, int digits, int *out) {
  int value = 0;
  for (int i = 0; i < digits; i++, c->at++) {
    if (c->at == c->end || !rl_is((unsigned char)*c->at, RL_CHAR_DIGIT)) return false;
    value = value * 10 + (*c->at - '0');
  }
  *out = value;
  return true;
}

static bool take_text(cursor *c, const char *text) {
  size_t len = strlen(text);
  if ((size_t)(c->end - c->at) < len || memcmp(c->at, text, len) != 0) return false;
  c->at += len;
  return true;
}

/* Returns the index of the name whose first three letters are here, or -1. */
static bool take_short(cursor *c, const char *const *names, int count, int *out) {
  for (int i = 0; c->end - c->at >= 3 && i < count; i++) {
    if (memcmp(c->at, names[i], 3) != 0) continue;
    c->at += 3;
    *out = i;
    return true;
  }
  return false;
}

static bool take_month(cursor *c, int *out) {
  if (!take_short(c, months, 12, out)) return false;
  ++*out;
  return true;
}

static bool take_time(cursor *c, civil *out) {
  return take_number(c, 2, &out->hour) && take_char(c, ':') && take_number(c, 2, &out->minute) && take_char(c, ':') &&
         take_number(c, 2, &out->second);
}

static bool take_gmt(cursor *c) { return take_text(c, " GMT") && c->at == c->end; }

/* Reads " 06 Nov 1994 08:49:37 GMT" after the comma (IMF-fixdate). */
static bool parse_fixdate(cursor c, civil *out) {
  int year;
  if (!(take_char(&c, ' ') && take_number(&c, 2, &out->day) && take_char(&c, ' ') && take_month(&c, &out->month) &&
        take_char(&c, ' ') && take_number(&c, 4, &year) && take_char(&c, ' ') && take_time(&c, out) && take_gmt(&c)))
    return false;
  out->year = year;
  return true;
}

/* Reads " 06-Nov-94 08:49:37 GMT" after the comma (RFC 850). A date more than 50 years ahead is of the past century. */
static bool parse_rfc850(cursor c, int64_t now, civil *out) {
  int year;
  if (!(take_char(&c, ' ') && take_number(&c, 2, &out->day) && take_char(&c, '-') && take_month(&c, &out->month) &&
        take_char(&c, '-') && take_number(&c, 2, &year) && take_char(&c, ' ') && take_time(&c, out) && take_gmt(&c)))
    return false;
  int64_t this_year = civil_from_seconds(now).year;
  out->year = this_year - this_year % 100 + year;
  if (out->year > this_year + 50) out->year -= 100;
  return true;
}

/* Reads " Nov  6 08:49:37 1994" after the day's name (asctime). */
static bool parse_asctime(cursor c, civil *out) {
  int year;
  if (!(take_char(&c, ' ') && take_month(&c, &out->month) && take_char(&c, ' '))) return false;
  int digits = take_char(&c, ' ') ? 1 : 2;
  if (!(take_number(&c, digits, &out->day) && take_char(&c, ' ') && take_time(&c, out) && take_char(&c, ' ') &&
        take_number(&c, 4, &year) && c.at == c.end))
    return false;
  out->year = year;
  return true;
}

static bool parse(rl_slice s, int64_t now, civil *out) {
  cursor rest = {s.data, s.data + s.len};
  int day;
  if (!take_short(&rest, days, 7, &day)) return false;
  if (take_char(&rest, ',')) return parse_fixdate(rest, out);
  if (take_text(&rest, days[day] + 3)) return take_char(&rest, ',') && parse_rfc850(rest, now, out);
  return parse_asctime(rest, out);
}

/* The day of the week is not checked, because some senders get it wrong. */
int rl_date_parse(rl_slice s, int64_t now, int64_t *out) {
  civil c = {0};
  if (!parse(s, now, &c) || c.hour > 23 || c.minute > 59 || c.second > 60) return RL_ESYNTAX;
  int64_t midnight = days_from_civil(c.year, c.month, c.day) * 86400;
  if (civil_from_seconds(midnight).day != c.day) return RL_ESYNTAX; /* the 31st of February */
  *out = midnight + c.hour * 3600 + c.minute * 60 + c.second;
  return RL_OK;
}
