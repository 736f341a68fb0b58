/* Chooses who carries a request; see client.h. */
#include "client/client.h"

#include <string.h>

#include "client/carrier/curl.h"
#include "client/carrier/http1.h"

static bool is_direct(const rl_route *route) { return !route || (!route->proxy && !route->user); }

static bool is_http1(const rl_client_request *request) {
  return !request->location->secure || !request->route || !request->route->http2;
}

static const rl_carrier *carrier_for(const rl_client_request *request) {
  bool ours = is_direct(request->route) && is_http1(request) && !request->location->for_curl;
  return ours ? &rl_carrier_http1 : &rl_carrier_curl;
}

/* A request with one of these methods and no body says "Content-Length: 0" (RFC 9110 section 8.6). */
static bool usually_has_body(const char *method) {
  return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

int rl_client_start(rl_transfer *t, const rl_client_request *given) {
  rl_client_request request = *given;
  request.has_body = request.has_body || usually_has_body(request.method);
  return rl_transfer_start(t, carrier_for(&request), &request);
}
