/*
 * The site that the wire tests talk to. Its handlers are in C, and each shows one way to deal with a request.
 *
 *   /                    "hello"                          /echo            the whole body back
 *   /ignore              answers, body unread             /late            reads the body after 100 ms, then as /echo
 *   /wait/{ms:int}       answers after so long            /never           never answers
 *   /dropped             releases without an answer       /abort           breaks its answer off
 *   /bytes/{n:int}       streams n bytes                  /sized/{n:int}   the same, with their number announced
 *   /large/{n:int}       the same, and refuses the request's body at once
 *   /short  /over        less, more than was announced    /status/{n:int}  that status, with a body
 *   /file/{n:int}        a file of so many bytes          /file/short      one that is shorter than was announced
 *   /file/dropped        lets go of the file in the middle of it
 *   /duplex              sends each piece of the body back as it comes, its head first
 *   /trailers            the request's trailers back      /sends/trailers  answers with a trailer of its own
 *   /headers             the fields as the handler sees them
 *   /target/{rest:path}  method, path, query, host, scheme, remote
 *   /unsafe/{what}       tries to answer with a header that must not leave: name, value, nul, type, length, coding, trailer,
 *                        status
 *   /hints               "hello" after 103 Early Hints, and one more that comes too late
 *   /first               answers when the first piece of the body has come, and wants no more of it
 *   /sips                takes the body one piece every 10 ms
 *   /small               as /echo, with a body limit of 10 bytes
 *   /twice  /after-end   uses a request after it has answered
 *
 * Each adds to client->events: its path, how its body ended ("end too_large"), and that the client left ("gone reset").
 */
#ifndef CTESTS_SUPPORT_SITE_H
#define CTESTS_SUPPORT_SITE_H

typedef struct test_server test_server;

/* Adds the routes to the server's router. */
void site_install(test_server *server);

#endif
