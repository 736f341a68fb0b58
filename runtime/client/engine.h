/*
 * The engine: libcurl's multi interface on the loop. One for each Lua state of a worker; no thread, no polling.
 *
 *   curl says which sockets matter  --on_socket-->  uv_poll       a socket is ready --> curl_multi_socket_action
 *   curl says when it is due        --on_due----->  uv_timer      it is due         --> curl_multi_socket_action
 *                                                   ready queue   (due at once: in this turn, after what is ready)
 *   a transfer has ended            <-- curl_multi_info_read      easy->on_done
 *
 * curl's clock is the real one and drives its own machinery only (names, the choice among addresses); every deadline that a
 * program sees is an rl_timer (client/transfer.h), so that virtual time moves it.
 *
 * A socket of an idle connection stays watched: a request on a kept connection then costs no epoll_ctl. An event that curl
 * does not care about (the server closed) ends the watching, and the connection; curl finds that before it uses it again.
 *
 * An HTTP/2 connection carries one request at a time. Several on one, of which some are paused because nobody reads them, do
 * not all wake up again in libcurl 7.88: bytes that were read for one while another was served stay in it (seen with 5
 * parallel bodies of 150 KB).
 *
 * Nor does curl 7.88 see that a stream of HTTP/2 is closed where it was its own last byte that closed it, the server having
 * ended it before: an easy handle that is answered early is looked at again after every run.
 *
 * Counted by reference: each pool holds one. curl is loaded, and its multi handle made, when the first transfer needs it.
 */
#ifndef RL_CLIENT_ENGINE_H
#define RL_CLIENT_ENGINE_H

#include "client/libcurl.h"

#include "client/resolver.h"
#include "loop/loop.h"

typedef struct rl_engine rl_engine;
typedef struct rl_easy rl_easy;

/* An easy handle and who is told of its end. Embedded; CURLOPT_PRIVATE of `curl` is set to it by rl_engine_add. */
struct rl_easy {
  CURL *curl;
  bool added;
  rl_list early;  /* among those that are answered before all is sent */
  bool connected; /* set by the owner once a connection is ready to carry the request */
  /* The transfer is over and the handle is out of the engine; may add, remove and free others and itself. */
  void (*on_done)(rl_easy *easy, CURLcode result);
};

/* With one reference, the caller's. Returns NULL if out of memory. The loop outlives it by a turn: its handles close there. */
rl_engine *rl_engine_new(rl_loop *loop);
rl_engine *rl_engine_ref(rl_engine *engine);
void rl_engine_unref(rl_engine *engine);
rl_loop *rl_engine_loop(const rl_engine *engine);
/* What the connections of our own that these pools make find names by. */
rl_resolver *rl_engine_resolver(const rl_engine *engine);
/* The pools on it, by their `node` (client/pool.h). */
rl_list *rl_engine_pools(rl_engine *engine);

/* Loads curl and makes what its handles are added to, before the first handle is made. 0, RL_ENOMEM, RL_ENOFILES, or RL_EIO: then `*why` is a
 * static line that says which package is missing. */
int rl_engine_open(rl_engine *engine, const char **why);
/* Sets up a handle before it is added: its sockets are closed through the engine. */
void rl_engine_prepare(rl_engine *engine, CURL *curl);
/* Starts the transfer. 0 or RL_ENOMEM. Not from inside a callback of curl's. */
int rl_engine_add(rl_engine *engine, rl_easy *easy);
/* Takes a handle out for good, whatever it is doing: its connection is closed where it was in use. on_done will not come. */
void rl_engine_remove(rl_engine *engine, rl_easy *easy);
/* From CURLOPT_PREREQFUNCTION, which knows the port: a connection is about to carry the request, a kept one perhaps. False:
 * on that one stands what nobody has asked for, which would be taken for the answer; it is ended, and not to be used. */
bool rl_engine_note_busy(rl_engine *engine, rl_easy *easy, long local_port);
/* From CURLOPT_HEADERFUNCTION: a stream of HTTP/2 is answered, and not all of the request is sent. */
void rl_engine_note_early(rl_engine *engine, rl_easy *easy);
/* CURLOPT_CONNECTTIMEOUT_MS for a time out of ours, which comes first: curl shares it out among the addresses of a host.
 * 0: none. */
long rl_engine_connect_timeout(uint32_t ms);
/* A socket for curl (CURLOPT_OPENSOCKETFUNCTION): watched by the engine until curl closes it. CURL_SOCKET_BAD on failure. */
curl_socket_t rl_engine_socket(rl_engine *engine, const struct curl_sockaddr *address);

#endif
