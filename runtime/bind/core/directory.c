/* The little of a file system that the library itself needs: listings and kinds. Blocking, so for loading time only. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/error.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "vm/owner.h"

/* What scandir made. */
typedef struct listing {
  rl_owner owner; /* first */
  struct dirent **entries;
  int count;
} listing;

static void free_listing(void *object) {
  listing *l = object;
  for (int i = 0; i < l->count; i++) free(l->entries[i]);
  free(l->entries);
}

/* Running out of descriptors is no answer to the question whether something is there: 503. */
static void raise_if_out(lua_State *L, int saved_errno) {
  int code = rl_descriptors_check_errno(saved_errno);
  if (code) rl_error_raise(L, code, NULL);
}

/* list_directory(path) -> sorted list of names | nil, message */
static int l_list_directory(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  listing *l = (listing *)rl_owner_push_sized(L, sizeof *l, free_listing);
  l->entries = NULL;
  l->count = scandir(path, &l->entries, NULL, alphasort);
  if (l->count < 0) {
    int saved = errno;
    raise_if_out(L, saved);
    lua_pushnil(L);
    lua_pushfstring(L, "cannot read the directory %s: %s", path, strerror(saved));
    return 2;
  }
  l->owner.object = l;
  lua_createtable(L, l->count, 0);
  lua_Integer kept = 0;
  for (int i = 0; i < l->count; i++) {
    const char *name = l->entries[i]->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
    lua_pushstring(L, name);
    lua_rawseti(L, -2, ++kept);
  }
  rl_owner_release(&l->owner);
  return 1;
}

static int close_stream(lua_State *L) {
  luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  return luaL_fileresult(L, fclose(stream->f) == 0, NULL);
}

/* file_info(path) -> {type = "file" | "directory" | "other", size, modified, mode, owner} | nil */
static int l_file_info(lua_State *L) {
  struct stat info;
  if (stat(luaL_checkstring(L, 1), &info)) return 0;
  lua_createtable(L, 0, 5);
  lua_pushstring(L, S_ISREG(info.st_mode) ? "file" : S_ISDIR(info.st_mode) ? "directory" : "other");
  lua_setfield(L, -2, "type");
  lua_pushinteger(L, info.st_size);
  lua_setfield(L, -2, "size");
  lua_pushnumber(L, (lua_Number)info.st_mtim.tv_sec + (lua_Number)info.st_mtim.tv_nsec / 1e9);
  lua_setfield(L, -2, "modified");
  lua_pushinteger(L, info.st_mode & 07777);
  lua_setfield(L, -2, "mode");
  lua_pushinteger(L, info.st_uid);
  lua_setfield(L, -2, "owner");
  return 1;
}

/* working_directory() -> path | nil */
static int l_working_directory(lua_State *L) {
  char path[PATH_MAX];
  if (!getcwd(path, sizeof path)) return 0;
  lua_pushstring(L, path);
  return 1;
}

/* make_directory(path) -> true | nil, message */
static int l_make_directory(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  lua_pushboolean(L, 1);
  if (mkdir(path, 0777) == 0) return 1;
  int saved = errno;
  lua_pushnil(L);
  lua_pushfstring(L, "cannot make the directory %s: %s", path, strerror(saved));
  return 2;
}

/* make_private_file(path): empty, for its owner alone */
static int l_make_private_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return luaL_error(L, "cannot make %s: %s", path, strerror(errno));
  close(fd);
  return 0;
}

/* make_executable(path): for whoever may read it */
static int l_make_executable(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct stat info;
  if (stat(path, &info) || chmod(path, (info.st_mode & 07777) | (info.st_mode & 0444) >> 2))
    return luaL_error(L, "cannot make %s executable: %s", path, strerror(errno));
  return 0;
}

static int read_all(lua_State *L, FILE *file) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (size_t n;;) {
    char *room = luaL_prepbuffer(&b);
    n = fread(room, 1, LUAL_BUFFERSIZE, file);
    luaL_addsize(&b, n);
    if (n < LUAL_BUFFERSIZE) break;
  }
  luaL_pushresult(&b);
  return 1;
}

/* read_file(path) -> all of it | nil, message; raises where nothing can be opened now */
static int l_read_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  luaL_Stream *stream =
      lua_newuserdatauv(L, sizeof *stream, 0); /* Lua closes it where there is no memory for the text */
  stream->closef = NULL;
  luaL_setmetatable(L, LUA_FILEHANDLE);
  stream->f = fopen(path, "re");
  if (!stream->f) {
    int saved = errno;
    raise_if_out(L, saved);
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", path, strerror(saved));
    return 2;
  }
  stream->closef = close_stream;
  read_all(L, stream->f);
  stream->closef = NULL;
  fclose(stream->f);
  return 1;
}

/* check_descriptors(): raises 503 where there is none left */
static int l_check_descriptors(lua_State *L) {
  int code = rl_descriptors_check();
  return code ? rl_error_raise(L, code, NULL) : 0;
}

static const luaL_Reg functions[] = {{"make_directory", l_make_directory},
                                     {"check_descriptors", l_check_descriptors},
                                     {"read_file", l_read_file},
                                     {"make_private_file", l_make_private_file},
                                     {"make_executable", l_make_executable},
                                     {"list_directory", l_list_directory},
                                     {"file_info", l_file_info},
                                     {"working_directory", l_working_directory},
                                     {NULL, NULL}};

void rl_bind_directory(lua_State *L) { luaL_setfuncs(L, functions, 0); }
