/*
 * Keys and certificates for lua/rille/acme/ and for tests. Keys and certificates are PEM, as in files. What cannot be read raises
 * code "invalid".
 */
#include "crypto/certificate.h"

#include "base/error.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "crypto/digest.h"
#include "crypto/ec_key.h"
#include "crypto/pem.h"
#include "vm/owner.h"

static RL_RAISES int refuse(lua_State *L, int code, const char *what) {
  rl_error_raise(L, code == RL_ESYNTAX || code == RL_ENOTFOUND ? RL_EINVALID : code,
                 code == RL_EIO ? "%s: OpenSSL 3 (Debian: libssl3) cannot be used here" : "%s is not valid", what);
}

/* Gives a buffer back that held a key. */
static void give_secret(rl_buf *secret) {
  if (secret->len) rl_wipe(secret->data, secret->len);
  rl_scratch_give(secret);
}

/* Pushes a buffer with the DER of the first block. The text stays on the stack at `index`. */
static rl_buf *push_der(lua_State *L, int index, const char *label, const char *what) {
  rl_slice text = rl_check_slice(L, index);
  rl_buf *der = rl_scratch_push(L);
  int code = rl_pem_next(&text, label, der);
  if (!code) return der;
  give_secret(der);
  refuse(L, code, what);
}

static rl_buf *push_key(lua_State *L, int index) { return push_der(L, index, RL_PEM_KEY, "a key"); }

/* Pushes `der` as PEM and wipes it. */
static int push_pem(lua_State *L, rl_buf *der, int code, const char *label, const char *what) {
  if (code) give_secret(der), refuse(L, code, what);
  rl_buf *text = rl_scratch_push(L);
  code = rl_pem_encode(text, label, rl_buf_slice(der));
  give_secret(der);
  return rl_scratch_result(L, text, code);
}

/* ---- keys -------------------------------------------------------------------------------------------------------------------- */

/* ec_key() -> a new key */
static int l_ec_key(lua_State *L) {
  rl_buf *der = rl_scratch_push(L);
  return push_pem(L, der, rl_ec_key_new(der), RL_PEM_KEY, "a new key");
}

/* ec_key_public(key) -> x, y, 32 bytes each */
static int l_ec_key_public(lua_State *L) {
  uint8_t point[RL_EC_KEY_POINT];
  rl_buf *key = push_key(L, 1);
  int code = rl_ec_key_public(rl_buf_slice(key), point);
  give_secret(key);
  if (code) refuse(L, code, "a key");
  lua_pushlstring(L, (const char *)point, sizeof point / 2);
  lua_pushlstring(L, (const char *)point + sizeof point / 2, sizeof point / 2);
  return 2;
}

/* ec_key_sign(key, message) -> signature of ES256, 64 bytes */
static int l_ec_key_sign(lua_State *L) {
  uint8_t signature[RL_EC_KEY_SIGNATURE];
  rl_slice message = rl_check_slice(L, 2);
  rl_buf *key = push_key(L, 1);
  int code = rl_ec_key_sign(rl_buf_slice(key), message, signature);
  give_secret(key);
  if (code) refuse(L, code, "a key");
  lua_pushlstring(L, (const char *)signature, sizeof signature);
  return 1;
}

/* ---- making ------------------------------------------------------------------------------------------------------------------ */

/* Fills in the names of the list at `index`, borrowed from it. Returns how many. */
static size_t check_names(lua_State *L, int index, rl_slice names[RL_CERTIFICATE_NAMES]) {
  luaL_checktype(L, index, LUA_TTABLE);
  lua_Unsigned count = lua_rawlen(L, index);
  luaL_argcheck(L, count <= RL_CERTIFICATE_NAMES, index, "at most 100 names");
  for (lua_Unsigned i = 0; i < count; i++) {
    if (lua_rawgeti(L, index, (lua_Integer)i + 1) != LUA_TSTRING) luaL_error(L, "names are strings");
    names[i] = rl_check_slice(L, -1);
    lua_pop(L, 1); /* the list holds it */
  }
  return (size_t)count;
}

/* certificate_ask(key, names) -> DER of a request */
static int l_certificate_ask(lua_State *L) {
  rl_slice names[RL_CERTIFICATE_NAMES];
  size_t count = check_names(L, 2, names);
  rl_buf *key = push_key(L, 1), *der = rl_scratch_push(L);
  int code = rl_certificate_ask(names, count, rl_buf_slice(key), der);
  give_secret(key);
  if (!code) return rl_scratch_result(L, der, code);
  rl_scratch_give(der);
  refuse(L, code, "a key or a name");
}

/* Pushes the field of the options at 2 and returns it as a slice; it may be absent. */
static rl_slice field(lua_State *L, const char *name) {
  return lua_getfield(L, 2, name) == LUA_TSTRING ? rl_check_slice(L, -1) : RL_SLICE_NONE;
}

static bool flag(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  bool set = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return set;
}

static int64_t seconds(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  int64_t value = (int64_t)luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return value;
}

static void set_issuer(lua_State *L, rl_certificate_plan *plan, rl_buf **key) {
  if (!field(L, "issuer").len) return;
  plan->issuer = rl_buf_slice(push_der(L, lua_gettop(L), RL_PEM_CERTIFICATE, "the issuer"));
  field(L, "issuer_key");
  *key = push_key(L, lua_gettop(L));
  plan->issuer_key = rl_buf_slice(*key);
}

/* certificate_make(key, {names, from, to, title, authority, client, issuer, issuer_key, digest}) -> certificate. Times are seconds
 * since 1970. Without an issuer it signs itself. */
static int l_certificate_make(lua_State *L) {
  rl_slice names[RL_CERTIFICATE_NAMES];
  luaL_checktype(L, 2, LUA_TTABLE);
  rl_certificate_plan plan = {.names = names,
                              .from = seconds(L, "from"),
                              .to = seconds(L, "to"),
                              .is_authority = flag(L, "authority"),
                              .is_client = flag(L, "client")};
  lua_getfield(L, 2, "names");
  if (!lua_isnil(L, -1)) plan.count = check_names(L, lua_gettop(L), names);
  plan.title = field(L, "title").data;
  rl_slice digest = field(L, "digest");
  luaL_argcheck(L, !digest.len || digest.len == RL_SHA256_SIZE, 2, "a digest has 32 bytes");
  if (digest.len) plan.digest = (const uint8_t *)digest.data;
  rl_buf *issuer_key = NULL;
  set_issuer(L, &plan, &issuer_key);
  rl_buf *key = push_key(L, 1), *der = rl_scratch_push(L);
  int code = rl_certificate_make(&plan, rl_buf_slice(key), der);
  give_secret(key);
  if (issuer_key) give_secret(issuer_key);
  return push_pem(L, der, code, RL_PEM_CERTIFICATE, "a key, a name or the issuer");
}

/* ---- reading ----------------------------------------------------------------------------------------------------------------- */

static void free_facts(void *object) { rl_certificate_facts_free(object); }

typedef struct held_facts {
  rl_owner owner; /* first */
  rl_certificate_facts facts;
} held_facts;

static void set_bytes(lua_State *L, const char *name, const void *bytes, size_t len) {
  lua_pushlstring(L, bytes, len);
  lua_setfield(L, -2, name);
}

static void set_names(lua_State *L, const rl_buf *names) {
  lua_newtable(L);
  lua_Integer count = 0;
  for (size_t at = 0; at < names->len; at += strlen(names->data + at) + 1) {
    lua_pushstring(L, names->data + at);
    lua_rawseti(L, -2, ++count);
  }
  lua_setfield(L, -2, "names");
}

static void push_facts(lua_State *L, const rl_certificate_facts *facts) {
  lua_createtable(L, 0, 7);
  lua_pushinteger(L, facts->from);
  lua_setfield(L, -2, "from");
  lua_pushinteger(L, facts->to);
  lua_setfield(L, -2, "to");
  set_bytes(L, "serial", facts->serial, facts->serial_len);
  set_bytes(L, "authority", facts->authority, facts->authority_len);
  set_bytes(L, "issuer", facts->issuer, strlen(facts->issuer));
  set_bytes(L, "subject", facts->subject, strlen(facts->subject));
  set_names(L, &facts->names);
}

/* certificate_describe(certificate) -> {names, from, to, serial, authority, issuer, subject} of the first in the text */
static int l_certificate_describe(lua_State *L) {
  held_facts *held = (held_facts *)rl_owner_push_sized(L, sizeof *held, free_facts);
  rl_buf *der = push_der(L, 1, RL_PEM_CERTIFICATE, "a certificate");
  int code = rl_certificate_describe(rl_buf_slice(der), &held->facts);
  held->owner.object = &held->facts;
  rl_scratch_give(der);
  if (code) refuse(L, code, "a certificate");
  push_facts(L, &held->facts);
  rl_owner_release(&held->owner);
  return 1;
}

/* certificate_fits(certificate, key) -> whether the first in the text is that of the key */
static int l_certificate_fits(lua_State *L) {
  rl_buf *der = push_der(L, 1, RL_PEM_CERTIFICATE, "a certificate"), *key = push_key(L, 2);
  bool fits = rl_certificate_fits(rl_buf_slice(der), rl_buf_slice(key));
  give_secret(key);
  rl_scratch_give(der);
  lua_pushboolean(L, fits);
  return 1;
}

/* pem_decode(text, label) -> list of what is in the blocks with this label; raises for one that is malformed */
static int l_pem_decode(lua_State *L) {
  rl_slice text = rl_check_slice(L, 1);
  const char *label = luaL_checkstring(L, 2);
  luaL_argcheck(L, strlen(label) <= 40, 2, "a label is short");
  rl_buf *der = rl_scratch_push(L);
  int code;
  lua_newtable(L);
  for (lua_Integer count = 1; (code = rl_pem_next(&text, label, der)) == RL_OK; count++) {
    rl_push_slice(L, rl_buf_slice(der));
    rl_buf_clear(der);
    lua_rawseti(L, -2, count);
  }
  rl_scratch_give(der);
  return code == RL_ENOTFOUND ? 1 : refuse(L, code, "PEM");
}

static const luaL_Reg functions[] = {{"ec_key", l_ec_key},
                                     {"ec_key_public", l_ec_key_public},
                                     {"ec_key_sign", l_ec_key_sign},
                                     {"certificate_ask", l_certificate_ask},
                                     {"certificate_make", l_certificate_make},
                                     {"certificate_describe", l_certificate_describe},
                                     {"certificate_fits", l_certificate_fits},
                                     {"pem_decode", l_pem_decode},
                                     {NULL, NULL}};

void rl_bind_certificate(lua_State *L) { luaL_setfuncs(L, functions, 0); }
