/* Redirects to https, and the answers of ACME; see redirect.h. */
#include "server/redirect.h"

#include "base/ascii.h"
#include "http/request.h"
#include "server/answer.h"

enum { ANSWER_MOST = 1024 };

/* ---- the answers of ACME ---------------------------------------------------------------------------------------------------- */

/* A token is base64url (RFC 8555 section 8.3). */
static bool is_token(rl_slice text) {
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    if (!rl_is((unsigned char)c, RL_CHAR_ALPHA | RL_CHAR_DIGIT) && c != '-' && c != '_') return false;
  }
  return text.len > 0;
}

static bool answer_challenge(rl_redirect *r, rl_req *req) {
  const rl_slice prefix = RL_SLICE("/.well-known/acme-challenge/");
  if (!r->find_answer || !rl_slice_starts(req->raw_path, prefix)) return false;
  rl_slice token = rl_slice_of(req->raw_path.data + prefix.len, req->raw_path.len - prefix.len);
  rl_buf text;
  rl_buf_init(&text, ANSWER_MOST);
  bool found = is_token(token) && r->find_answer(r, token, &text) && !text.error;
  if (found) {
    rl_resp resp = {.status = 200, .content_type = RL_SLICE("application/octet-stream"), .body = rl_buf_slice(&text)};
    req->ops->respond(req, &resp);
    req->ops->release(req);
  }
  rl_buf_free(&text);
  return found;
}

/* ---- the redirect ----------------------------------------------------------------------------------------------------------- */

/* The name is one of ours; what follows it is the client's own, to the byte. */
static void add_location(const rl_redirect *r, const rl_req *req, rl_slice name, rl_buf *out) {
  bool is_ipv6 = rl_slice_find(name, ':', 0) < name.len;
  rl_buf_addf(out, is_ipv6 ? "https://[%.*s]" : "https://%.*s", (int)name.len, name.data);
  if (r->port != 443) rl_buf_addf(out, ":%d", r->port);
  if (!rl_slice_starts(req->raw_path, RL_SLICE("/"))) rl_buf_add_char(out, '/'); /* "OPTIONS *" */
  else rl_buf_add_slice(out, req->raw_path);
  if (req->query.data) rl_buf_add_char(out, '?');
  rl_buf_add_slice(out, req->query);
}

static void redirect(const rl_redirect *r, rl_req *req, rl_slice name) {
  rl_buf location;
  rl_buf_init(&location, RL_BUF_NO_LIMIT);
  add_location(r, req, name, &location);
  rl_header header = {.name = RL_SLICE("Location"), .id = RL_HEADER_LOCATION, .value = rl_buf_slice(&location)};
  if (location.error) rl_answer_text(req, 503, NULL, NULL, 0);
  else rl_answer_text(req, 308, "this is served over https only", &header, 1);
  rl_buf_free(&location);
}

static void handle(rl_handler *handler, rl_req *req) {
  rl_redirect *r = (rl_redirect *)handler;
  char room[RL_HOST_NAME];
  if (answer_challenge(r, req)) return;
  rl_slice name = rl_authority_name(req->host, room);
  rl_redirect_host host = name.len ? r->knows(r, name) : RL_REDIRECT_STRANGE;
  if (!name.len) rl_answer_text(req, 400, "a Host header was expected: this is served over https only", NULL, 0);
  else if (host == RL_REDIRECT_OURS) redirect(r, req, name);
  else if (host == RL_REDIRECT_NOT_YET) rl_answer_text(req, 503, "no certificate yet, try again in a moment", NULL, 0);
  else rl_answer_text(req, 421, "this is served over https only, and not for that host", NULL, 0);
}

void rl_redirect_init(rl_redirect *r, int port) { *r = (rl_redirect){.handler.handle = handle, .port = port}; }
