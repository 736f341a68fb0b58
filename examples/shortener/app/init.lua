-- A URL shortener: GET /{code} leads on and counts; /api/links is for whoever has a key, which app/key.lua makes.
local rille = require "rille"

local new_link = rille.validate.body {
  url = { type = "string", format = "uri", pattern = "^https?://", max = 2000 },
  code = { type = "string", pattern = "^[%w_-]+$", min = 3, max = 40, optional = true },
}

return function(settings)
  local app = rille.app { name = "shortener" }
  app:use(rille.security_headers {})

  app:lifespan(function(self, running)
    local db <close> = rille.sqlite.open(settings.database or os.getenv "DATABASE" or "links.db")
    db:migrate "app/migrations"
    self.state.db = db
    running()
  end)

  local function db() return app.state.db end
  local function now(format) return os.date(format, rille.time() // 1) end
  local function owner_of(key) return db():value("SELECT id FROM owners WHERE digest = ?", rille.sha256(key)) end

  app:get("/{code:slug}", function(req)
    local link = db():one("SELECT id, url FROM links WHERE code = ?", req.params.code) or rille.abort(404, "no such link")
    db():exec([[INSERT INTO clicks (link, day, count) VALUES (?, ?, 1)
      ON CONFLICT DO UPDATE SET count = count + 1]], link.id, now "!%F")
    return rille.redirect(link.url, 302):header("Cache-Control", "no-store") -- so that each click comes here
  end, { name = "link", use = { rille.limit { rate = 10, burst = 50 } } })

  local guesses = rille.limit { rate = 10, burst = 50 } -- of one address
  local api = app:group { prefix = "/api/links", use = { guesses, rille.auth.bearer { verify = owner_of } } }

  local function show(req, link, status)
    link.short = req:url_for("link", { code = link.code })
    return rille.json(link, status)
  end

  api:get("/", function(req)
    return rille.json(db():query("SELECT code, url, created FROM links WHERE owner = ? ORDER BY id LIMIT 1000", req.state.user))
  end)

  api:post("/", function(req)
    local link = db():one([[INSERT INTO links (owner, code, url, created) VALUES (?, ?, ?, ?)
      ON CONFLICT (code) DO NOTHING RETURNING code, url, created]],
      req.state.user, req.state.body.code or rille.random_token(6), req.state.body.url, now "!%FT%TZ")
    return show(req, link or rille.abort(409, "this code is taken"), 201)
  end, { use = { rille.limit { rate = 1, burst = 20, by = function(req) return req.state.user end }, new_link } })

  api:get("/{code:slug}", function(req)
    local link = db():one([[SELECT code, url, created, coalesce(sum(count), 0) AS clicks FROM links LEFT JOIN clicks ON link = id
      WHERE code = ? AND owner = ? GROUP BY id]], req.params.code, req.state.user) or rille.abort(404, "no such link of yours")
    link.days = db():query("SELECT day, count FROM clicks JOIN links ON link = id WHERE code = ? ORDER BY day", link.code)
    return show(req, link)
  end)

  api:delete("/{code:slug}", function(req)
    local done = db():exec("DELETE FROM links WHERE code = ? AND owner = ?", req.params.code, req.state.user)
    return done.changes > 0 and rille.empty() or rille.abort(404, "no such link of yours")
  end)

  return app
end
