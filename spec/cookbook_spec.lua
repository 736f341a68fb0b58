-- The cookbook cannot rot: each recipe is done as it is printed (spec/support/recipes.lua).
local recipes = require "spec.support.recipes"

local list = recipes.read "docs/cookbook.md"

describe("the cookbook", function()
  it("has at least 25 recipes, each with its files and with what to type", function()
    assert.is_true(#list >= 25, #list .. " recipes")
    for _, recipe in ipairs(list) do
      assert.is_true(#recipe.files > 0 and #recipe.steps > 0, recipe.title)
    end
  end)

  for _, recipe in ipairs(list) do
    it("does as printed: " .. recipe.title, function()
      local wrong = recipes.run(recipe)
      if #wrong > 0 then error(("docs/cookbook.md:%d: %s"):format(recipe.line, table.concat(wrong, "\n\n")), 0) end
    end)
  end
end)
