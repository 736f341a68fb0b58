/* Reading .env; see dotenv.h. */
#include "cli/dotenv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/error.h"

static rl_slice unquote(rl_slice value) {
  if (value.len >= 2 && (value.data[0] == '"' || value.data[0] == '\'')) {
    size_t end = rl_slice_find(value, value.data[0], 1);
    if (end < value.len) return rl_slice_of(value.data + 1, end - 1);
  }
  for (size_t i = 1; i < value.len; i++)
    if (value.data[i] == '#' && (value.data[i - 1] == ' ' || value.data[i - 1] == '\t'))
      return rl_slice_trim(rl_slice_of(value.data, i));
  return value;
}

static bool is_name(rl_slice name) {
  for (size_t i = 0; i < name.len; i++)
    if (name.data[i] != '_' && !rl_is((unsigned char)name.data[i], i ? RL_CHAR_ALPHA | RL_CHAR_DIGIT : RL_CHAR_ALPHA))
      return false;
  return name.len > 0;
}

/* What .env has set, so that it can be set anew. */
static char **names;
static size_t name_count;

static void note_name(const char *name) {
  char **more = realloc(names, (name_count + 1) * sizeof *more);
  char *copy = more ? strdup(name) : NULL;
  if (more) names = more;
  if (copy) names[name_count++] = copy;
}

static int set_line(rl_slice line) {
  line = rl_slice_trim(line);
  if (!line.len || line.data[0] == '#') return RL_OK;
  if (rl_slice_starts(line, RL_SLICE("export "))) line = rl_slice_trim(rl_slice_of(line.data + 7, line.len - 7));
  size_t eq = rl_slice_find(line, '=', 0);
  rl_slice name = rl_slice_trim(rl_slice_of(line.data, eq));
  if (eq == line.len || !is_name(name)) return RL_ESYNTAX;
  rl_slice value = unquote(rl_slice_trim(rl_slice_of(line.data + eq + 1, line.len - eq - 1)));
  char *key = strndup(name.data, name.len), *text = strndup(value.data, value.len);
  if (key && text && !getenv(key) && setenv(key, text, 0) == 0) note_name(key);
  free(key);
  free(text);
  return RL_OK;
}

int rl_dotenv_load(const char *root, rl_buf *why) {
  char path[4096], *line = NULL;
  size_t room = 0;
  snprintf(path, sizeof path, "%s/.env", root);
  FILE *file = fopen(path, "re");
  if (!file) return RL_OK;
  int code = RL_OK;
  ssize_t len;
  for (int number = 1; !code && (len = getline(&line, &room, file)) >= 0; number++) {
    while (len && (line[len - 1] == '\n' || line[len - 1] == '\r')) len--;
    code = set_line(rl_slice_of(line, (size_t)len));
    if (code) rl_buf_addf(why, "%s:%d: expected NAME=value", path, number);
  }
  free(line);
  fclose(file);
  return code;
}

int rl_dotenv_reload(const char *root, rl_buf *why) {
  while (name_count) {
    unsetenv(names[--name_count]);
    free(names[name_count]);
  }
  return rl_dotenv_load(root, why);
}
