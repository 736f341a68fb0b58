-- lua/rille/url_for.lua
local rille = require "rille"
local url_for = require "rille.url_for"

local function message_of(f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  return tostring(message)
end

local function handler() return "" end

describe("a path from a name", function()
  local app
  before_each(function()
    app = rille.app()
    app:get("/posts/{id:int}", handler, { name = "post" })
    app:get("/files/{rest:path}", handler, { name = "file" })
    app:get("/tags/{tag}", handler, { name = "tag" })
  end)

  it("has its parameters in place, encoded", function()
    assert.equal("/posts/7", app:url_for("post", { id = 7 }))
    assert.equal("/posts/7", app:url_for("post", { id = 7.0 }))
    assert.equal("/tags/a%2Fb%20c", app:url_for("tag", { tag = "a/b c" }))
    assert.equal("/files/a/b%20c", app:url_for("file", { rest = "a/b c" }))
  end)

  it("has a query in the order of names", function()
    assert.equal("/posts/7?a=1&a=2&b=x%26y", app:url_for("post", { id = 7 }, { b = "x&y", a = { 1, 2 }, c = rille.null }))
  end)

  it("of a mounted app begins with its prefix", function()
    local admin = rille.app()
    admin:get("/users/{name}", handler, { name = "user" })
    app:mount("/admin", admin)
    assert.equal("/admin/users/ada", app:url_for("user", { name = "ada" }))
  end)

  it("is not made where the route would not take it", function()
    local wrong = {
      { "post", {}, "needs the parameter 'id'" }, { "post", { id = "x" }, "which 'x' is not" },
      { "post", { id = {} }, "is a string or a number" }, { "tag", { tag = "" }, "is empty" },
      { "file", { rest = "a/../b" }, "a way through folders" }, { "tag", { tag = ".." }, "a way through folders" },
      { "tag", { tag = "a", tags = 1 }, "no parameter 'tags', did you mean 'tag'?" },
      { "posts", {}, "no route is named 'posts', did you mean 'post'?" }, { "post", 7, "parameters are a table" },
    }
    for _, case in ipairs(wrong) do
      assert.matches(case[3], message_of(app.url_for, app, case[1], case[2]), 1, true)
    end
  end)

  it("is asked of converters of the program's own", function()
    app:converter("hex", { pattern = "%x+", parse = function(s) return tonumber(s, 16) end,
      format = function(v) return ("%x"):format(v) end })
    app:get("/colours/{value:hex}", handler, { name = "colour" })
    assert.equal("/colours/ff", app:url_for("colour", { value = 255 }))
  end)

  it("is ambiguous where two routes have one name", function()
    app:get("/other", handler, { name = "post" })
    assert.matches("two routes are named 'post'", message_of(app.url_for, app, "post", { id = 1 }), 1, true)
  end)

  it("leaves for the query what has no place in it", function()
    local params, query = url_for.split(app, "post", { id = 7, page = 2 })
    assert.same({ id = 7 }, params)
    assert.same({ page = 2 }, query)
  end)
end)
