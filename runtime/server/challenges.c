/* Answers to HTTP-01; see challenges.h. */
#include "server/challenges.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/tempfile.h"

/* A token is base64url, so it leads nowhere else. */
static bool is_token(rl_slice token) {
  for (size_t i = 0; i < token.len; i++)
    if (!rl_is((unsigned char)token.data[i], RL_CHAR_ALPHA | RL_CHAR_DIGIT) && token.data[i] != '-' &&
        token.data[i] != '_')
      return false;
  return token.len > 0 && token.len <= RL_CHALLENGE_TOKEN;
}

int rl_challenges_find(const char *directory, rl_slice token, rl_buf *answer) {
  char path[4096], text[RL_CHALLENGE_ANSWER];
  if (!is_token(token)) return RL_ENOTFOUND;
  int len = snprintf(path, sizeof path, "%s/challenges/%.*s", directory, (int)token.len, token.data);
  if (len < 0 || (size_t)len >= sizeof path) return RL_ENOTFOUND;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return RL_ENOTFOUND;
  long got = rl_read_at(fd, 0, text, sizeof text);
  close(fd);
  return got < 0 ? (int)got : rl_buf_add(answer, text, (size_t)got);
}
