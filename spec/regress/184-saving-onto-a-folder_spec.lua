-- file:save onto a folder said "input or output failed", and the second of two uploads of one name took the place of the first.
-- runtime/bind/http/spool.c
local native = require "rille.native.core"
local rille = require "rille"
local testing = require "rille.testing"
local scratch = require "spec.support.scratch"

describe("file:save", function()
  local place

  before_each(function()
    place = scratch.new()
    place:write("folder/x", "x")
  end)

  after_each(function() place:close() end)

  local function client_of(handler)
    local app = rille.app { body_limit = 10 * 1024 ^ 2 }
    app:post("/", handler)
    return testing.client(app)
  end

  local function upload(size) return { filename = "photo.jpg", body = ("x"):rep(size) } end

  it("names a folder that a file was to be saved as", function()
    for _, path in ipairs { "folder", "folder/" } do
      for _, size in ipairs { 10, 200000 } do
        local client = client_of(function(req) return tostring(req:file("f"):save(place:path(path))) end)
        assert.equal(500, client:post("/", { files = { f = upload(size) } }).status)
        local log = native.take_log()
        assert.matches("cannot write " .. place:path(path) .. ": it is a folder", log, 1, true)
      end
    end
    local client = client_of(function(req) return tostring(req:file("f"):save(place:path "none/x")) end)
    client:post("/", { files = { f = upload(10) } })
    assert.matches("there is no such folder", native.take_log())
  end)

  it("loses none of two uploads of one request that have one name", function()
    local client = client_of(function(req)
      for _, file in ipairs(req:form_all "f") do file:save(place:path(file.filename)) end
      return "saved"
    end)
    local res = client:post("/", { multipart = {
      { name = "f", filename = "photo.jpg", body = "first" }, { name = "f", filename = "photo.jpg", body = "second" },
    } })
    assert.equal(409, res.status)
    assert.matches("two uploads of this request would both be saved as", res:text())
    assert.equal("first", place:read "photo.jpg")
  end)

  it("nor where both are saved at once", function()
    local client = client_of(function(req)
      rille.map(req:form_all "f", function(file) file:save(place:path(file.filename)) end)
      return "saved"
    end)
    local res = client:post("/", { multipart = {
      { name = "f", filename = "photo.jpg", body = ("1"):rep(200000) }, { name = "f", filename = "photo.jpg", body = "second" },
    } })
    assert.equal(409, res.status)
  end)

  it("gives a name back that could not be saved", function()
    local client = client_of(function(req)
      local first, second = table.unpack(req:form_all "f")
      place:write("taken", "x")
      rille.try(first.save, first, place:path "taken", { overwrite = false })
      return tostring(second:save(place:path "taken"))
    end)
    local res = client:post("/", { multipart = {
      { name = "f", filename = "photo.jpg", body = "first" }, { name = "f", filename = "photo.jpg", body = "second" },
    } })
    assert.equal("6", res:text())
  end)

  it("keeps a part that could not have this name for another one", function()
    local client = client_of(function(req)
      for part in req:parts() do
        local _, err = rille.try(part.save, part, place:path(part.filename))
        if err then part:save(place:path(part.name)) end
      end
      return "saved"
    end)
    local res = client:post("/", { multipart = {
      { name = "a", filename = "photo.jpg", body = "first" }, { name = "b", filename = "photo.jpg", body = "second" },
    } })
    assert.equal("saved", res:text())
    assert.same({ "first", "second" }, { place:read "photo.jpg", place:read "b" })
  end)

  it("nor of two parts", function()
    local client = client_of(function(req)
      for part in req:parts() do part:save(place:path(part.filename)) end
      return "saved"
    end)
    local res = client:post("/", { multipart = {
      { name = "a", filename = "photo.jpg", body = "first" }, { name = "b", filename = "photo.jpg", body = "second" },
    } })
    assert.equal(409, res.status)
    assert.equal("first", place:read "photo.jpg")
  end)

  it("replaces where that is said, and may save one upload twice", function()
    local client = client_of(function(req)
      for _, file in ipairs(req:form_all "f") do
        file:save(place:path(file.filename), { overwrite = true })
        file:save(place:path(file.filename), { overwrite = true })
      end
      local last = req:form_all("f")[2]
      last:save(place:path "again")
      last:save(place:path "again")
      return "saved"
    end)
    local res = client:post("/", { multipart = {
      { name = "f", filename = "photo.jpg", body = "first" }, { name = "f", filename = "photo.jpg", body = "second" },
    } })
    assert.equal(200, res.status)
    assert.equal("second", place:read "photo.jpg")
  end)

  it("leaves what is there where overwrite is false", function()
    for _, size in ipairs { 10, 200000 } do
      for _, root in ipairs { false, true } do
        local client = client_of(function(req)
          local path = root and "kept" or place:path "kept"
          return tostring(req:file("f"):save(path, { overwrite = false, root = root and place.directory or nil }))
        end)
        local res = client:post("/", { files = { f = upload(size) } })
        assert.equal(200, res.status)
        res = client:post("/", { files = { f = upload(size + 1) } })
        assert.equal(409, res.status)
        assert.matches("exists", res:text())
        assert.equal(size, #place:read "kept")
        os.remove(place:path "kept")
      end
    end
    assert.equal("", place:run("find", place.directory, "-name", ".rille-*"))
  end)

  it("takes no option that it does not know", function()
    local client = client_of(function(req) return tostring(req:file("f"):save("x", { rot = "y" })) end)
    assert.equal(500, client:post("/", { files = { f = upload(1) } }).status)
    assert.matches("unknown option 'rot', did you mean 'root'?", native.take_log(), 1, true)
  end)
end)
