-- A GitHub bot: thanks whoever opens a pull request, and greets a first issue.
--
--   WEBHOOK_SECRET=… GITHUB_TOKEN=… rille serve examples/webhook
--
-- GitHub waits ten seconds for an answer and then calls the delivery a failure. So a delivery is checked and answered at
-- once, and what it asks for is done in the background: that may wait for GitHub's API as long as it likes.
local rille = require "rille"

-- What is said to an event, or nil.
local replies = {}

function replies.pull_request(event)
  if event.action ~= "opened" then return nil end
  return event.pull_request.comments_url, ("Thank you, @%s. Somebody will look at it."):format(event.sender.login)
end

function replies.issues(event)
  if event.action ~= "opened" or event.issue.author_association ~= "FIRST_TIME_CONTRIBUTOR" then return nil end
  return event.issue.comments_url, ("Welcome, @%s, and thank you for your first issue."):format(event.sender.login)
end

return function(settings)
  local secret = settings.secret or os.getenv "WEBHOOK_SECRET" or error("WEBHOOK_SECRET is not in the environment", 0)
  local api = settings.api or "https://api.github.com"
  local app = rille.app { name = "webhook", body_limit = 25 * 1024^2 } -- what GitHub sends at most
  local github = rille.client { timeout = 20, retries = 3, headers = {
    Authorization = "Bearer " .. (settings.token or os.getenv "GITHUB_TOKEN" or ""),
    Accept = "application/vnd.github+json",
  } }

  local function comment(url, text)
    local ok, err = rille.try(github.post, github, url, { json = { body = text }, raise = true })
    if not ok then rille.log.error("the comment did not arrive", { url = url, error = tostring(err) }) end
  end

  app:post("/webhook", function(req)
    local body = req:bytes()
    if not rille.verify_signature(secret, body, req.headers["x-hub-signature-256"]) then
      rille.abort(401, "the signature is wrong or missing")
    end
    local reply = replies[req.headers["x-github-event"]]
    local url, text
    if reply then url, text = reply(rille.json_decode(body)) end
    if not url then return rille.text("nothing to do\n", 200) end
    if url:sub(1, #api + 1) ~= api .. "/" then rille.abort(422, "comments are written to GitHub only") end
    app:background(comment, url, text)
    return rille.text("accepted\n", 202)
  end)

  return app
end
