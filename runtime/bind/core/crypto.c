/*
 * Secrets for Lua: digests, tokens, sealed values, passwords. Most are plain calls. Hashing a password takes about 80 ms of a
 * core and 64 MiB, so it runs on the thread pool, through a gate that bounds how many run and wait, while the task waits.
 */

#include "base/alloc.h"
#include "base/error.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "bind/core/gated_call.h"
#include "crypto/digest.h"
#include "crypto/password.h"
#include "crypto/seal.h"
#include "vm/owner.h"

/* ---- digests and tokens ----------------------------------------------------------------------------------------------------- */

/* sha256(s) -> lower-case hex */
static int l_sha256(lua_State *L) {
  char hex[RL_SHA256_HEX];
  rl_sha256_hex(rl_check_slice(L, 1), hex);
  lua_pushlstring(L, hex, sizeof hex);
  return 1;
}

/* hmac_sha256(key, s) -> lower-case hex */
static int l_hmac_sha256(lua_State *L) {
  char hex[RL_SHA256_HEX];
  rl_hmac_sha256_hex(rl_check_slice(L, 1), rl_check_slice(L, 2), hex);
  lua_pushlstring(L, hex, sizeof hex);
  return 1;
}

/* secure_compare(a, b) -> boolean; nil equals nothing */
static int l_secure_compare(lua_State *L) {
  luaL_checkany(L, 2);
  bool both = !lua_isnil(L, 1) && !lua_isnil(L, 2);
  lua_pushboolean(L, both && rl_equal_in_constant_time(rl_check_slice(L, 1), rl_check_slice(L, 2)));
  return 1;
}

/* random_bytes(n) -> n bytes */
static int l_random_bytes(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  luaL_argcheck(L, n >= 0 && n <= 4096, 1, "0 to 4096 bytes");
  luaL_Buffer b;
  rl_random_bytes(luaL_buffinitsize(L, &b, (size_t)n), (size_t)n);
  luaL_pushresultsize(&b, (size_t)n);
  return 1;
}

static int push_base64url(lua_State *L, rl_slice s) {
  rl_buf *scratch = rl_scratch_push(L);
  return rl_scratch_result(L, scratch, rl_base64url_encode(scratch, s));
}

/* Pushes the result, or nil if the input was not valid. Raises if out of memory. */
static int push_or_nil(lua_State *L, rl_buf *scratch, int code) {
  if (!code || code == RL_ENOMEM) return rl_scratch_result(L, scratch, code);
  rl_scratch_give(scratch);
  lua_pushnil(L);
  return 1;
}

/* base64url_encode(s) -> string without padding */
static int l_base64url_encode(lua_State *L) { return push_base64url(L, rl_check_slice(L, 1)); }

/* base64url_decode(text) -> bytes, or nil */
static int l_base64url_decode(lua_State *L) {
  rl_slice text = rl_check_slice(L, 1);
  rl_buf *scratch = rl_scratch_push(L);
  return push_or_nil(L, scratch, rl_base64url_decode(scratch, text));
}

/* random_token(n = 32) -> n random bytes as url-safe base64 */
static int l_random_token(lua_State *L) {
  unsigned char bytes[1024];
  lua_Integer n = luaL_optinteger(L, 1, 32);
  luaL_argcheck(L, n >= 1 && n <= (lua_Integer)sizeof bytes, 1, "a token has 1 to 1024 bytes");
  rl_random_bytes(bytes, (size_t)n);
  return push_base64url(L, rl_slice_of((const char *)bytes, (size_t)n));
}

/* ---- sealed values ------------------------------------------------------------------------------------------------------------ */

rl_keyring *rl_check_keyring(lua_State *L, int index) { return luaL_checkudata(L, index, "rille.keyring"); }

static int keyring_gc(lua_State *L) {
  rl_keyring_free(lua_touserdata(L, 1));
  return 0;
}

/* keyring(secrets) -> key ring of a list of strings, newest first */
static int l_keyring(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  rl_keyring *ring = lua_newuserdatauv(L, sizeof *ring, 0);
  rl_keyring_init(ring);
  luaL_setmetatable(L, "rille.keyring");
  for (lua_Integer i = 1; lua_geti(L, 1, i) != LUA_TNIL; i++, lua_pop(L, 1)) {
    size_t len;
    const char *secret = luaL_checklstring(L, -1, &len);
    if (rl_keyring_add(ring, rl_slice_of(secret, len)))
      return luaL_error(L, "at most %d secrets at once", RL_KEYRING_MOST);
  }
  lua_pop(L, 1);
  luaL_argcheck(L, ring->count > 0, 1, "at least one secret");
  return 1;
}

static rl_seal_context check_context(lua_State *L) {
  rl_seal_context context = {.ring = rl_check_keyring(L, 1),
                             .purpose = rl_check_slice(L, 2),
                             .now_ms = rl_loop_time(rl_vm_of(L)->loop),
                             .max_age_ms = -1};
  return context;
}

/* seal(ring, purpose, bytes) -> text */
static int l_seal(lua_State *L) {
  rl_seal_context context = check_context(L);
  rl_slice bytes = rl_check_slice(L, 3);
  rl_buf *scratch = rl_scratch_push(L);
  return rl_scratch_result(L, scratch, rl_seal(&context, bytes, scratch));
}

/* unseal(ring, purpose, text, max_age?) -> bytes, or nil */
static int l_unseal(lua_State *L) {
  rl_seal_context context = check_context(L);
  rl_slice text = rl_check_slice(L, 3);
  if (!lua_isnoneornil(L, 4)) {
    double seconds = rl_check_seconds(L, 4);
    context.max_age_ms = seconds < 1e12 ? (int64_t)(seconds * 1000) : -1;
  }
  rl_buf *scratch = rl_scratch_push(L);
  return push_or_nil(L, scratch, rl_unseal(&context, text, scratch, NULL));
}

/* process_secret() -> 32 random bytes, the same in all states of this process and as long as it lives */
static int l_process_secret(lua_State *L) {
  rl_push_slice(L, rl_process_secret());
  return 1;
}

/* ---- passwords ------------------------------------------------------------------------------------------------------------------ */

/* One hash under way. */
typedef struct password_job {
  rl_gated_call call; /* first */
  bool verifies;
  int code;
  size_t len, hash_len;
  char password[RL_PASSWORD_MOST], hash[RL_PASSWORD_HASH];
} password_job;

static rl_gate password_gate;

static void open_password_gate(void) { rl_gated_call_open(&password_gate, RL_LIMIT_PASSWORD_QUEUE); }

static void run_password(rl_gated *gated) {
  password_job *job = RL_CONTAINER(gated, password_job, call.gated);
  rl_slice password = rl_slice_of(job->password, job->len);
  if (job->verifies) job->code = rl_password_verify(password, rl_slice_of(job->hash, job->hash_len));
  else job->code = rl_password_hash(password, job->hash);
}

static void free_job(rl_gated_call *call) {
  rl_wipe(call, sizeof(password_job));
  rl_free(call);
}

static int password_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  rl_owner *owner = (rl_owner *)ctx;
  const password_job *job = owner->object;
  int code = job->code;
  if (code && code != RL_EDENIED) return rl_owner_release(owner), rl_error_raise(L, code, NULL);
  if (job->verifies) lua_pushboolean(L, code == RL_OK);
  else lua_pushstring(L, job->hash);
  rl_owner_release(owner);
  return 1;
}

static password_job *new_job(lua_State *L, rl_slice password, rl_slice hash, bool verifies) {
  password_job *job = rl_calloc(1, sizeof *job);
  if (!job) rl_error_raise(L, RL_ENOMEM, NULL);
  job->verifies = verifies;
  job->len = password.len;
  job->hash_len = hash.len;
  memcpy(job->password, password.data, password.len);
  if (hash.len) memcpy(job->hash, hash.data, hash.len);
  job->call.gated.run = run_password;
  job->call.free = free_job;
  return job;
}

/* Starts a job and waits for it. The caller has checked the sizes of both strings. Raises code "busy" if too many wait. */
static int start_password(lua_State *L, const char *name, rl_slice password, rl_slice hash, bool verifies) {
  static uv_once_t once = UV_ONCE_INIT;
  uv_once(&once, open_password_gate);
  rl_task_may_wait(L, name);
  rl_owner *owner = rl_owner_push(L, rl_gated_call_let_go);
  owner->object = new_job(L, password, hash, verifies);
  int waits = rl_gated_call_wait(L, &password_gate, name, owner, password_k);
  return waits ? waits : rl_error_raise(L, RL_EBUSY, "too many passwords are being checked, try again later");
}

/* password_hash(password) -> hash; raises code "invalid" for one that is empty or too long */
static int l_password_hash(lua_State *L) {
  rl_slice password = rl_check_slice(L, 1);
  if (!rl_password_fits(password))
    return rl_error_raise(L, RL_EINVALID, "a password has 1 to %d bytes", RL_PASSWORD_MOST);
  return start_password(L, "password.hash", password, RL_SLICE_NONE, false);
}

/* password_verify(password, hash) -> boolean; without a hash it takes as long and is false */
static int l_password_verify(lua_State *L) {
  rl_slice password = rl_check_slice(L, 1);
  rl_slice hash = lua_isnoneornil(L, 2) ? rl_password_of_nobody : rl_check_slice(L, 2);
  if (!rl_password_fits(password) || hash.len >= RL_PASSWORD_HASH) {
    lua_pushboolean(L, 0);
    return 1;
  }
  return start_password(L, "password.verify", password, hash, true);
}

/* password_is_stale(hash) -> whether it was made with other parameters than a new one would be */
static int l_password_is_stale(lua_State *L) {
  lua_pushboolean(L, rl_password_is_stale(rl_check_slice(L, 1)));
  return 1;
}

static const luaL_Reg functions[] = {{"sha256", l_sha256},
                                     {"hmac_sha256", l_hmac_sha256},
                                     {"secure_compare", l_secure_compare},
                                     {"random_bytes", l_random_bytes},
                                     {"random_token", l_random_token},
                                     {"base64url_encode", l_base64url_encode},
                                     {"base64url_decode", l_base64url_decode},
                                     {"keyring", l_keyring},
                                     {"seal", l_seal},
                                     {"unseal", l_unseal},
                                     {"process_secret", l_process_secret},
                                     {"password_hash", l_password_hash},
                                     {"password_verify", l_password_verify},
                                     {"password_is_stale", l_password_is_stale},
                                     {NULL, NULL}};

void rl_bind_crypto(lua_State *L) {
  if (!rl_crypto_init()) luaL_error(L, "libsodium does not work here");
  rl_new_metatable(L, "rille.keyring");
  lua_pushcfunction(L, keyring_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
