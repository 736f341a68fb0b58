-- A value with a quote in it forged fields of the text log, and control characters of the C1 set passed, which some terminals
-- act on; so did names of fields, which are a stranger's where a program logs a form.
-- runtime/bind/core/log.c
local rille = require "rille"
local scratch = require "spec.support.scratch"
local served = require "spec.support.served"

local hostile = 'x" level=error admin="true\nlevel=error \27[31m\194\155\226\128\174\226\128\168\127\255'

describe("the log", function()
  local function lines_of(format)
    local place <close> = scratch.new()
    place:write("app.lua", [[
local rille = require "rille"
local app = rille.app()
app:use(rille.request_id { trust = true })
app:post("/log", function(req)
  rille.log.warn("user said", { name = req:bytes(), [req:bytes()] = "key" })
  rille.log.warn("a message " .. req:bytes())
  error(req:bytes(), 0)
end, { name = "a route" })
return app
]])
    local server <close> = served.start(place, { command = "serve app.lua --log " .. format })
    local client <close> = rille.client { timeout = 20 }
    local headers = { ["User-Agent"] = 'evil" level=error \194\155\226\128\174', ["X-Request-ID"] = "a b=c" }
    client:post(server.url .. "/log?a%0Ab", { body = hostile, headers = headers })
    server:stop()
    return server:log()
  end

  -- Nothing but lines that begin as ours do, and no byte that acts.
  local function check(text)
    for byte in text:gmatch "[%c\127-\255]" do assert(byte == "\n" or byte == "\t", text) end
    return text
  end

  it("has a field for each value, as text", function()
    local text = check(lines_of "text")
    for line in text:gmatch "[^\n]+" do
      assert(line:find "^%d%d%d%d%-" or line:find "^    " or line:find "^  %l+:$" or line:find "^127%.0%.0%.1 %- %- ", line)
      if line:find "user said" then
        local rest = line:gsub('\\"', "'"):gsub('"[^"]*"', '""') -- without what is quoted
        assert(not rest:find " level=" and not rest:find " admin=", line)
      end
    end
    assert(text:find([[name="x\" level=error admin=\"true\nlevel=error \x1b[31m\x9b\u{202e}\u{2028}\x7f\xff"]], 1, true), text)
    assert(text:find([["a message x\" level=error]], 1, true), text)
    assert(text:find('route="a route"', 1, true), text)
  end)

  it("has a member for each value, as JSON", function()
    for line in check(lines_of "json"):gmatch "[^\n]+" do
      local record = rille.json_decode(line)
      if record.message == "user said" then
        assert.equal("warn", record.level)
        assert.matches('^x" level=error', record.name)
      end
    end
  end)
end)
