-- Traits of the library's middleware, for the app that uses it: that it needs a secret, that it brings sessions. A middleware is
-- a function, so its traits are in tables here.
local M = {}

local of = setmetatable({}, { __mode = "k" })

--- Functions that make a middleware or a handler -> {name = "rille.cors", call = "rille.cors{}"}. Whoever passes one as a
--- middleware has forgotten to call it.
M.makers = setmetatable({}, { __mode = "k" })

function M.is_maker(f, name, call)
  M.makers[f] = { name = name, call = call }
  return f
end

--- mark(middleware, {needs_secret=, session=, body=, query=}) -> middleware
function M.mark(middleware, traits)
  of[middleware] = traits
  return middleware
end

--- The traits of a middleware, or nil.
function M.of(middleware) return of[middleware] end

--- The app learns what its middleware needs, wherever in it that stands.
function M.adopt(app, middleware)
  local traits = of[middleware]
  if traits and traits.needs_secret then app.needs_secret = true end
end

--- The sessions that app:use has brought to the whole app.
function M.adopt_session(app, middleware)
  local traits = of[middleware]
  if traits and traits.session then app.session = app.session or traits.session end
end

return M
