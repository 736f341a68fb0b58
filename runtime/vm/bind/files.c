/* The little of a file system that the library itself needs: listings and kinds. Blocking, so for loading time only. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "vm/bind/bind.h"

/* list_directory(path) -> sorted list of names | nil, message */
static int l_list_directory(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  DIR *directory = opendir(path);
  if (!directory) {
    lua_pushnil(L);
    lua_pushfstring(L, "cannot read the directory %s: %s", path, strerror(errno));
    return 2;
  }
  struct dirent **entries = NULL;
  closedir(directory);
  int count = scandir(path, &entries, NULL, alphasort);
  lua_createtable(L, count > 0 ? count : 0, 0);
  lua_Integer kept = 0;
  for (int i = 0; i < count; i++) {
    const char *name = entries[i]->d_name;
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
      lua_pushstring(L, name);
      lua_rawseti(L, -2, ++kept);
    }
    free(entries[i]);
  }
  free(entries);
  return 1;
}

/* file_info(path) -> {type = "file" | "directory" | "other", size, modified} | nil */
static int l_file_info(lua_State *L) {
  struct stat info;
  if (stat(luaL_checkstring(L, 1), &info)) return 0;
  lua_createtable(L, 0, 3);
  lua_pushstring(L, S_ISREG(info.st_mode) ? "file" : S_ISDIR(info.st_mode) ? "directory" : "other");
  lua_setfield(L, -2, "type");
  lua_pushinteger(L, info.st_size);
  lua_setfield(L, -2, "size");
  lua_pushnumber(L, (lua_Number)info.st_mtim.tv_sec + (lua_Number)info.st_mtim.tv_nsec / 1e9);
  lua_setfield(L, -2, "modified");
  return 1;
}

static const luaL_Reg functions[] = {{"list_directory", l_list_directory}, {"file_info", l_file_info}, {NULL, NULL}};

void rl_bind_files(lua_State *L) { luaL_setfuncs(L, functions, 0); }
