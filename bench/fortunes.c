/*
 * The fortunes page by hand: one loop that escapes byte by byte into a buffer that grows. What a template costs above this is
 * what it does for its users.
 *
 *   fortunes FILE TIMES        FILE has lines "id<TAB>message"; prints microseconds of CPU a page
 *   fortunes FILE              prints the page
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_ROWS = 10000 };

typedef struct row {
  const char *id, *message;
} row;

static char *page;
static size_t len, room;

static void add(const char *text, size_t size) {
  if (len + size > room) page = realloc(page, room = 2 * (len + size));
  memcpy(page + len, text, size);
  len += size;
}

static void add_str(const char *text) { add(text, strlen(text)); }

static void add_escaped(const char *text) {
  for (; *text; text++) switch (*text) {
      case '&': add("&amp;", 5); break;
      case '<': add("&lt;", 4); break;
      case '>': add("&gt;", 4); break;
      case '"': add("&#34;", 5); break;
      case '\'': add("&#39;", 5); break;
      default: add(text, 1);
    }
}

static void render(const row *rows, size_t count) {
  page = NULL;
  len = room = 0;
  add_str(
      "<!DOCTYPE "
      "html>\n<html>\n<head><title>Fortunes</title></head>\n<body>\n<table>\n<tr><th>id</th><th>message</th></tr>\n");
  for (size_t i = 0; i < count; i++) {
    add_str("<tr><td>");
    add_escaped(rows[i].id);
    add_str("</td><td>");
    add_escaped(rows[i].message);
    add_str("</td></tr>\n");
  }
  add_str("</table>\n</body>\n</html>");
}

static size_t read_rows(const char *path, row *rows) {
  size_t count = 0, size = 0;
  char *line = NULL;
  FILE *file = fopen(path, "r");
  while (file && count < MOST_ROWS && getline(&line, &size, file) > 0) {
    char *tab = strchr(line, '\t');
    line[strcspn(line, "\n")] = 0;
    *tab = 0;
    rows[count++] = (row){strdup(line), strdup(tab + 1)};
  }
  free(line);
  if (file) fclose(file);
  return count;
}

int main(int argc, char **argv) {
  static row rows[MOST_ROWS];
  size_t count = argc > 1 ? read_rows(argv[1], rows) : 0;
  int times = argc > 2 ? atoi(argv[2]) : 0;
  clock_t start = clock();
  for (int i = 0; i < times; i++) {
    render(rows, count);
    free(page);
  }
  if (times) return printf("%f\n", (double)(clock() - start) / CLOCKS_PER_SEC / times * 1e6) < 0;
  render(rows, count);
  return fwrite(page, 1, len, stdout) != len;
}
