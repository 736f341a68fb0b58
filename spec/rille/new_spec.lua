local native = require "rille.native.core"
local new = require "rille.new"
local rille = require "rille"
local scratch = require "spec.support.scratch"
local served = require "spec.support.served"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

describe("rille new", function()
  local root

  before_each(function()
    root = os.tmpname()
    os.remove(root)
    os.execute("mkdir " .. root)
  end)

  after_each(function() os.execute("rm -r " .. root) end)

  it("makes what a project needs, with its name in it", function()
    new.make(root .. "/blog")
    for _, file in ipairs { "app/init.lua", "app/routes/notes.lua", "app/migrations/001-notes.sql", "templates/index.html",
      "spec/notes_spec.lua", "Procfile", "Dockerfile", ".luarc.json", ".gitignore", ".github/workflows/test.yml" } do
      assert.equal("file", (native.file_info(root .. "/blog/" .. file) or {}).type, file)
    end
    assert.matches("<h1>blog</h1>", read(root .. "/blog/templates/index.html"), 1, true)
    assert.is_nil(read(root .. "/blog/app/init.lua"):find "NAME")
  end)

  it("puts a secret of its own into .env, which git does not see", function()
    new.make(root .. "/one")
    new.make(root .. "/two")
    local one, two = read(root .. "/one/.env"), read(root .. "/two/.env")
    assert.matches("^SECRET=[%w_-]+\n$", one)
    assert.is_true(#one >= 8 + 48)
    assert.not_equal(one, two)
    assert.matches(".env\n", read(root .. "/one/.gitignore"), 1, true)
  end)

  it("touches nothing that is there", function()
    new.make(root .. "/blog")
    assert.has_error(function() new.make(root .. "/blog") end, ("new: '%s/blog' is there already"):format(root))
  end)

  for _, name in ipairs { "", "a b", "1x", "..", "a/../b c", "x;rm" } do
    it("refuses the name '" .. name .. "'", function()
      assert.has_error(function() new.make(root .. "/" .. name) end)
    end)
  end

  it("says which kinds there are", function()
    assert.has_error(function() new.make(root .. "/blog", "nosuch") end)
    assert.is_nil(native.file_info(root .. "/blog"))
  end)

  it("makes an API without templates, and one file with one spec", function()
    local api, minimal = new.make(root .. "/one", "api"), new.make(root .. "/two", "minimal")
    for _, file in ipairs(api) do assert.is_nil(file:find "^templates/" or file:find "^static/") end
    table.sort(minimal)
    assert.same({ "app.lua", "spec/app_spec.lua" }, minimal)
    assert.is_nil(native.file_info(root .. "/two/.env"))
  end)

  -- What CI and an image would do, but for fetching: no word of ours is left in them, and the script can be run.
  it("writes files that build rille where nobody has it", function()
    new.make(root .. "/blog")
    local script = read(root .. "/blog/script/install-rille")
    assert.is_nil(script:find "RILLE_SOURCE" or script:find "RILLE_VERSION")
    assert.equal(73, native.file_info(root .. "/blog/script/install-rille").mode & 73) -- 0111
    local docker, workflow = read(root .. "/blog/Dockerfile"), read(root .. "/blog/.github/workflows/test.yml")
    assert.is_nil(docker:find "FROM rille%f[%s]")
    for image in docker:gmatch "FROM (%S+)" do assert.matches("^debian:", image) end
    assert.matches("script/install-rille", docker, 1, true)
    assert.matches("container: debian:", workflow, 1, true)
    assert.matches("run: script/install%-rille\n.*rille check\n.*rille test\n", workflow)
    assert.matches("SECRET: (%C+)", workflow)
  end)

  describe("from the command line", function()
    local place
    before_each(function() place = scratch.new() end)
    after_each(function() place:close() end)

    local kinds = { pages = {}, api = { "--api" }, minimal = { "--minimal" } }
    for kind, words in pairs(kinds) do
      it("makes a project that passes its own tests, and serves: " .. kind, function()
        assert.matches("demo: %d+ files", place:run(place.rille, "new", "demo", table.unpack(words)))
        local shell = "t() ( cd demo && %s \"$@\" 2>&1; echo \"status $?\"; ); t"
        local said = place:run(shell:format(place.rille), "test")
        assert.matches(" 0 failures / 0 errors / 0 pending.*status 0\n$", said)
        local app = kind == "minimal" and "demo/app.lua" or "demo/app"
        local server <close> = served.start(place, { command = "serve " .. app })
        local res = rille.fetch(server.url .. (kind == "api" and "/notes" or "/"))
        assert.equal(200, res.status)
        if kind == "minimal" then assert.equal("Hello, demo!", res:text()) end
        if kind == "api" then assert.same({ notes = {} }, res:json()) end
      end)
    end

    it("runs an API that says in JSON what is wrong", function()
      place:run(place.rille, "new", "--api", "demo")
      local server <close> = served.start(place, { command = "serve demo/app" })
      local client <close> = rille.client { base_url = server.url }
      assert.equal(201, client:post("/notes", { json = { text = "one" } }).status)
      local err = client:post("/notes", { json = {} }):json().error
      assert.same({ code = "invalid", message = err.message, failures = { text = "is required" } }, err)
      local expected = { ["/notes/1"] = 200, ["/notes/2"] = 404, ["/nowhere"] = 404, ["/notes?limit=x"] = 422,
        ["/healthz"] = 200 }
      for path, status in pairs(expected) do
        local res = client:get(path)
        assert.equal(status, res.status, path)
        assert.matches("^application/json", res.headers["content-type"])
      end
      assert.equal(405, client:put("/notes/1", { json = {} }).status)
      assert.matches('"/notes/{id}"', place:run(place.rille, "openapi", "demo/app"), 1, true)
    end)
  end)

  -- Without apt: a package that is there is taken as it is; without one, and without an address, it says what is missing.
  it("has a script that says what it lacks", function()
    local place <close> = scratch.new()
    place:run(place.rille, "new", "demo")
    place:run("sed", "-i", "s/RILLE_REPOSITORY:-[^}]*}/RILLE_REPOSITORY:-}/", "demo/script/install-rille")
    local shell = "t() ( cd demo && env -u RILLE_REPOSITORY \"$@\" 2>&1; echo \"status $?\"; ); t"
    local said = place:run(shell, "sh", "script/install-rille", "--build")
    assert.matches("where are the sources of rille%?.*status 1\n$", said)
    place:write("demo/.rille/rille.deb", "a package")
    assert.equal("status 0\n", place:run(shell, "sh", "script/install-rille", "--build"))
  end)
end)
