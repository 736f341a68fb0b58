-- script/tutorial: types one page, for those who write it.
local printed = require "spec.support.printed"
local Typist = require "spec.support.typist"

local function show_instead_of_comparing()
  local matches = printed.matches
  printed.matches = function(expected, came, open)
    local fits, why = matches(expected, came, open)
    if open then return fits, why end
    print((fits and "" or "(differs)\n") .. came)
    return true
  end
end

return function(path, mode)
  local typist <close> = Typist.new(path)
  if mode == "--show" then
    show_instead_of_comparing()
    typist.say = function(command) print("$ " .. command) end
  end
  typist:type(function(what)
    if what ~= "the chapter" or not path:find "docs/tutorial/" then return end
    local folder = path:gsub("%.md$", ""):gsub("([^/]+)$", "code/%1")
    if mode == "--write" then typist:copy_to(folder) end
    for _, difference in ipairs(typist:differences(folder)) do print(difference) end
  end)
  print(path .. ": typed")
end
