-- lua/rille/template/lookup.lua, runtime/bind/template/value.c: attributes that are no fields
local Environment = require "rille.template.environment"
local rille = require "rille"

local function render(source, context, strict)
  local env = Environment.new { sources = { { ["t.html"] = source } }, strict = strict }
  return env:render(env:get "t.html", context)
end

local source = "{{ x.gone }}|{% if x.gone %}yes{% else %}no{% endif %}|{{ x.gone is defined }}"

describe("an attribute that is not there", function()
  it("is undefined in plain lists and mappings", function()
    for _, x in ipairs { {}, { a = 1 }, { 1, 2 }, rille.array { 1 } } do assert.equal("|no|false", render(source, { x = x })) end
  end)

  it("is undefined in the row of a query", function()
    local db <close> = rille.sqlite.open ":memory:"
    local row = db:one "SELECT 1 AS here, NULL AS gone"
    assert.equal("|no|false", render(source, { x = row }))
    assert.equal("1|yes", render("{{ x.here }}|{% if x.here %}yes{% endif %}", { x = row }))
  end)

  it("is an error where the template is strict", function()
    for _, use in ipairs { "{{ x.gone }}", "{% if x.gone %}{% endif %}" } do
      local _, err = rille.try(render, use, { x = { a = 1 } }, true)
      assert.matches("has no attribute 'gone'", err.message)
    end
  end)

  it("may be a method, which a field hides", function()
    local use = "{% if x.items %}yes{% else %}no{% endif %}"
    assert.equal("yes", render(use, { x = { a = 1 } }))
    assert.equal("yes", render(use:gsub("items", "append"), { x = { 1 } }))
    assert.equal("no", render(use, { x = { items = false } }))
  end)

  it("is asked of an object, which may wait", function()
    local object = setmetatable({}, { __index = function(_, name)
      rille.sleep(0)
      return name == "gone" and "found" or nil
    end })
    assert.equal("found|yes|true", render(source, { x = object }))
    assert.equal("|no", render("{{ x.other }}|{% if x.other %}yes{% else %}no{% endif %}", { x = object }))
  end)
end)
