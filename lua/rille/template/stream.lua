-- A page that goes out while it is written. The template runs in a task of its own; whenever that waits (for a query, for
-- room) the task of the request takes what has been written and sends it:
--
--   request's task    run:  drain -> out:write -> wait for data -> drain …
--   template's task         print … ready() … print … pause() (waits while there is too much) … end
local native = require "rille.native.core"

local Stream = {}
Stream.__index = Stream

local MOST_PENDING = 16384

--- Stream.new(page, R): R is the runtime's functions.
function Stream.new(page, R)
  return setmetatable({ page = page, R = R, data = native.queue(), room = native.queue(), ended = false }, Stream)
end

--- The template is about to call a function that may wait: what is there may go out meanwhile.
function Stream:ready()
  if self.data:count() > 0 and self.R.pending(self.page) > 0 then self.data:wake() end
end

--- The template is at a point where it may wait: it does while much has not been taken yet.
function Stream:pause()
  while self.R.pending(self.page) >= MOST_PENDING do
    self.data:wake()
    self.room:wait "the client to take the page"
  end
end

local function guard(stream)
  return setmetatable({}, { __close = function()
    stream.ended = true
    stream.data:wake()
  end })
end

--- Runs print() in a task, and write(text) with what it prints, until it has ended. Raises what print raises.
function Stream:run(print, write)
  local task = native.spawn(function()
    local ending <close> = guard(self) -- luacheck: ignore 211
    print()
  end)
  while true do
    local text = self.R.drain(self.page)
    if text then
      write(text)
      self.room:wake()
    elseif self.ended then
      break
    else
      self.data:wait "a template"
    end
  end
  task:wait()
end

return Stream
