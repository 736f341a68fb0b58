-- `rille check` passed templates whose unknown filters and tests stand in a branch: those raise only when they are reached.
local page = require "rille.page"
local rille = require "rille"

local function errors_of(source)
  local app = rille.app { templates = { ["p.html"] = source } }
  local count, errors = page.check(app)
  assert.equal(1, count)
  return errors
end

describe("rille check", function()
  it("tells of filters and tests that there are not, in branches too", function()
    for _, source in ipairs { "{% if x is odder %}{% endif %}", "{% if a %}{% if x is odder %}{% endif %}{% endif %}",
      "{{ 1 if x is odder else 2 }}",
      "{% if a %}{{ x is odder }}{% endif %}", "{% if a %}{% elif x is odder %}{% endif %}",
        "{% if a %}{% else %}{{ x is odder }}{% endif %}" } do
      local errors = errors_of(source)
      assert.equal(1, #errors, source)
      assert.matches("there is no test named 'odder'", errors[1].message)
    end
    assert.matches("there is no filter named 'upperr'", errors_of("{% if a %}{{ x|upperr }}{% endif %}")[1].message)
  end)

  it("lets those pass that the template asks for first", function()
    assert.same({}, errors_of "{% if 'odder' is test %}{% if x is odder %}{% endif %}{% endif %}")
    assert.same({}, errors_of "{{ x|upperr if 'upperr' is filter else x }}")
    assert.same({}, errors_of "{% if a %}{% elif 'upperr' is filter %}{{ x|upperr }}{% endif %}")
    assert.equal(1, #errors_of "{% if 'upperr' is filter %}{% endif %}{% if a %}{{ x|upperr }}{% endif %}")
  end)
end)
