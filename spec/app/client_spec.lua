-- The blog's client four times: against the real app, against a scripted server, against mocked requests, and against a
-- server that somebody else wrote; then as a command, in a process of its own.
local Client = require "app.client"
local native = require "rille.native.core"
local rille = require "rille"
local Scratch = require "spec.support.scratch"
local testing = require "rille.testing"

local function ids(posts)
  local list = {}
  for i, post in ipairs(posts) do list[i] = post.id end
  return list
end

-- The life of two posts, as every blog must tell it.
local function write_and_read(url)
  local ada <close> = Client.new(url, "Ada")
  local bob <close> = Client.new(url, "Bob")
  assert.same({}, ada:list())
  assert.same({ id = 1, owner = "Ada", editor = "Ada", title = "First", text = "Hello" }, ada:create("First", "Hello"))
  assert.equal(2, bob:create("Second", "Größe: “7”\n").id)
  assert.same({ id = 1, owner = "Ada", editor = "Bob", title = "First", text = "Hi" }, bob:update(1, { text = "Hi" }))
  assert.same({ id = 1, owner = "Ada", editor = "Bob", title = "First" }, ada:list()[1])
  assert.equal("Größe: “7”\n", ada:get(2).text)
  ada:delete(1)
  assert.same({ 2 }, ids(bob:list()))
  local _, err = rille.try(ada.get, ada, 1)
  assert.equal("status", err.code)
  assert.equal(404, err.response.status)
  return err.message
end

describe("the blog's client", function()
  it("writes and reads the posts of the real app", function()
    local server = testing.server(require "app" { database = ":memory:" })
    assert.equal("no such post: 1", write_and_read(server.url))
  end)

  it("writes and reads the posts of a server written with aiohttp", function()
    if not os.execute "/usr/bin/python3 -c 'import aiohttp' 2> /dev/null" then
      return pending "/usr/bin/python3 has no aiohttp (on Debian: apt install python3-aiohttp)"
    end
    local files <close> = Scratch.new()
    local input <close> = files:start("/usr/bin/python3", native.root .. "/spec/support/aiohttp_blog.py", "url")
    assert.equal("there is no post 1", write_and_read(files:wait_for "url"))
    assert(input)
  end)
end)

describe("the blog's client, against a scripted server,", function()
  local scripted = require "spec.support.fake"
  local json = { "Content-Type: application/json" }
  local fake

  setup(function() fake = scripted.start() end)
  teardown(function() fake:close() end)

  local function failure_of(...)
    local path = fake:script(...)
    local blog <close> = Client.new(fake.url .. path, "Ada")
    local _, err = rille.try(rille.timeout, 0.3, blog.list, blog)
    return err, path
  end

  it("takes nothing for posts that is none, nor anything but text for a reason", function()
    for _, data in ipairs { '"evil"', '{"a": 1}', "[1, 2]", "null", "7" } do
      local err = failure_of(scripted.ok(('{"status": "ok", "data": %s}'):format(data), json))
      assert.matches("is no answer of a blog", err.message, data)
    end
    for _, reason in ipairs { '{"a": 1}', '""', "7" } do
      local err = failure_of(scripted.raw("400 Bad Request", ('{"status": "error", "reason": %s}'):format(reason), json))
      assert.matches("is no answer of a blog, its status is 400", err.message, reason)
    end
  end)

  it("sends each call as the API wants it", function()
    local path = fake:script(scripted.ok('{"status": "ok", "data": []}', json),
      scripted.ok('{"status": "ok", "data": {"id": 7}}', json))
    local blog <close> = Client.new(fake.url .. path, "Ada")
    blog:list()
    blog:get(7)
    blog:create("First", "Hello")
    blog:update(7, { title = "Changed" })
    blog:delete(7)
    local sent = {}
    for i, request in ipairs(fake:log(path)) do
      local body = request.body ~= "" and rille.json_decode(request.body) or nil
      sent[i] = { request.method, request.target:sub(#path + 1), body }
    end
    assert.same({
      { "GET", "/api" },
      { "GET", "/api/7" },
      { "POST", "/api", { title = "First", text = "Hello", owner = "Ada" } },
      { "PATCH", "/api/7", { title = "Changed", editor = "Ada" } },
      { "DELETE", "/api/7" },
    }, sent)
  end)

  it("raises what the server gives as its reason, whatever the status", function()
    for _, status in ipairs { "200 OK", "400 Bad Request", "500 Oops" } do
      local err = failure_of(scripted.raw(status, '{"status": "failed", "reason": "not today"}', json))
      assert.same({ "status", "not today" }, { err.code, err.message })
    end
  end)

  it("says so where no blog answers", function()
    for _, raw in ipairs { scripted.ok "hello", scripted.ok("[1]", json), scripted.ok("7", json),
      scripted.raw("503 Busy", "<h1>later</h1>", { "Content-Type: text/html" }) } do
      local err, path = failure_of(raw)
      assert.equal("status", err.code)
      assert.matches(path .. "/api is no answer of a blog, its status is %d+$", err.message)
    end
  end)

  it("raises what breaks on the way", function()
    assert.equal("json", failure_of(scripted.ok('{"status": ', json)).code)
    assert.equal("timeout", failure_of({ { sleep = 30 } }).code)
    assert.equal("reset", failure_of({ { send = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" ..
      "Content-Length: 99\r\n\r\n{" }, { close = true } }).code)
  end)
end)

describe("the blog's client, with mocked requests,", function()
  local url = "https://blog.test"
  local fake, blog

  before_each(function()
    fake = testing.mock()
    blog = Client.new(url .. "/", "Ada")
  end)

  after_each(function() blog:close() end)

  it("asks as its user", function()
    fake:on("POST", url .. "/api", function(req) return { json = { status = "ok", data = req:json() } } end)
    assert.same({ owner = "Ada", title = "First", text = "Hello" }, blog:create("First", "Hello"))
    assert.equal(1, #fake.calls)
  end)

  it("waits ten seconds and no longer", function()
    fake:on("GET", url .. "/api", { delay = 60, json = { status = "ok", data = {} } })
    local clock = testing.clock()
    local start, stop = rille.now(), nil
    local task = rille.spawn(function()
      local _, err = rille.try(blog.list, blog)
      stop = rille.now()
      return err.code
    end)
    clock:advance(30)
    assert.equal("timeout", task:wait())
    assert.near(10, stop - start, 0.1)
  end)

  it("does not write twice what may have arrived", function()
    fake:on("POST", url .. "/api", { error = "reset" })
    local _, err = rille.try(blog.create, blog, "First", "Hello")
    assert.equal("reset", err.code)
    assert.equal(1, #fake.calls)
  end)
end)

describe("rille run app/client.lua", function()
  local files, server

  setup(function() files = Scratch.new() end)
  teardown(function() files:close() end)

  before_each(function() server = testing.server(require "app" { database = ":memory:" }) end)

  -- run(words…) -> what it printed on stdout, its exit status, what it printed on stderr
  local function run_with(environment, ...)
    local script = environment .. ' "$@" 2> errors; echo "status $?"'
    local text = files:run("sh", "-c", script, "sh", files.rille, "run", native.root .. "/app/client.lua", "--", ...)
    local out, status = text:match "^(.*)status (%d+)\n$"
    return out, tonumber(status), files:read "errors"
  end

  local function run(...) return run_with("", ...) end

  local function as_ada(...) return run("--base-url", server.url, "--user", "Ada", ...) end

  it("lists, creates, shows, changes and deletes posts", function()
    local function told(...) return table.concat({ ... }, "\n") .. "\n" end
    assert.equal("No posts yet\n", (as_ada "list"))
    local first = told("Post 1", "  Owner: Ada", "  Editor: Ada", "  Title: First post", "  Text: Hello")
    assert.same({ first, 0, "" }, { as_ada("create", "--title", "First post", "--text", "Hello") })
    assert.equal(first, (as_ada("get", "1")))
    assert.same({ told("Post 1", "  Owner: Ada", "  Editor: Bob", "  Title: Changed", "  Text: Hello"), 0, "" },
      { run("--base-url", server.url, "--user", "Bob", "update", "1", "--title", "Changed") })
    assert.equal(told("Post 1", "  Owner: Ada", "  Editor: Bob", "  Title: Changed"), (as_ada "list"))
    assert.same({ "Post 1 is deleted\n", 0, "" }, { as_ada("delete", "1") })
    assert.equal("No posts yet\n", (as_ada "list"))
  end)

  it("says in one line what failed, and exits 1", function()
    assert.same({ "", 1, "Error: no such post: 7\n" }, { as_ada("get", "7") })
    local _, status, errors = run("--base-url", "http://127.0.0.1:1", "list")
    assert.equal(1, status)
    assert.matches("^Error: [^\n]*could not connect[^\n]*\n$", errors)
  end)

  it("tells where it came from with --show-traceback", function()
    local out, status, errors = as_ada("--show-traceback", "get", "7")
    assert.same({ "", 1 }, { out, status })
    assert.matches("^Error: no such post: 7\nstack traceback:\n.*app/client%.lua:%d+: in ", errors)
  end)

  it("shows its usage for what it does not understand, and exits 2", function()
    local wrong = {
      ["a command is required"] = {},
      ["unknown command 'publish'"] = { "publish" },
      ["unknown option '%-%-color'"] = { "--color", "list" },
      ["'first' is not the number of a post"] = { "get", "first" },
      ["missing option '%-%-text'"] = { "create", "--title", "First" },
      ["nothing to change"] = { "update", "1" },
      ["%-%-base%-url: http:// or https://"] = { "--base-url", "x", "list" },
    }
    for message, words in pairs(wrong) do
      local out, status, errors = as_ada(table.unpack(words))
      assert.same({ "", 2 }, { out, status }, message)
      assert.matches("^Usage: .*\n\nError: " .. message, errors)
    end
  end)

  it("helps, with each command too", function()
    local out, status = run "--help"
    assert.equal(0, status)
    for _, word in ipairs { "list", "get", "create", "update", "delete", "--base-url", "--user", "--show-traceback" } do
      assert.truthy(out:find("\n   " .. word, 1, true), word)
    end
    out, status = run("update", "--help")
    assert.equal(0, status)
    assert.matches("Change a post%.", out)
  end)

  it("shows a post's control characters as question marks", function()
    local blog <close> = Client.new(server.url, "Ada")
    blog:create("red \27[31m\u{9b}31m", "line\n\tö")
    assert.matches("Title: red %?%[31m%?31m\n  Text: line\n    \tö\n$", (as_ada("get", "1")))
  end)

  it("says which package is missing where there is no argparse", function()
    local out, status, errors = run_with("LUA_PATH='/nowhere/?.lua'", "list")
    assert.same({ "", 1 }, { out, status })
    assert.matches("apt install lua%-argparse", errors)
  end)
end)
