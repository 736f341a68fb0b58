-- Notes: a page that lists them, and a form that adds one.
local rille = require "rille"

return function(app)
  app:get("/", function(req)
    local notes = req.app.state.db:query "SELECT id, text FROM notes ORDER BY id DESC LIMIT 100"
    return rille.render("index.html", { notes = notes })
  end, { name = "notes" })

  app:post("/", function(req)
    local text = req:form().text
    if not text or text:find "^%s*$" then rille.abort(422, "a note has a text") end
    req.app.state.db:exec("INSERT INTO notes (text) VALUES (?)", text)
    return rille.redirect(app:url_for "notes")
  end)
end
