/* req.client_certificate: what the certificate says that the client has shown and that was verified. */
#include "base/error.h"
#include "bind/bind.h"
#include "bind/http/http.h"
#include "bind/http/request.h"
#include "net/tls/certificate.h"
#include "vm/owner.h"

static void set(lua_State *L, const char *name, rl_slice value) {
  rl_push_slice(L, value);
  lua_setfield(L, -2, name);
}

/* Sets the list of alternative names, which come on lines. */
static void set_names(lua_State *L, rl_slice lines) {
  lua_Integer count = 0;
  lua_newtable(L);
  for (size_t at = 0, end; at < lines.len; at = end + 1) {
    end = rl_slice_find(lines, '\n', at);
    rl_push_slice(L, rl_slice_of(lines.data + at, end - at));
    lua_rawseti(L, -2, ++count);
  }
  lua_setfield(L, -2, "sans");
}

static void push_text(lua_State *L, const rl_certificate_text *text) {
  lua_createtable(L, 0, 7);
  set(L, "subject", text->subject);
  set(L, "issuer", text->issuer);
  set(L, "serial", text->serial);
  set(L, "fingerprint", text->fingerprint);
  set(L, "not_before", text->not_before);
  set(L, "not_after", text->not_after);
  set_names(L, text->names);
}

/* client_certificate(req) -> {subject, issuer, serial, fingerprint, not_before, not_after, sans}, or nil */
static int l_client_certificate(lua_State *L) {
  const rl_serving *s = rl_check_serving(L, 1);
  const rl_security *security = s->req->security;
  if (!security || !security->certificate) return 0;
  rl_certificate_text text;
  rl_buf *memory = rl_scratch_push(L);
  int code = rl_certificate_read(security->certificate, memory, &text);
  if (code) return rl_scratch_result(L, memory, code);
  push_text(L, &text);
  rl_scratch_give(memory);
  return 1;
}

static const luaL_Reg functions[] = {{"client_certificate", l_client_certificate}, {NULL, NULL}};

void rl_bind_client_certificate(lua_State *L) { luaL_setfuncs(L, functions, 0); }
