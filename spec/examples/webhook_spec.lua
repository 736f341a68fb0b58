local rille = require "rille"
local testing = require "rille.testing"

describe("the webhook bot", function()
  local secret = "it's a secret to everybody"
  local client, fake

  before_each(function()
    fake = testing.mock()
    client = testing.client(require "examples.webhook" { secret = secret, token = "t0ken" })
  end)

  local function deliver(event, payload, signature)
    local body = rille.json_encode(payload)
    return client:post("/webhook", { body = body, headers = {
      ["Content-Type"] = "application/json", ["X-GitHub-Event"] = event,
      ["X-Hub-Signature-256"] = signature or "sha256=" .. rille.hmac_sha256(secret, body),
    } })
  end

  local function opened()
    return { action = "opened", sender = { login = "ada" },
      pull_request = { comments_url = "https://api.github.com/repos/o/r/issues/7/comments" } }
  end

  it("answers at once and comments in the background", function()
    local may_answer = rille.event()
    fake:on("POST", "https://api.github.com/repos/o/r/issues/7/comments", function()
      may_answer:wait()
      return { status = 201, json = {} }
    end)
    local res = deliver("pull_request", opened())
    assert.same({ 202, "accepted\n" }, { res.status, res:text() })
    may_answer:set()
    testing.background()
    assert.equal(1, #fake.calls)
    assert.equal("Thank you, @ada. Somebody will look at it.", fake.calls[1]:json().body)
    assert.equal("Bearer t0ken", fake.calls[1].headers.authorization)
  end)

  it("refuses what is not signed by our secret", function()
    for _, signature in ipairs { "", "sha256=", "sha256=" .. ("0"):rep(64) } do
      assert.equal(401, deliver("pull_request", opened(), signature).status)
    end
    assert.equal(401, client:post("/webhook", { json = opened() }).status)
    assert.equal(0, #fake.calls)
  end)

  it("has nothing to do for other events", function()
    assert.equal(200, deliver("ping", { zen = "Design for failure." }).status)
    local closed = opened()
    closed.action = "closed"
    assert.equal(200, deliver("pull_request", closed).status)
  end)

  it("writes to GitHub only", function()
    local elsewhere = opened()
    for _, url in ipairs { "http://169.254.169.254/latest", "https://api.github.com.evil.example/x" } do
      elsewhere.pull_request.comments_url = url
      assert.equal(422, deliver("pull_request", elsewhere).status)
    end
  end)
end)
