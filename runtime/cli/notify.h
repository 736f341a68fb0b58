/*
 * Tells systemd the state of the service (sd_notify(3)) if NOTIFY_SOCKET is set. The protocol is one datagram of NAME=value
 * lines, so no library is needed.
 */
#ifndef RL_CLI_NOTIFY_H
#define RL_CLI_NOTIFY_H

#include <stdbool.h>

/* Sends "READY=1", "STOPPING=1", "MAINPID=123". Does nothing if nobody listens. */
void rl_notify(const char *text);
/* Returns true if there is somebody to tell. */
bool rl_notify_wanted(void);

#endif
