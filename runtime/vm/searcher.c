/* Modules along package.path; see searcher.h. */
#include "vm/searcher.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/root.h"
#include "vm/owner.h"

/* ---- finding --------------------------------------------------------------------------------------------------------------- */

static bool is_there(const char *path) {
  int fd;
  if (rl_root_open(&rl_root_files, path, &fd)) return false;
  close(fd);
  return true;
}

/* Pushes the file of a module: "a.b" is a/b in each template of the path. NULL: pushes where it was looked for. */
static const char *find(lua_State *L, const char *name, const char *path) {
  luaL_Buffer tried;
  const char *as_path = luaL_gsub(L, name, ".", "/");
  luaL_buffinit(L, &tried);
  for (const char *end; *path; path = *end ? end + 1 : end) {
    end = path + strcspn(path, ";");
    lua_pushlstring(L, path, (size_t)(end - path));
    const char *file = luaL_gsub(L, lua_tostring(L, -1), "?", as_path);
    if (is_there(file)) return file;
    lua_pushfstring(L, "%sno file '%s'", luaL_bufflen(&tried) ? "\n\t" : "", file);
    lua_replace(L, -3);
    lua_pop(L, 1);
    luaL_addvalue(&tried);
  }
  luaL_pushresult(&tried);
  return NULL;
}

/* ---- loading --------------------------------------------------------------------------------------------------------------- */

/* Without a byte order mark; of a first line that begins with '#' its end alone, so that lines keep their numbers. */
static rl_slice skip_head(rl_slice text) {
  if (text.len >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0) text = rl_slice_of(text.data + 3, text.len - 3);
  if (!text.len || text.data[0] != '#') return text;
  size_t end = rl_slice_find(text, '\n', 0);
  return rl_slice_of(text.data + end, text.len - end);
}

typedef struct held_text {
  rl_owner owner; /* first */
  rl_buf buf;
} held_text;

static void free_text(void *object) { rl_buf_free(object); }

/* As luaL_loadfile: pushes the function, or a message. */
static int load(lua_State *L, const char *file) {
  held_text *held = (held_text *)rl_owner_push_sized(L, sizeof *held, free_text);
  rl_buf_init(&held->buf, RL_BUF_NO_LIMIT);
  held->owner.object = &held->buf;
  int code = rl_root_read(&rl_root_files, file, &held->buf), saved = errno, status = LUA_ERRFILE;
  if (code == RL_ENOMEM) lua_pushliteral(L, "not enough memory");
  else if (code) lua_pushfstring(L, "cannot read %s: %s", file, strerror(saved));
  else {
    rl_slice text = skip_head(rl_buf_slice(&held->buf));
    lua_pushfstring(L, "@%s", file);
    status = luaL_loadbufferx(L, text.len ? text.data : "", text.len, lua_tostring(L, -1), NULL);
    lua_remove(L, -2);
  }
  rl_owner_release(&held->owner);
  lua_remove(L, -2);
  return status;
}

/* Upvalue 1: package. Returns the loader and its file, or where the module was looked for. */
static int search(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  if (lua_getfield(L, lua_upvalueindex(1), "path") != LUA_TSTRING)
    return luaL_error(L, "'package.path' must be a string");
  const char *file = find(L, name, lua_tostring(L, -1));
  if (!file) return 1;
  int at = lua_gettop(L);
  if (load(L, file) != LUA_OK)
    return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", name, file, lua_tostring(L, -1));
  lua_pushvalue(L, at);
  return 2;
}

void rl_searcher_open(lua_State *L, lua_Integer index) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers");
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, search, 1);
  lua_rawseti(L, -2, index);
  lua_pop(L, 2);
}
