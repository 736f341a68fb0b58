/* Who carries a request; see client.h. */
#include "client/client.h"

static bool is_straight(const rl_route *route) { return !route || (!route->proxy && !route->user); }

/* A URL that cannot be cut leaves something to guess: curl says what, or knows what to do (a scoped address, dots). */
static bool is_plain(const rl_exchange *x, rl_url_parts *url) {
  return is_straight(x->route) && rl_location_cut(rl_slice_str(x->url), url) && !url->secure &&
         !rl_target_has_dots(url->target);
}

int rl_client_start(rl_transfer *t, const rl_exchange *x) {
  return rl_transfer_start(t, is_plain(x, &t->by_link.url) ? &rl_carrier_link : &rl_carrier_curl, x);
}
