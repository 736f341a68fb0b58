-- lua/rille/acme/keeper.lua, lua/rille/acme/server.lua, lua/rille/acme/order.lua, lua/rille/acme/account.lua
-- lua/rille/acme/challenge.lua, lua/rille/acme/ari.lua, lua/rille/acme/store.lua
local acme_server = require "spec.support.acme_server"
local keepers = require "rille.acme.keeper"
local native = require "rille.native.core"
local rille = require "rille"
local scratches = require "spec.support.scratch"
local stores = require "rille.acme.store"
local testing = require "rille.testing"

local HOUR, DAY = 3600, 86400
local problem = acme_server.problem

describe("the keeper of certificates", function()
  local place, store, clock, acme, host, running

  local function new_host()
    return { has_http = true, has_tls = true, reloads = 0, challenges = {},
      reload = function() host.reloads = host.reloads + 1 return true end,
      set_challenge = function(name, certificate, key) host.challenges[name] = { certificate, key } return true end,
      clear_challenge = function(name) host.challenges[name] = nil end }
  end

  local function keeper(options)
    options = options or {}
    options.store, options.host, options.server = options.store or store, host, options.server or acme_server.url
    options.sets = options.sets or { { "a.test", "www.a.test" } }
    options.random = options.random or function() return 0.5 end
    options.look = options.look or 600 -- months pass here
    return keepers.new(options)
  end

  local function start(options)
    local task = rille.spawn(function() keeper(options):run() end)
    running[#running + 1] = task
    return task
  end

  local function stop()
    for _, task in ipairs(running) do
      task:cancel()
      rille.try(function() pcall(task.wait, task) end)
    end
    running = {}
  end

  before_each(function()
    place = scratches.new()
    store = stores.open(place:path "certificates")
    clock = testing.clock()
    acme = acme_server.new(store)
    host, running = nil, {}
    host = new_host()
  end)
  after_each(function()
    stop()
    place:close()
  end)

  -- A test that leaves no task behind.
  local function check(name, f)
    it(name, function()
      f()
      stop()
    end)
  end

  local function facts() return store:certificate "a.test" end
  local function mode(...) return ("%o"):format(native.file_info(store:path(...)).mode) end

  check("obtains one for all names, and tells the process", function()
    start { email = "me@a.test" }
    clock:advance(30)
    assert.same({ "a.test", "www.a.test" }, facts().names)
    assert.equal("Test Authority", facts().issuer)
    assert.equal(1, #acme.orders)
    assert.equal(1, host.reloads)
    assert.same({ termsOfServiceAgreed = true, contact = { "mailto:me@a.test" } }, acme.accounts[1])
    assert.same({}, native.list_directory(store:path "challenges"))
    clock:advance(10 * DAY)
    assert.equal(1, #acme.orders)
    assert.equal(1, host.reloads)
  end)

  check("keeps keys from others", function()
    start()
    clock:advance(30)
    assert.equal("700", mode("a.test"))
    assert.equal("600", mode("a.test", "key.pem"))
    assert.equal("600", mode("a.test", "state.json"))
    local account = native.list_directory(store:path "accounts")[1]
    assert.matches("^acme%.test%-", account)
    assert.equal("600", mode("accounts", account, "key.pem"))
    assert.equal("700", mode())
    assert.is_nil(store:complaint())
    os.execute("chmod 750 " .. store.directory)
    assert.matches("can be opened by other users %(mode 750%)", store:complaint())
  end)

  check("puts the answer of HTTP-01 where the port finds it, and takes it away", function()
    local found
    acme.validate = function(_, kind, token)
      found = { kind, store:read("challenges", token), mode("challenges", token) }
      return true
    end
    start { sets = { { "a.test" } } }
    clock:advance(30)
    assert.equal("http-01", found[1])
    assert.matches("^token_1%-1%.[%w_-]+$", found[2])
    assert.equal(43, #found[2]:match "%.(.*)$")
    assert.equal("600", found[3])
  end)

  check("falls back to TLS-ALPN-01, and begins with what worked", function()
    local kinds = {}
    acme.validate = function(name, kind)
      kinds[#kinds + 1] = kind
      if kind == "tls-alpn-01" then
        local challenge = host.challenges[name]
        assert.same({ name }, native.certificate_describe(challenge[1]).names)
        assert.is_true(native.certificate_fits(challenge[1], challenge[2]))
      end
      return kind == "tls-alpn-01"
    end
    start { sets = { { "a.test" } } }
    clock:advance(30)
    assert.truthy(facts())
    assert.same({ "http-01", "tls-alpn-01" }, kinds)
    assert.same({}, host.challenges)
    clock:advance(61 * DAY)
    assert.same({ "http-01", "tls-alpn-01", "tls-alpn-01" }, kinds)
  end)

  check("uses only the port that is open", function()
    host.has_http = false
    local kinds = {}
    acme.validate = function(_, kind) kinds[#kinds + 1] = kind return true end
    start { sets = { { "a.test" } } }
    clock:advance(30)
    assert.same({ "tls-alpn-01" }, kinds)
  end)

  check("renews when a third of the life is left, with a new key", function()
    for _, life in ipairs { 90 * DAY, 6 * DAY } do
      acme.life = life
      start { sets = { { life .. ".test" } } }
      clock:advance(30)
      local first = store:certificate(life .. ".test")
      local key = store:read(life .. ".test", "key.pem")
      clock:advance(life * 0.6)
      assert.equal(first.id, store:certificate(life .. ".test").id)
      clock:advance(life * 0.09)
      local second = store:certificate(life .. ".test")
      assert.not_equal(first.id, second.id)
      assert.not_equal(key, store:read(life .. ".test", "key.pem"))
      assert.is_true(second.to > first.to)
      stop()
    end
  end)

  check("renews when the authority asks for it, and says what it replaces", function()
    acme.has_ari, acme.ari_pause = true, "86400"
    local now = native.time()
    acme.window = { now + 30 * DAY, now + 32 * DAY }
    start()
    clock:advance(30)
    local first = facts()
    clock:advance(30.9 * DAY)
    assert.equal(first.id, facts().id)
    acme.window = { now + 80 * DAY, now + 82 * DAY } -- that of the next one
    clock:advance(0.2 * DAY)
    assert.not_equal(first.id, facts().id)
    assert.equal(2, #acme.orders)
    assert.is_nil(acme.orders[1].replaces)
    assert.equal(acme.asked_ari[1], acme.orders[2].replaces)
    assert.equal(require("rille.acme.ari").id(first), acme.orders[2].replaces)
    assert.is_true(#acme.asked_ari >= 31 and #acme.asked_ari <= 34, #acme.asked_ari) -- as Retry-After says
  end)

  check("renews at once when the authority moves the window into the past", function()
    acme.has_ari = true
    acme.window = { native.time() + 60 * DAY, native.time() + 61 * DAY }
    start()
    clock:advance(DAY)
    acme.window = { native.time() - DAY, native.time() - HOUR }
    local first = facts().id
    acme.on.newOrder = function(self)
      self.window = { native.time() + 60 * DAY, native.time() + 61 * DAY }
      self.on.newOrder = nil
    end
    clock:advance(7 * HOUR)
    assert.not_equal(first, facts().id)
    assert.equal(2, #acme.orders)
  end)

  check("does not trust a window that leads past the end, nor one that is none", function()
    acme.has_ari, acme.ari_pause = true, "86400"
    acme.window = { native.time() + 500 * DAY, native.time() + 501 * DAY }
    start()
    clock:advance(80 * DAY)
    assert.equal(1, #acme.orders)
    acme.window = { native.time() + 2 * DAY, native.time() + DAY }
    clock:advance(2 * DAY)
    assert.equal(2, #acme.orders)
    acme.on.ari = function() return { body = "<html>" } end
    clock:advance(55 * DAY)
    assert.equal(2, #acme.orders)
    clock:advance(7 * DAY) -- by its life
    assert.equal(3, #acme.orders)
  end)

  check("orders without `replaces` where the server refuses that", function()
    acme.has_ari = true
    acme.window = { native.time() + 10 * DAY, native.time() + 11 * DAY }
    start()
    clock:advance(DAY)
    acme.on.newOrder = function(self, _, payload)
      if payload.replaces then return problem(409, "alreadyReplaced", "it has been replaced") end
      self.window = { native.time() + 70 * DAY, native.time() + 71 * DAY }
    end
    clock:advance(11 * DAY)
    assert.equal(2, #acme.orders)
    assert.is_nil(acme.orders[2].replaces)
  end)

  check("comes through a day on which the server is down", function()
    start()
    clock:advance(30)
    local first = facts()
    clock:advance(58 * DAY)
    acme.down = true
    clock:advance(DAY)
    local tries = 0
    for _, call in ipairs(acme.calls) do tries = tries + (call:find "newOrder" and 1 or 0) end
    local state = store:state "a.test"
    assert.equal(first.id, facts().id)
    assert.is_true(state.failures >= 3 and state.failures < 20, state.failures)
    assert.matches("acme.test", state.error)
    acme.down = false
    clock:advance(8 * HOUR)
    assert.not_equal(first.id, facts().id)
    assert.is_nil(store:state("a.test").failures)
  end)

  check("waits longer after each failure, across restarts", function()
    acme.on.newOrder = function() return problem(403, "unauthorized", "no") end
    local function tries()
      local count = 0
      for _, call in ipairs(acme.calls) do count = count + (call:find("newOrder", 1, true) and 1 or 0) end
      return count
    end
    start { sets = { { "a.test" } } }
    clock:advance(1)
    assert.equal(1, tries())
    clock:advance(70)
    assert.equal(2, tries())
    clock:advance(60)
    assert.equal(2, tries())
    for _ = 1, 20 do
      stop()
      start { sets = { { "a.test" } } }
      clock:advance(1)
    end
    assert.equal(2, tries())
    clock:advance(3 * HOUR)
    assert.is_true(tries() >= 5 and tries() <= 8)
    stop()
    start { sets = { { "a.test", "b.test" } } } -- other names have not failed
    local before = tries()
    clock:advance(1)
    assert.equal(before + 1, tries())
  end)

  check("keeps to Retry-After of a limit, in seconds and as a date", function()
    for _, value in ipairs { "7200", "date" } do
      acme.on.newOrder = function()
        local pause = value == "date" and os.date("!%a, %d %b %Y %H:%M:%S GMT", (native.time() + 7200) // 1) or value
        return problem(429, "rateLimited", "too many certificates", { ["Retry-After"] = pause })
      end
      start { sets = { { value .. ".test" } } }
      clock:advance(1)
      local state = store:state(value .. ".test")
      assert.matches("too many certificates %(rateLimited%)", state.error)
      assert.is_true(math.abs(state.next_try - native.time() - 7200) < 5)
      stop()
    end
  end)

  check("replaces bad nonces, a bounded number of times", function()
    acme.bad_nonces = 10
    start()
    clock:advance(30)
    assert.truthy(facts())
    acme.bad_nonces = 1000
    stop()
    start { sets = { { "b.test" } } }
    clock:advance(1)
    assert.matches("badNonce", store:state("b.test").error)
    assert.is_true(acme.bad_nonces > 950)
  end)

  check("makes the account again where the server has forgotten it", function()
    start()
    clock:advance(30)
    local gone = true
    acme.on.newOrder = function()
      if gone then gone = false return problem(400, "accountDoesNotExist", "who?") end
    end
    clock:advance(61 * DAY)
    assert.equal(2, #acme.accounts)
    assert.equal(2, #acme.orders)
  end)

  check("tells the account of another address", function()
    start { email = "me@a.test" }
    clock:advance(30)
    stop()
    start { email = "you@a.test" }
    clock:advance(61 * DAY)
    assert.same({ contact = { "mailto:you@a.test" } }, acme.account_update)
    assert.equal(1, #acme.accounts)
  end)

  check("rehearses with the staging server after an order that failed", function()
    local staging = 0
    local wrong = true
    acme.validate = function() return not wrong end
    acme.fake:on("ANY", "https://staging.test/*", function(call)
      staging = staging + 1
      call.url = call.url:gsub("staging", "acme")
      return problem(500, "serverInternal", "staging says no")
    end)
    host.has_tls = false
    start { sets = { { "a.test" } }, staging = "https://staging.test/directory" }
    clock:advance(30)
    assert.equal(1, #acme.orders)
    clock:advance(2 * HOUR)
    assert.equal(1, #acme.orders) -- the real one is spared
    assert.is_true(staging >= 4)
    assert.matches("staging says no", store:state("a.test").error)
  end)

  check("orders no more than so many in a day", function()
    acme.validate = function() return false end
    start()
    clock:advance(DAY - 60)
    assert.is_true(#acme.orders >= 10 and #acme.orders <= 20, #acme.orders)
  end)

  check("warns daily from two weeks before the end", function()
    acme.life = 45 * DAY
    start()
    clock:advance(30)
    native.take_log()
    acme.down = true
    clock:advance(30 * DAY)
    assert.not_matches("expires soon", native.take_log())
    clock:advance(4 * DAY)
    local _, count = native.take_log():gsub("expires soon and could not be renewed", "")
    assert.is_true(count >= 3 and count <= 4, count)
    clock:advance(12 * DAY)
    assert.matches("has expired", native.take_log())
  end)

  check("survives a clock that steps, in both directions", function()
    start()
    clock:advance(30)
    stop()
    local state = store:state "a.test"
    state.next_try, state.failures, state.renew_at = native.time() + 4000 * DAY, 3, native.time() - 1
    state.orders = native.array { native.time() + 4000 * DAY }
    store:write_state("a.test", state)
    start()
    clock:advance(120)
    assert.equal(2, #acme.orders)
  end)

  check("goes on where the state has fields that are none", function()
    start()
    clock:advance(30)
    stop()
    local id = facts().id
    for _, fields in ipairs { { failures = "many", ari = { id = id, at = "soon" }, error = {}, names = { 1 }, orders = { {} } },
      { failures = 2.5, next_try = "now", failed_for = 1, works = {}, server = false, chosen_for = id, renew_at = 1e300 },
      { ari = { id = id, at = 1e300 }, orders = 1, warned_at = "x" } } do
      local before = facts().id
      fields.version, fields.failed_for = 1, fields.failed_for or acme_server.url .. " a.test,www.a.test"
      store:write(native.json_encode(fields), 384, "a.test", "state.json")
      acme.on.newOrder = function()
        acme.on.newOrder = nil
        return { status = 503, body = "busy" }
      end
      start()
      clock:advance(89 * DAY)
      assert.not_equal(before, facts().id)
      assert.not_matches("cannot be used", native.take_log())
      stop()
    end
  end)

  check("asks again where names, server or key are not those of the certificate", function()
    start()
    clock:advance(30)
    stop()
    start { sets = { { "a.test", "www.a.test", "new.a.test" } } }
    clock:advance(30)
    assert.equal(3, #facts().names)
    stop()
    store:write(native.ec_key(), 384, "a.test", "key.pem")
    start { sets = { { "a.test", "www.a.test", "new.a.test" } } }
    clock:advance(30)
    assert.equal(3, #acme.orders)
    assert.truthy(facts())
  end)

  check("finishes an installation that was interrupted between chain and key", function()
    start()
    clock:advance(30)
    stop()
    local old = store:read("a.test", "key.pem")
    local key = store:next_key "a.test"
    store:write(acme:issue({ "a.test", "www.a.test" }, key), 420, "a.test", "fullchain.pem")
    assert.is_nil(facts())
    assert.equal(old, store:read("a.test", "key.pem"))
    start()
    clock:advance(30)
    assert.equal(key, store:read("a.test", "key.pem"))
    assert.truthy(facts())
    assert.equal(1, #acme.orders)
  end)

  check("takes turns on one folder: two keepers, one order", function()
    start()
    start()
    clock:advance(60)
    assert.equal(1, #acme.orders)
    assert.equal(2, host.reloads) -- both have it
    clock:advance(61 * DAY)
    assert.equal(2, #acme.orders)
    assert.equal(4, host.reloads)
  end)

  check("names whose turn it is, and goes on when that process is dead", function()
    local turn = native.take_turn(store:path "lock", "process 42")
    start()
    clock:advance(30)
    assert.equal(0, #acme.orders)
    assert.matches('another process has its turn.-holder="process 42"', native.take_log())
    turn:close() -- as the kernel does
    clock:advance(30)
    assert.equal(1, #acme.orders)
  end)

  check("asks for a new one when somebody wants it, whatever failed before", function()
    start { look = 60 }
    clock:advance(30)
    local command = require "rille.acme.command"
    local printed = print
    _G.print = function() end
    local done, status = pcall(command.run, store.directory, "--renew", "a.test")
    local revoked = pcall(command.run, store.directory, "--revoke=a.test")
    _G.print = printed
    assert.is_true(done and revoked)
    assert.equal(0, status)
    assert.equal(1, #acme.revoked)
    assert.equal(4, acme.revoked[1].reason)
    local first = facts().id
    clock:advance(120)
    assert.not_equal(first, facts().id)
    assert.equal(2, #acme.orders)
    assert.is_nil(store:state("a.test").wanted)
  end)

  describe("given a wrong answer", function()
    local function fails(pattern)
      start { sets = { { "a.test" } } }
      clock:advance(305)
      assert.is_nil(store:read("a.test", "fullchain.pem"))
      assert.matches(pattern, store:state("a.test").error or "no error")
      assert.same({}, native.list_directory(store:path "challenges"))
      assert.same({}, host.challenges)
    end

    local cases = {
      { "a directory that is none", "directory", function() return { body = "<html>" } end, "is no ACME directory" },
      { "a directory without newOrder", "directory",
        function()
          return { json = { newNonce = "https://acme.test/nonce", newAccount = "https://acme.test/newAccount" } }
        end, "has no newOrder" },
      { "a URL that is not of https", "directory",
        function()
          return { json = { newNonce = "http://acme.test/nonce", newAccount = "x", newOrder = "y" } }
        end, "not of https" },
      { "a redirect", "directory",
        function() return { status = 302, headers = { Location = "https://evil.test/" } } end, "answered 302" },
      { "an answer without end", "newOrder",
        function() return { status = 201, body = (" "):rep(300 << 10) } end, "no JSON object" },
      { "an account without a URL", "newAccount",
        function() return { status = 201, json = {} } end, "named no URL of the account" },
      { "an account elsewhere", "newAccount",
        function() return { status = 201, json = {}, headers = { Location = "http://evil.test/" } } end, "not of https" },
      { "an account that has to be bound", "directory", function()
        return { json = { newNonce = "https://acme.test/nonce", newAccount = "https://acme.test/newAccount",
          newOrder = "https://acme.test/newOrder", meta = { externalAccountRequired = true } } }
      end, "external account binding" },
      { "an order that is none", "newOrder",
        function()
          return { status = 201, json = { status = "pending" }, headers = { Location = "https://acme.test/order/1" } }
        end,
        "an order that is none" },
      { "an order of authorizations without end", "newOrder", function()
        local urls = {}
        for i = 1, 1000 do urls[i] = "https://acme.test/authorization/" .. i end
        return { status = 201, json = { status = "pending", authorizations = urls, finalize = "https://acme.test/finalize" },
          headers = { Location = "https://acme.test/order/1" } }
      end, "1000 authorizations" },
      { "an order that is text", "newOrder", function() return { status = 201, json = "x" } end, "no JSON object" },
      { "a token that leads elsewhere", "authorization", function()
        return { json = { status = "pending", identifier = { value = "a.test" },
          challenges = { { type = "http-01", url = "https://acme.test/c", token = "../../key", status = "pending" } } } }
      end, "a token that is none" },
      { "a name that nobody asked for", "authorization", function()
        return { json = { status = "pending", identifier = { value = "b.test" },
          challenges = { { type = "http-01", url = "https://acme.test/c", token = "t", status = "pending" } } } }
      end, "was not asked for" },
      { "no challenge that can be answered", "authorization", function()
        return { json = { status = "pending", identifier = { value = "a.test" }, challenges = { { type = "dns-01" } } } }
      end, "does not offer http%-01; a.test: the server does not offer tls%-alpn%-01" },
      { "an authorization that never ends", "challenge", function() return { json = {} } end, "did not decide within 300 s" },
      { "a chain that is none", "certificate", function() return { body = "hello" } end, "a chain of 0 certificates" },
      { "a certificate of another key", "certificate",
        function(acme_) return { body = acme_:issue({ "a.test" }, native.ec_key()) } end, "of another key" },
      { "a certificate of other names", "certificate", function(acme_)
        return { body = acme_:issue({ "b.test" }, native.read_file(acme_.store:path("a.test", "next-key.pem"))) }
      end, "lacks the name a.test" },
      { "broken PEM", "certificate",
        function() return { body = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" } end, "cannot be read" },
      { "subproblems", "newOrder", function()
        return { status = 400, json = { type = "urn:ietf:params:acme:error:malformed", detail = "some names", subproblems = {
          { type = "urn:ietf:params:acme:error:caa", detail = "CAA forbids it",
            identifier = { type = "dns", value = "a.test" } } } } }
      end, "some names %(malformed%); a.test: CAA forbids it %(caa%)" },
      { "an error that is no problem document", "newOrder", function() return { status = 503, body = "busy" } end,
        "answered 503: no problem document" },
    }
    for _, case in ipairs(cases) do
      check("survives " .. case[1], function()
        acme.on[case[2]] = case[3]
        fails(case[4])
      end)
    end
  end)
end)
