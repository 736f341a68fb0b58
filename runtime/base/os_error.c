/* Codes for values of errno; see os_error.h. */
#include "base/os_error.h"

#include <errno.h>

#include "base/descriptors.h"
#include "base/error.h"

int rl_error_from_errno(int saved_errno) {
  switch (saved_errno) {
    case 0: return RL_OK;
    case ENOMEM:
    case ENOBUFS:
    case EMFILE:
    case ENFILE: return rl_descriptors_check_errno(saved_errno);
#if EAGAIN != EWOULDBLOCK
    case EWOULDBLOCK:
#endif
    case EAGAIN: return RL_EAGAIN;
    case EPIPE:
    case ECONNRESET: return RL_ERESET;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH: return RL_ECONNECT;
    case ETIMEDOUT: return RL_ETIMEOUT;
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG: return RL_ENOTFOUND;
    case EACCES:
    case EPERM: return RL_EDENIED;
    case EEXIST: return RL_EEXISTS;
    case ENOSPC:
    case EFBIG:
    case EDQUOT: return RL_EFULL;
    case EINVAL: return RL_EINVALID;
    default: return RL_EIO;
  }
}
