/* The Lua library in the binary: bytecode that loads, names its files and keeps its lines. */
#include "vm/modules.h"

#include "support/test.h"

/* A file that is no module goes by its path. */
static bool is_module(const rl_embedded *file) { return strcmp(file->name, file->file) != 0; }

TEST(modules_were_compiled_by_the_build) {
  UNUSED;
  const char *name;
  int modules = 0;
  lua_State *L = luaL_newstate();
  for (size_t i = 0; (name = rl_embedded_name(i)); i++) {
    const rl_embedded *file = rl_embedded_find(name);
    if (!is_module(file)) continue;
    modules++;
    if (luaL_loadbufferx(L, file->data, file->size, "other", "b")) fail_msg("%s: %s", name, lua_tostring(L, -1));
    lua_Debug info;
    lua_getinfo(L, ">SL", &info);
    assert_string_equal(info.short_src, file->file);
    lua_pushnil(L);
    if (!lua_next(L, -2)) fail_msg("%s has no lines", name);
    lua_settop(L, 0);
  }
  lua_close(L);
  assert_true(modules > 100);
}

TEST(other_files_are_as_they_were) {
  UNUSED;
  const rl_embedded *css = rl_embedded_find("rille/dev/page.css");
  assert_non_null(css);
  assert_int_equal(strlen(css->data), css->size);
  assert_null(rl_embedded_find("rille.no_such_module"));
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(modules_were_compiled_by_the_build), RUN(other_files_are_as_they_were)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
