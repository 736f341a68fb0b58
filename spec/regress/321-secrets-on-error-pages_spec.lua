-- What pages of `rille dev` show is read over shoulders and pasted into reports: locals, log fields and source are shown without
-- what is a secret by its name, or by having been given as one; cookies and authorization only to who asks for them.
local rille = require "rille"
local scratch = require "spec.support.scratch"
local served = require "spec.support.served"

local program = [[
local rille = require "rille"
local app = rille.app { secret = ("app-").. "secret-of-32-bytes-or-more-0123456789" }
app:use(rille.session { secret = ("session-") .. "secret-of-32-bytes-or-more-01234567" })
app:get("/", function(req)
  local word = req.query.q or "swordfish"
  local password, token = word, { a = word }
  local account = { name = "ada", api_key = word, deep = { secret = word } }
  local harmless = "x app-secret-of-32-bytes-or-more-0123456789 y session-secret-of-32-bytes-or-more-01234567 z"
  local url = "postgres://ada:" .. word .. "@host/x"
  local of_env = os.getenv "PAYMENT_TOKEN"
  local client_secret = "literal-secret-in-source"
  req.session.csrf_token = word
  rille.log.info("a visit by " .. harmless, { password = word, harmless = harmless, id = 7 })
  error("failed with " .. harmless .. " and " .. of_env)
end)
app:get("/task", function()
  rille.spawn(function() error("a task with app-secret-of-32-bytes-or-more-0123456789") end)
  rille.sleep(0.02)
  return "x"
end)
return app
]]

local hidden = { "app-secret-of", "session-secret-of", "payment-of-env", "literal-secret", "the-sesame" }

describe("a page of rille dev", function()
  local place, client

  before_each(function()
    place = scratch.new()
    place:write("app.lua", program)
    place:write(".env", "PAYMENT_TOKEN=payment-of-env\nNAME=harmless-of-env\n")
    client = rille.client { timeout = 20, cookies = false }
  end)

  after_each(function()
    client:close()
    place:close()
  end)

  local function assert_hidden(text, what)
    for _, secret in ipairs(hidden) do assert.is_nil(text:find(secret, 1, true), what .. ": " .. secret) end
    assert.matches("••••••", text, 1, true)
  end

  -- What the client itself has sent stands in the page, in what is folded and hidden, and nowhere else.
  local function without_hidden(html)
    return (html:gsub('<details class="secret">.-</details>', ""))
  end

  it("shows no secret in any form", function()
    local server <close> = served.start(place, { command = "dev app.lua" })
    for _, kind in ipairs { "text/html", "text/plain", "application/json" } do
      local text = client:get(server.url .. "/", { headers = { Accept = kind, Authorization = "Basic the-sesame",
        Cookie = "sid=the-sesame" } }):text()
      assert_hidden(without_hidden(text), kind)
      assert.matches("failed with x ", text, 1, true)
    end
    local text = client:get(server.url .. "/", { query = { q = "swordfish" }, headers = { Accept = "text/html" } }):text()
    for name in ("password token"):gmatch "%a+" do
      assert.matches(("<th>%s</th><td>••••••</td>"):format(name), text, 1, true)
    end
    assert.matches("{ api_key = ••••••, deep = { secret = •••••• }, ", text, 1, true)
    assert.matches("postgres://ada:••••••@host/x", text, 1, true)
    assert.matches("client_secret = &#34;••••••&#34;", text, 1, true)
    assert.matches("password=••••••<", text, 1, true)
    assert.matches("id=7", text, 1, true)
  end)

  it("shows none in the panel, its log and its errors", function()
    local server <close> = served.start(place, { command = "dev app.lua" })
    client:get(server.url .. "/", { headers = { Accept = "text/html" } }):text()
    client:get(server.url .. "/task"):text()
    server:wait_for "nobody waited for it"
    local state
    for _ = 1, 500 do
      state = client:get(server.url .. "/_rille/state")
      state = state:json()
      if #state.errors == 2 then break end
      rille.sleep(0.02)
    end
    assert.equal(2, #state.errors)
    local record = client:get(server.url .. "/_rille/requests/" .. state.requests[#state.requests].id):text()
    assert_hidden(record, "the request")
    assert_hidden(rille.json_encode(state), "the state")
    for _, entry in ipairs(state.errors) do
      assert_hidden(client:get(server.url .. "/_rille/errors/" .. entry.key):text(), entry.kind)
    end
    assert_hidden(client:get(server.url .. "/_rille/source?file=app.lua&line=1"):text()
      :gsub("app%-secret%-of", ""):gsub("session%-secret%-of", ""), "the source")
  end)

  it("keeps cookies and authorization for who asks for them", function()
    local server <close> = served.start(place, { command = "dev app.lua" })
    local sent = { Accept = "text/html", Authorization = "Basic b3Blbg", Cookie = "sid=b3Blbg" }
    local text = client:get(server.url .. "/", { headers = sent }):text()
    assert.equal(2, select(2, text:gsub('<details class="secret"><summary>hidden</summary>[^<]*b3Blbg</details>', "")))
    assert.is_nil(without_hidden(text):find("b3Blbg", 1, true))
  end)
end)
