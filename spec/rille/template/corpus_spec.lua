-- Cases recorded from Jinja2's own test suite, which lie beside the project. Python prints True, False and None where we
-- print true, false and none: both sides are compared with these words in lower case.
local rille = require "rille"

local PATH = "../shared/corpus/jinja.json"

local words = { True = "true", False = "false", None = "none" }
local function lower_words(text)
  for word, ours in pairs(words) do text = text:gsub(word, ours) end
  return text
end

-- JSON's null in an object is an absent key; to a template none is a value.
local NULL = "<null>"
local function with_nulls(value)
  if value == NULL then return rille.null end
  if type(value) ~= "table" then return value end
  for key, item in pairs(value) do value[key] = with_nulls(item) end
  return value
end

local function read_cases()
  local file = io.open(PATH, "rb")
  if not file then return nil end
  local text = file:read "a":gsub('([^\\]": )null%f[,}%s]', '%1"' .. NULL .. '"')
  file:close()
  return with_nulls(rille.json_decode(text))
end

local function run(case)
  local options = case.options
  options.templates = case.templates
  return rille.template.compile(case.template, options)(case.context)
end

describe("Jinja2's own tests", function()
  local cases = read_cases()

  if not cases then
    it("lie beside the project", function()
      assert(os.getenv "CI" ~= "true", PATH .. " is missing")
      pending(PATH .. " is missing")
    end)
    return
  end

  it("are all there", function() assert.is_true(#cases >= 220) end)

  for _, case in ipairs(cases) do
    it(("pass: %s %s"):format(case.id, case.test), function()
      if case.error then
        local _, err = rille.try(run, case)
        assert(err, "no error was raised by " .. case.template)
        assert.equal(case.error, err.code)
      else
        assert.equal(lower_words(case.output), lower_words(run(case)))
      end
    end)
  end
end)
