/*
 * Tells systemd how the service is (sd_notify(3)), where it wants to know: NOTIFY_SOCKET. The protocol is one datagram of
 * NAME=value lines, so no library is needed.
 */
#ifndef RL_CLI_NOTIFY_H
#define RL_CLI_NOTIFY_H

#include <stdbool.h>

/* "READY=1", "STOPPING=1", "MAINPID=123". Nothing happens where nobody listens. */
void rl_notify(const char *text);
/* Whether there is somebody to tell. */
bool rl_notify_wanted(void);

#endif
