-- The cookbook cannot rot: each recipe is done as it is printed (spec/support/recipes.lua).
local recipes = require "spec.support.recipes"
local rille = require "rille"

local list = recipes.read "docs/cookbook.md"

describe("the cookbook", function()
  local outcomes = {}

  setup(function() -- not in the tests, which have a deadline; some at once, since most of it is waiting
    rille.map(list, function(recipe) outcomes[recipe] = table.pack(pcall(recipes.run, recipe)) end, { limit = 3 })
  end)

  it("has at least 25 recipes, each with its files and with what to type", function()
    assert.is_true(#list >= 25, #list .. " recipes")
    for _, recipe in ipairs(list) do
      assert.is_true(#recipe.files > 0 and #recipe.steps > 0, recipe.title)
    end
  end)

  for _, recipe in ipairs(list) do
    it("does as printed: " .. recipe.title, function()
      local ok, wrong = table.unpack(outcomes[recipe])
      local message = not ok and tostring(wrong) or table.concat(wrong, "\n\n")
      if message ~= "" then error(("docs/cookbook.md:%d: %s"):format(recipe.line, message), 0) end
    end)
  end
end)
