-- Pages for people.
local rille = require "rille"
local posts = require "app.models.posts"

local escape = rille.html_escape

local page = [[
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Blog</title></head>
<body><h1>Blog</h1>
%s
</body>
</html>
]]

return function(app)
  app:get("/", function(req)
    local items = {}
    for i, post in ipairs(posts.list(req.app.state.db)) do
      items[i] = ("<li><b>%s</b> by %s</li>"):format(escape(post.title), escape(post.owner))
    end
    local list = #items > 0 and "<ul>\n" .. table.concat(items, "\n") .. "\n</ul>" or "<p>Nothing here yet.</p>"
    return rille.html((page:gsub("%%s", function() return list end)))
  end, { name = "index" })
end
