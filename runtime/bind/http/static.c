/*
 * Files for Lua: rille.file(path), and the site of app:static for routes with middleware. (server/static_serve.c serves routes
 * without middleware, in C.) A file is a userdata that owns its descriptor; it is the body of the response.
 */
#include <errno.h>
#include <string.h>

#include "app/answer.h"
#include "app/serving.h"
#include "base/error.h"
#include "base/log.h"
#include "bind/bind.h"
#include "bind/http/http.h"
#include "server/mime.h"
#include "server/static_serve.h"
#include "vm/owner.h"

enum { CACHE_SIZE = 16 << 20 };

static int file_gc(lua_State *L) {
  rl_file_close(lua_touserdata(L, 1));
  return 0;
}

/* Pushes a userdata for a file. It owns the descriptor that is opened into it. */
static rl_file *push_file(lua_State *L) {
  rl_file *own = lua_newuserdatauv(L, sizeof *own, 0);
  *own = (rl_file){.fd = -1};
  luaL_setmetatable(L, "rille.static_file");
  return own;
}

/* Raises 404. The path is in a field of its own, because the client sees the message. */
static RL_RAISES int raise_missing(lua_State *L, int path) {
  rl_error_push_word(L, "not_found", 404, "no such file");
  lua_pushvalue(L, path);
  lua_setfield(L, -2, "path");
  lua_error(L);
}

/* Returns true if a segment of the path begins with a dot, as "." and ".." do. */
static bool has_dot_segment(rl_slice path) {
  for (size_t i = 0; i < path.len; i++)
    if (path.data[i] == '.' && (i == 0 || path.data[i - 1] == '/')) return true;
  return false;
}

static bool goes_up(rl_slice path) {
  for (size_t i = 0; i + 1 < path.len; i++) {
    bool starts = i == 0 || path.data[i - 1] == '/', ends = i + 2 == path.len || path.data[i + 2] == '/';
    if (starts && ends && path.data[i] == '.' && path.data[i + 1] == '.') return true;
  }
  return false;
}

/* Opens a path without a root. It refuses "..": a program's own path does not need it, and one made from a request could leave its
 * folder by it (CWE-22). */
static int open_plain(rl_slice path, rl_file *file) {
  if (!goes_up(path)) return rl_file_open_path(path.data, file);
  rl_log_field fields[] = {RL_LOG_TEXT_FIELD("path", path)};
  rl_log(RL_LOG_WARN,
         RL_SLICE("rille.file: '..' in a path is not followed; a path that comes from a request needs a root"), fields,
         1);
  return RL_ENOTFOUND;
}

/* Opens the path of rille.file. A path with a NUL names no file: the system would cut it there. */
static int open_for_lua(lua_State *L, rl_slice path, rl_file *file) {
  if (memchr(path.data, 0, path.len)) return RL_ENOTFOUND;
  if (lua_isnoneornil(L, 3)) return open_plain(path, file);
  if (has_dot_segment(path) && !lua_toboolean(L, 4)) return RL_ENOTFOUND;
  return rl_file_open_beneath(luaL_checkstring(L, 3), path.data, file);
}

/* file(path, content_type?, root?, dotfiles?) -> response; the path is absolute, or below the root; raises 404 if there is no such
 * file, 503 if out of descriptors */
static int l_file(lua_State *L) {
  rl_slice path = rl_check_slice(L, 1);
  const char *type = luaL_optstring(L, 2, rl_mime_type(path));
  int code = open_for_lua(L, path, push_file(L));
  if (code == RL_ENOFILES || code == RL_ENOMEM) rl_error_raise(L, code, NULL);
  if (code == RL_EINVALID) return luaL_error(L, "file: cannot open the directory %s (root)", lua_tostring(L, 3));
  if (code) raise_missing(L, 1);
  rl_res_push(L, 200, NULL, RL_RES_FILE);
  rl_res_add_header(L, "Content-Type", rl_slice_str(type));
  return 1;
}

/* ---- app:static ------------------------------------------------------------------------------------------------------------- */

static rl_file_cache *cache_of(rl_vm *vm) {
  if (!vm->files) vm->files = rl_file_cache_new(CACHE_SIZE);
  return vm->files;
}

static bool option(lua_State *L, int table, const char *name, bool otherwise) {
  bool given = lua_getfield(L, table, name) != LUA_TNIL, value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return given ? value : otherwise;
}

/* Reads the option `fallback`: a path below the root. Raises if it is none. */
static void set_fallback(lua_State *L, rl_static *site) {
  if (lua_getfield(L, 2, "fallback") == LUA_TNIL) return;
  rl_slice path = rl_check_slice(L, -1);
  bool fits = path.len && path.len < sizeof site->fallback && !memchr(path.data, 0, path.len);
  if (!fits || path.data[0] == '/' || has_dot_segment(path))
    luaL_error(L, "static: fallback is a file below the directory, such as 'index.html', got '%s'", path.data);
  memcpy(site->fallback, path.data, path.len + 1);
}

/* static_site(directory, {index=, precompressed=, listing=, dotfiles=, max_age=, fallback=}) -> site */
static int l_static_site(lua_State *L) {
  const char *directory = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  rl_static *site = lua_newuserdatauv(L, sizeof *site, 0);
  memset(site, 0, sizeof *site);
  luaL_setmetatable(L, "rille.static_site");
  int code = rl_static_init(site, directory, cache_of(rl_vm_of(L)));
  if (code) return luaL_error(L, "cannot serve the directory %s: %s", directory, rl_error_text(code));
  site->index = option(L, 2, "index", true);
  site->precompressed = option(L, 2, "precompressed", true);
  site->listing = option(L, 2, "listing", false);
  site->dotfiles = option(L, 2, "dotfiles", false);
  if (lua_getfield(L, 2, "max_age") != LUA_TNIL)
    snprintf(site->cache_control, sizeof site->cache_control, "public, max-age=%.0f", rl_check_seconds(L, -1));
  set_fallback(L, site);
  lua_settop(L, 3);
  return 1;
}

/* site:version(path) -> hex digits that depend on the file's contents, or nil if there is no such file; the path is as in a request,
 * decoded, with '%' as "%25" */
static int l_version(lua_State *L) {
  rl_static *site = luaL_checkudata(L, 1, "rille.static_site");
  char version[RL_FILE_VERSION];
  if (rl_static_version(site, rl_check_slice(L, 2), version)) return 0;
  lua_pushlstring(L, version, sizeof version);
  return 1;
}

static int site_gc(lua_State *L) {
  rl_static_free(lua_touserdata(L, 1));
  return 0;
}

static int respond_redirect(lua_State *L, rl_req *req) {
  lua_pushliteral(L, "");
  rl_res_push(L, 308, NULL, RL_RES_BYTES);
  rl_res_add_header(L, "Location", rl_static_location(req));
  return 1;
}

/* The owner of a page that lists a directory, until Lua has a copy of it. */
typedef struct listing {
  rl_owner owner; /* first */
  rl_buf html;
} listing;

static void free_listing(void *object) { rl_buf_free(object); }

static int respond_listing(lua_State *L, listing *l) {
  l->owner.object = &l->html;
  rl_push_slice(L, rl_buf_slice(&l->html));
  rl_owner_release(&l->owner);
  rl_res_push(L, 200, "text/html; charset=utf-8", RL_RES_BYTES);
  return 1;
}

/* site:respond(req) -> response | nil if there is no such file; raises 503 if out of descriptors */
static int l_respond(lua_State *L) {
  rl_static *site = luaL_checkudata(L, 1, "rille.static_site");
  rl_serving *s = *(rl_serving **)luaL_checkudata(L, 2, "rille.request");
  if (!s) return rl_error_mistake(L, "this request has ended");
  rl_slice path = s->param_count ? s->params[s->param_count - 1].value : RL_SLICE("");
  rl_static_answer answer;
  listing *l = (listing *)rl_owner_push_sized(L, sizeof *l, free_listing);
  rl_file *file = push_file(L);
  rl_static_find(site, s->req, path, &answer);
  if (answer.status == 308) return respond_redirect(L, s->req);
  if (answer.status == 503) return rl_error_raise(L, RL_ENOFILES, NULL);
  if (answer.status != 200) return 0;
  if (answer.listing.data) {
    l->html = answer.listing;
    return respond_listing(L, l);
  }
  *file = answer.file;
  rl_res_push(L, 200, NULL, RL_RES_FILE);
  rl_res_add_header(L, "Content-Type", answer.options.content_type);
  for (size_t i = 0; i < answer.header_count; i++)
    rl_res_add_header(L, answer.headers[i].name.data, answer.headers[i].value);
  return 1;
}

static const luaL_Reg functions[] = {{"file", l_file}, {"static_site", l_static_site}, {NULL, NULL}};

void rl_bind_static(lua_State *L) {
  rl_new_metatable(L, "rille.static_file");
  lua_pushcfunction(L, file_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  rl_new_metatable(L, "rille.static_site");
  lua_pushcfunction(L, site_gc);
  lua_setfield(L, -2, "__gc");
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, l_respond);
  lua_setfield(L, -2, "respond");
  lua_pushcfunction(L, l_version);
  lua_setfield(L, -2, "version");
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
