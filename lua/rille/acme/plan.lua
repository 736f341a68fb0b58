-- When to do what: pure functions of a certificate, the state, and the clock. Times are seconds since 1970 on the wall clock,
-- which may step; nothing here waits.
local M = {}

local MINUTE, HOUR, DAY = 60, 3600, 86400

M.LOOK = 60 -- how often the clock and the folder are looked at

-- ---- renewal --------------------------------------------------------------------------------------------------------

--- by_life(facts, random) -> when a third of the life is left, up to a thirtieth earlier, so that many do not come at once
function M.by_life(facts, random)
  local life = facts.to - facts.from
  return facts.from + life * 2 / 3 - life / 30 * random()
end

--- in_window(facts, from, to, random) -> a moment in the window that the server suggests (RFC 9773 section 4.2), but never so
--- late that less than a tenth of the life is left
function M.in_window(facts, from, to, random)
  local latest = facts.to - (facts.to - facts.from) / 10
  return math.min(from + (to - from) * random(), latest)
end

--- ari_pause(retry_after) -> seconds until the server is asked again: six hours unless it says, within a minute and a day
function M.ari_pause(retry_after)
  return math.max(MINUTE, math.min(retry_after or 6 * HOUR, DAY))
end

-- ---- failures -------------------------------------------------------------------------------------------------------

local pauses = { 1, 2, 5, 10, 20, 30, 60, 120, 180, 360 } -- minutes

--- pause(failures, left, retry_after, random) -> seconds until the next try. `left`: the certificate's; the less is left, the
--- more often it is tried, but never more than once a minute. Up to a fifth is added, so that many do not come at once.
function M.pause(failures, left, retry_after, random)
  local pause = pauses[math.max(1, math.min(failures, #pauses))] * MINUTE
  if left and left > 0 then pause = math.max(MINUTE, math.min(pause, left / 10)) end
  return math.max(pause * (1 + random() / 5), retry_after or 0)
end

M.MOST_ORDERS = 20 -- in a day, whatever happens: authorities count them

--- count_orders(orders, now) -> those of the last day. Times in the future are those of a clock that was wrong.
function M.count_orders(orders, now)
  local recent = {}
  for _, at in ipairs(orders) do
    if type(at) == "number" and at > now - DAY and at <= now then recent[#recent + 1] = at end
  end
  return recent
end

--- order_allowed(orders, now) -> the time from which one more order is allowed
function M.order_allowed(orders, now)
  local recent = M.count_orders(orders, now)
  if #recent < M.MOST_ORDERS then return now end
  return recent[#recent - M.MOST_ORDERS + 1] + DAY
end

-- ---- warnings -------------------------------------------------------------------------------------------------------

--- warns(facts, now) -> whether a certificate that could not be renewed is worth a warning: two weeks before its end, or a
--- third of a short life
function M.warns(facts, now)
  return facts.to - now < math.min(14 * DAY, (facts.to - facts.from) / 3)
end

M.WARN_EVERY = DAY

--- date(seconds) -> "2026-11-30T20:37:00Z"
function M.date(seconds) return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds // 1) end

return M
