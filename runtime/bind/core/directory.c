/* The little of a file system that the library itself needs: listings and kinds. Blocking, so for loading time only. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/error.h"
#include "base/root.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "vm/owner.h"

static void free_buf(void *object) { rl_buf_free(object); }

/* A buffer that Lua frees if it raises. */
typedef struct held_buf {
  rl_owner owner; /* first */
  rl_buf buf;
} held_buf;

static held_buf *push_buf(lua_State *L) {
  held_buf *held = (held_buf *)rl_owner_push_sized(L, sizeof *held, free_buf);
  rl_buf_init(&held->buf, RL_BUF_NO_LIMIT);
  held->owner.object = &held->buf;
  return held;
}

/* Raises 503 if the process is out of descriptors, because then it is not known whether the file exists. */
static void raise_if_out(lua_State *L, int saved_errno) {
  int code = rl_descriptors_check_errno(saved_errno);
  if (code) rl_error_raise(L, code, NULL);
}

/* Raises if nothing can be opened now or if out of memory. `saved_errno` says what was wrong else. */
static void check_code(lua_State *L, int code, int saved_errno) {
  if (code == RL_ENOMEM) rl_error_raise(L, code, NULL);
  if (code) raise_if_out(L, saved_errno);
}

static void push_names(lua_State *L, const rl_buf *entries) {
  size_t at = 0;
  rl_root_entry entry;
  lua_newtable(L);
  for (lua_Integer count = 0; rl_root_next(entries, &at, &entry);) {
    lua_pushstring(L, entry.name);
    lua_rawseti(L, -2, ++count);
  }
}

/* list_directory(path) -> sorted list of names | nil, message */
static int l_list_directory(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  held_buf *held = push_buf(L);
  int code = rl_root_list(&rl_root_files, path, &held->buf), saved = errno;
  check_code(L, code, saved);
  if (code) {
    lua_pushnil(L);
    lua_pushfstring(L, "cannot read the directory %s: %s", path, strerror(saved));
    return 2;
  }
  push_names(L, &held->buf);
  rl_owner_release(&held->owner);
  return 1;
}

/* file_info(path) -> {type = "file" | "directory" | "other", size, modified, mode, owner} | nil */
static int l_file_info(lua_State *L) {
  struct stat info;
  if (rl_root_stat(&rl_root_files, luaL_checkstring(L, 1), true, &info)) return 0;
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

/* make_private_file(path): makes an empty file with mode 0600; raises if it exists or cannot be made */
static int l_make_private_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return luaL_error(L, "cannot make %s: %s", path, strerror(errno));
  close(fd);
  return 0;
}

/* make_executable(path): for those who may read it; raises if it cannot */
static int l_make_executable(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct stat info;
  if (stat(path, &info) || chmod(path, (info.st_mode & 07777) | (info.st_mode & 0444) >> 2))
    return luaL_error(L, "cannot make %s executable: %s", path, strerror(errno));
  return 0;
}

/* read_file(path) -> all of it | nil, message; raises if nothing can be opened now */
static int l_read_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  held_buf *held = push_buf(L);
  int code = rl_root_read(&rl_root_files, path, &held->buf), saved = errno;
  check_code(L, code, saved);
  if (code) {
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", path, strerror(saved));
    return 2;
  }
  rl_push_slice(L, rl_buf_slice(&held->buf));
  rl_owner_release(&held->owner);
  return 1;
}

/* check_descriptors(): raises 503 if there is none left */
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
