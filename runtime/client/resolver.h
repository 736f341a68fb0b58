/*
 * A resolver: the addresses of names, by the system's own way to find them (getaddrinfo: files, name servers, whatever nsswitch says).
 *
 *   rl_resolver_ask --> known? --> on_answer, at once
 *                  \--> a lookup, one for each name --on a thread of its own--> remembered --> on_answer
 *
 * getaddrinfo may take half a minute where a name server does not answer, and cannot be stopped. So each lookup has a thread of its
 * own and holds up neither other names nor the thread pool; so many run at once, the others wait in line. One that nobody waits
 * for any more runs to its end, and what it finds is remembered.
 *
 * A name is remembered for RL_LIMIT_CLIENT_DNS_S, on the real clock; a failure is not.
 */
#ifndef RL_CLIENT_RESOLVER_H
#define RL_CLIENT_RESOLVER_H

#include <netdb.h>
#include <netinet/in.h>

#include "base/slice.h"
#include "loop/loop.h"

enum { RL_RESOLVED_MOST = 16 /* addresses of one name: enough to try one after another */ };

typedef struct rl_resolver rl_resolver;
typedef struct rl_question rl_question;

/* With port 0. */
typedef union rl_ip_address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} rl_ip_address;

/* Embedded in who asks. */
struct rl_question {
  rl_list node;
  struct rl_lookup *lookup; /* NULL: not waiting */
  /* Once. The addresses are borrowed until return, and stand in the order in which to try them (RFC 6724). `count` is 0 where there is
   * none: then `code` is RL_ECONNECT, RL_ENOMEM or RL_ENOFILES. */
  void (*on_answer)(rl_question *question, const rl_ip_address *addresses, unsigned count, int code);
};

/* Returns NULL if memory runs out. */
rl_resolver *rl_resolver_new(rl_loop *loop);
/* No question waits any more. Lookups under way are left to themselves. The loop outlives it by a turn. */
void rl_resolver_del(rl_resolver *resolver);
/* Asks for a host's name in ASCII. on_answer comes, at once perhaps, if this returns 0; otherwise RL_ENOMEM or RL_ENOFILES. */
int rl_resolver_ask(rl_resolver *resolver, rl_question *question, rl_slice name);
/* on_answer will not come. Harmless after it came. */
void rl_resolver_withdraw(rl_resolver *resolver, rl_question *question);

/* getaddrinfo, which tests replace. Called on the thread of a lookup. */
extern int (*rl_resolver_getaddrinfo)(const char *name, const char *service, const struct addrinfo *hints,
                                      struct addrinfo **found);

#endif
