/*
 * Compiles the modules of the Lua library while rille is built, so that no start does: dump LIST. Each line of LIST is a chunk's
 * name, its source and where the bytecode goes, with tabs between. Lines and names of variables stay in, for tracebacks.
 *
 * It is linked with the same archive of Lua as rille: bytecode is for one release of Lua and one kind of machine.
 */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

static int write_piece(lua_State *L, const void *bytes, size_t size, void *out) {
  (void)L;
  return fwrite(bytes, 1, size, out) != size;
}

/* Pushes the text of a file. */
static int push_text(lua_State *L, const char *file) {
  luaL_Buffer text;
  FILE *in = fopen(file, "rb");
  if (!in) return lua_pushfstring(L, "cannot read %s", file), 1;
  luaL_buffinit(L, &text);
  for (size_t n = 1; n;) {
    n = fread(luaL_prepbuffer(&text), 1, LUAL_BUFFERSIZE, in);
    luaL_addsize(&text, n);
  }
  fclose(in);
  luaL_pushresult(&text);
  return 0;
}

/* Leaves a message on the stack where it fails. */
static int dump(lua_State *L, const char *chunk, const char *source, const char *target) {
  size_t len;
  lua_settop(L, 0);
  if (push_text(L, source)) return 1;
  const char *text = lua_tolstring(L, 1, &len);
  if (luaL_loadbufferx(L, text, len, chunk, "t")) return 1;
  FILE *out = fopen(target, "wb");
  int failed = !out || lua_dump(L, write_piece, out, 0);
  if (out && fclose(out)) failed = 1;
  if (failed) lua_pushfstring(L, "cannot write %s", target);
  return failed;
}

int main(int argc, char **argv) {
  char line[4096];
  FILE *list = argc == 2 ? fopen(argv[1], "r") : NULL;
  lua_State *L = list ? luaL_newstate() : NULL;
  if (!L) return fputs("usage: dump LIST\n", stderr), 1;
  int failed = 0;
  while (fgets(line, sizeof line, list)) {
    const char *chunk = strtok(line, "\t"), *source = strtok(NULL, "\t"), *target = strtok(NULL, "\t\n");
    if (!target || !dump(L, chunk, source, target)) continue;
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    failed = 1;
  }
  lua_close(L);
  fclose(list);
  return failed;
}
