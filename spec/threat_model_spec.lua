-- What docs/security.md says of strangers, where no spec of its own stands nearer: the numbers are those of the limits, and what
-- "does not stop them" is said of what really does not.
local limits = require "spec.support.limits"
local rille = require "rille"
local scratch = require "spec.support.scratch"
local testing = require "rille.testing"

local function page()
  local file <close> = assert(io.open("docs/security.md", "rb"))
  return (file:read("a"):match "\n## Who the strangers are\n(.-)\n## The secret\n"):gsub("%s+", " ")
end

describe("the threat model", function()
  it("names the limits that there are", function()
    local text, known = page(), limits.read()
    local said = {
      { "64 KiB and 128 lines of headers within 10 seconds", fields_size = 64 << 10, fields = 128, head_ms = 10000 },
      { "1 MiB of body at 240 bytes a second", body = 1 << 20, body_rate = 240 },
      { "1000 fields, 128 levels of JSON", form_fields = 1000, query_fields = 1000, json_depth = 128 },
      { "at most 16384; idle ones are closed after 75 seconds", connections = 16384, keep_alive_ms = 75000 },
      { "that take no byte of an answer after 30", write_stall_ms = 30000 },
      { "256 password hashes, 64 pictures, 256 offloads", password_queue = 256, image_queue = 64, offload_queue = 256 },
      { "remembers 65536 clients", buckets = 65536 },
      { "a head has at most 128 KiB and 512 lines", response_head = 128 << 10, response_fields = 512 },
      { "above 8 MiB, a body may grow to at most 100 times", decoded_free = 8 << 20, decoded_ratio = 100 },
      { "64 MiB of text, a million items", template_page = 64 << 20 },
    }
    for _, sentence in ipairs(said) do
      assert.truthy(text:find(sentence[1], 1, true), sentence[1])
      for name, value in pairs(sentence) do
        if name ~= 1 then assert.equal(value, known[name], name) end
      end
    end
  end)

  describe("of templates", function()
    local client, pages, db

    before_each(function()
      pages, db = {}, rille.sqlite.open ":memory:"
      local app = rille.app { templates = pages }
      app:use(rille.session {})
      app:get("/login", function(req) req.session.user = "ada" return "" end)
      app:get("/user", function(req) return req.session.user or "nobody" end)
      app:get("/{page}", function(req) return rille.render(req.params.page, { db = db }) end)
      client = testing.client(app)
      client:get "/login"
    end)

    after_each(function() db:close() end)

    it("lets their authors see the request and change the session, as it says", function()
      pages.look = "{{ request.headers.cookie | length > 0 }} {{ session.user }}"
      assert.equal("true ada", client:get("/look"):text())
      pages.change = "{{ session.update({'user': 'root'}) }}"
      client:get "/change"
      assert.equal("root", client:get("/user"):text())
    end)

    it("lets them use what the program passes", function()
      pages.ask = "{{ db.value('SELECT 6 * 7') }}"
      assert.equal("42", client:get("/ask"):text())
    end)

    it("keeps the program from them", function()
      for _, name in ipairs { "app", "parts", "chunks", "renew_session", "clear_session", "__index" } do
        pages[name] = "{{ request." .. name .. ".x }}"
        assert.equal(500, client:get("/" .. name).status, name)
      end
      assert.equal("[]", rille.template.compile "[{{ request }}{{ session }}{{ os }}{{ string }}]" {})
    end)
  end)

  it("is right that files of strangers stay below their folder, by links too", function()
    local folder <close> = scratch.new()
    local root = folder:path "in"
    folder:write("in/fine", "x")
    folder:write("private/secret", "x")
    assert(os.execute(("ln -s '%s' '%s/link'"):format(folder:path "private", root)))
    local app = rille.app()
    app:get("/{name:path}", function(req) return rille.file(req.params.name, { root = root }) end)
    app:post("/{name:path}", function(req) req:form().file:save(req.params.name, { root = root }) return "" end)
    local client = testing.client(app)
    local upload = { files = { file = { filename = "x", body = "x" } } }
    assert.same({ 200, 404 }, { client:get("/fine").status, client:get("/link/secret").status })
    assert.same({ 200, 500 }, { client:post("/new", upload).status, client:post("/link/new", upload).status })
    assert.same({ "x", nil }, { folder:read "in/new", folder:read "private/new" })
  end)
end)
