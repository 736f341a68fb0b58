-- Passwords: hashed by argon2id on a thread while the task waits. No more run at once than there are cores; what waits too
-- long in line is answered with 503.
--
--   local hash = rille.password.hash "correct horse"            -- keep this
--   if rille.password.verify(password, user and user.password) then …  -- nil takes as long as a wrong password
local native = require "rille.native.core"

return {
  --- hash(password) -> text of about 100 bytes; raises code "invalid" where it is not 1 to 1024 bytes long
  hash = native.password_hash,
  --- verify(password, hash) -> boolean. Without a hash (no such user) it works as long and is false.
  verify = native.password_verify,
  --- needs_rehash(hash) -> whether it was made by weaker parameters than a new one: hash again at the next login
  needs_rehash = native.password_is_stale,
}
