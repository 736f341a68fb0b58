/* curl's results; see curl_error.h. */
#include "client/carrier/curl_error.h"

#include <stdio.h>
#include <string.h>

#include "base/descriptors.h"
#include "base/error.h"

static int code_of(CURLcode result) {
  switch (result) {
    case CURLE_OUT_OF_MEMORY: return RL_ENOMEM;
    case CURLE_URL_MALFORMAT: return RL_EINVALID;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return RL_EPROTOCOL;
    case CURLE_OPERATION_TIMEDOUT: return RL_ETIMEOUT;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_INTERFACE_FAILED:
    case CURLE_PROXY: return RL_ECONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT: return RL_ETLS;
    default: return RL_ERESET;
  }
}

/* Broken framing has no code of its own in curl. */
static bool is_framing(const char *detail) { return strstr(detail, "chunk") || strstr(detail, "Content-Length"); }

/* Nor has a certificate that the other side refuses after the handshake (TLS 1.3): its alert is an error of reading. */
static bool is_alert(const char *detail) { return strstr(detail, " alert ") != NULL; }

static const char *words_for(CURLcode result) {
  switch (result) {
    case CURLE_GOT_NOTHING: return "the connection was closed before a response came";
    case CURLE_PARTIAL_FILE: return "the connection was closed in the middle of the body";
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_ABORTED_BY_CALLBACK: return "the connection was closed, and the request cannot be sent again";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return "the connection was reset";
    case CURLE_COULDNT_RESOLVE_HOST: return "the host's name could not be resolved";
    case CURLE_COULDNT_RESOLVE_PROXY: return "the proxy's name could not be resolved";
    case CURLE_OPERATION_TIMEDOUT: return "could not connect in time";
    default: return NULL;
  }
}

static void write_connect(CURL *easy, char text[RL_CURL_ERROR_TEXT]) {
  long saved = 0;
  rl_curl.easy_getinfo(easy, CURLINFO_OS_ERRNO, &saved);
  snprintf(text, RL_CURL_ERROR_TEXT, "could not connect%s%s", saved ? ": " : "", saved ? strerror((int)saved) : "");
}

/* curl does not say that it found no descriptor for a socket, nor the resolver for its own. */
static int ran_out(CURLcode result, char text[RL_CURL_ERROR_TEXT]) {
  bool opens = result == CURLE_COULDNT_CONNECT || result == CURLE_COULDNT_RESOLVE_HOST ||
               result == CURLE_COULDNT_RESOLVE_PROXY || result == CURLE_FAILED_INIT || result == CURLE_OUT_OF_MEMORY;
  int code = opens ? rl_descriptors_check() : RL_OK;
  if (code) snprintf(text, RL_CURL_ERROR_TEXT, "could not connect: %s", rl_error_text(code));
  return code;
}

int rl_curl_error_of(CURL *easy, CURLcode result, const char *detail, bool denied, char text[RL_CURL_ERROR_TEXT]) {
  const char *words = words_for(result);
  int code = code_of(result);
  if (result == CURLE_HTTP2_STREAM && !detail[0]) { /* without an error; all others have their words */
    snprintf(text, RL_CURL_ERROR_TEXT, "the server closed the stream before it was sent all");
    return RL_ERESET;
  }
  if (!detail[0]) detail = rl_curl.easy_strerror(result);
  if (denied) {
    snprintf(text, RL_CURL_ERROR_TEXT, "this address may not be reached");
    return RL_EDENIED;
  }
  int out = ran_out(result, text);
  if (out) return out;
  if (strstr(detail, "CONNECT")) { /* a proxy that refuses the tunnel ends it as if it had been reset */
    snprintf(text, RL_CURL_ERROR_TEXT, "the proxy refused: %s", detail);
    return RL_ECONNECT;
  }
  if (result == CURLE_COULDNT_CONNECT) write_connect(easy, text);
  else snprintf(text, RL_CURL_ERROR_TEXT, "%s", words && !is_framing(detail) && !is_alert(detail) ? words : detail);
  if (code != RL_ERESET) return code;
  return is_alert(detail) ? RL_ETLS : is_framing(detail) ? RL_EPROTOCOL : code;
}
