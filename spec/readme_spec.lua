-- What the README shows can be typed: its commands are asked of the blog as they stand there, and what they name is there.
local native = require "rille.native.core"
local recipes = require "spec.support.recipes"
local rille = require "rille"
local scratches = require "spec.support.scratch"
local served = require "spec.support.served"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local readme = read "README.md"

describe("the README", function()
  it("shows curl what the blog answers", function()
    local scratch <close> = scratches.new()
    local server <close> = served.start(scratch, { command = "serve " .. native.root .. "/app",
      environment = "DATABASE=blog.db SECRET=" .. ("x"):rep(32) })
    local count = 0
    for command in readme:gmatch "\n(curl [^\n]+)" do
      local typed = command:gsub("127%.0%.0%.1:8080", "127.0.0.1:" .. server.port):gsub(" +#.*", "")
      local answer = rille.json_decode(scratch:run("sh -c", typed:gsub("^curl", "curl -sS")))
      assert.equal("ok", answer.status, command)
      count = count + 1
    end
    assert.is_true(count >= 2)
  end)

  it("names files that are there", function()
    for path in readme:gmatch "%]%(([%w_/.-]+)" do assert.truthy(native.file_info(path), path) end
    for path in readme:gmatch "\n(script/%l+)" do assert.truthy(native.file_info(path), path) end
  end)

  it("counts the recipes, and says what is not there yet", function()
    assert.equal(#recipes.read "docs/cookbook.md", tonumber(readme:match "(%d+) complete programs"))
    local there = pcall(function() return assert(rille.websocket) end)
    assert.equal(not there, readme:find "does not speak [^\n]*WebSocket yet" ~= nil)
  end)
end)
