/* Feeds the files of a folder, in order of name, and the empty input to a fuzz target: replay FOLDER. */
#define _GNU_SOURCE
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

/* The bytes stand in a block of exactly their size, so that ASan sees a read beyond it. */
static void feed_file(const char *folder, const char *name) {
  char path[4096];
  struct stat info;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (!file || fstat(fileno(file), &info) || !S_ISREG(info.st_mode)) {
    fprintf(stderr, "%s: not a file that can be read\n", path);
    exit(1);
  }
  size_t size = (size_t)info.st_size;
  uint8_t *data = malloc(size ? size : 1);
  if (!data || fread(data, 1, size, file) != size) abort();
  fclose(file);
  fprintf(stderr, "%s\n", path); /* the last line names the culprit */
  LLVMFuzzerTestOneInput(data, size);
  free(data);
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

int main(int argc, char **argv) {
  struct dirent **names;
  int count = argc == 2 ? scandir(argv[1], &names, is_visible, alphasort) : -1;
  if (count <= 0) {
    fprintf(stderr, "replay: %s has no inputs: a target needs a few seeds in its corpus\n", argc == 2 ? argv[1] : "?");
    return 1;
  }
  LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
  for (int i = 0; i < count; i++) {
    feed_file(argv[1], names[i]->d_name);
    free(names[i]);
  }
  free(names);
  return 0;
}
