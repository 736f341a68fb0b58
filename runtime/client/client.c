/* Who carries a request; see client.h. */
#include "client/client.h"

#include <string.h>

#include "client/path.h"

static bool is_straight(const rl_route *route) { return !route || (!route->proxy && !route->user); }

/* A URL that cannot be cut leaves something to guess: curl says what, or knows what to do (a scoped address, dots). */
static bool is_plain(const rl_client_request *x, rl_url_parts *url) {
  return is_straight(x->route) && rl_location_cut(rl_slice_str(x->url), url) && !url->secure &&
         !rl_path_has_dots(url->target);
}

/* Without a body they say so: "Content-Length: 0" (RFC 9110 section 8.6). */
static bool usually_has_body(const char *method) {
  return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

int rl_client_start(rl_transfer *t, const rl_client_request *exchange) {
  rl_client_request x = *exchange;
  x.has_body = x.has_body || usually_has_body(x.method);
  return rl_transfer_start(t, is_plain(&x, &t->by_http1.url) ? &rl_carrier_http1 : &rl_carrier_curl, &x);
}
