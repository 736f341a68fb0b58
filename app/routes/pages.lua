-- Pages for people; their templates are in templates/.
local rille = require "rille"
local posts = require "app.models.posts"

return function(app)
  app:get("/", function(req)
    return rille.render("index.html", { posts = posts.list(req.app.state.db) })
  end, { name = "index" })
end
