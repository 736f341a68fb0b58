-- Answers to outgoing requests without a socket. It stands in the place of the transport, so that redirects, cookies,
-- retries, deadlines and hooks of the client run as ever.
--
--   local fake <close> = mock.new()
--   fake:on("GET", "https://api.test/users/7", {json = {name = "Ada"}})
--   fake:on("POST", "https://api.test/*", function(req) return {status = 201, json = req:json()} end)
--   fake:on("GET", "https://slow.test/", {error = "timeout"})
--   fake.calls[1].method, .url, .path, .query, .headers, .body, :json()
--
-- A URL is matched to the letter, with or without its query; "*" stands for anything; what is written as a Lua pattern
-- ("https://api%.test/users/%d+") is one. Several answers to the same are given in turn, the last one again and again.
-- A request that nothing matches raises where it was made, and again when the mock is closed: a test cannot miss it.
local bodies = require "rille.client.body"
local errors = require "rille.error"
local headers = require "rille.client.headers"
local mistake = require("rille.options").mistake
local names = require "rille.names"
local native = require "rille.native.core"
local native_client = require "rille.native.client"
local options = require "rille.options"
local response = require "rille.client.response"
local transport = require "rille.client.transport"

local Mock = { __name = "rille.mock" }
Mock.__index = Mock

local M = {}

-- ---- what was asked -------------------------------------------------------------------------------------------------

local Call = { __name = "rille.mock_request" }
Call.__index = Call

function Call:json() return native.json_decode(self.body or "") end
function Call:__tostring() return ("%s %s"):format(self.method, self.url) end

local function decoded(text) return native.url_decode(text, true) end

local function query_of(text)
  local query = {}
  for pair in (text or ""):gmatch "[^&]+" do
    local name, value = pair:match "^([^=]*)=?(.*)$"
    name = decoded(name)
    if query[name] == nil then query[name] = decoded(value) end
  end
  return query
end

local function call_of(req)
  local location = native_client.url_parse(req.url)
  return setmetatable({ method = req.method, url = req.url, path = location.path, query = query_of(location.query),
    headers = headers.copy(req.headers), body = bodies.text(req.body) }, Call)
end

-- ---- matching -------------------------------------------------------------------------------------------------------

local function escaped(text) return (text:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0")) end

-- Returns true if each % begins an escaped byte, and none a pattern.
local function is_escaped(text) return not text:gsub("%%%x%x", ""):find("%", 1, true) end

local function fits(url, pattern, wanted)
  local well_formed, found = pcall(string.find, url, pattern)
  if not well_formed then mistake(("mock:on: '%s' is no pattern: %s"):format(wanted, found)) end
  return found ~= nil
end

-- function(url) -> whether it is meant
local function matcher(wanted)
  if type(wanted) == "function" then return wanted end
  if type(wanted) ~= "string" then mistake("mock:on: a URL, a pattern or a function was expected, got a " .. type(wanted)) end
  local glob = wanted:find("*", 1, true) and "^" .. escaped(wanted):gsub("%%%*", ".*") .. "$"
  local pattern = wanted:find "%%[%a%p]" and not is_escaped(wanted) and "^" .. wanted:gsub("^%^", ""):gsub("%$$", "") .. "$"
  local location = native_client.url_parse(wanted)
  local plain = location and location.url or wanted
  return function(url)
    if url == plain or url:match "^[^?]*" == plain then return true end
    return (glob and url:find(glob) ~= nil) or (pattern and fits(url, pattern, wanted)) or false
  end
end

local function find(mock, call)
  for _, rule in ipairs(mock.rules) do
    if (rule.method == "*" or rule.method == call.method) and rule.matches(call.url) then return rule end
  end
end

local function unmatched(mock, call)
  mock.unmatched[#mock.unmatched + 1] = call
  local known = {}
  for i, rule in ipairs(mock.rules) do known[i] = "\n\t" .. rule.method .. " " .. tostring(rule.wanted) end
  error(errors.new("unmatched", ("no mock answers %s%s"):format(tostring(call),
    #known > 0 and "; there are:" .. table.concat(known) or ""), { status = 500 }), 0)
end

-- ---- answering ------------------------------------------------------------------------------------------------------

local replies = { status = "number", headers = "table", body = true, json = true, error = true, delay = "number" }

-- Where the client's status for a code is not everybody's: what goes wrong between it and a server is none of its callers'.
local statuses = { closed = 500, invalid = 500, too_large = 502, redirect = 502, json = 502, charset = 502, status = 502 }

local function fail(call, err)
  if type(err) ~= "string" then error(err, 0) end
  error(errors.new(err, ("%s %s: mocked %s"):format(call.method, call.url:match "^[^?#]*", err),
    { phase = err == "timeout" and "read" or nil, url = call.url, method = call.method, status = statuses[err] }), 0)
end

local function parts_of(call, reply)
  if response.is(reply) then return reply.status, reply.headers, response.source(reply:bytes()) end
  if type(reply) == "string" then reply = { body = reply } end
  if type(reply) ~= "table" then mistake("mock: an answer is a table or a string, got a " .. type(reply)) end
  if reply.delay then native.sleep(reply.delay) end
  if reply.error ~= nil then fail(call, reply.error) end
  if call.method == "HEAD" then reply = { status = reply.status, headers = reply.headers } end
  return response.parts(reply)
end

local function answer(mock, req)
  local call = call_of(req)
  mock.calls[#mock.calls + 1] = call
  local rule = find(mock, call) or unmatched(mock, call)
  local reply = #rule.replies > 1 and table.remove(rule.replies, 1) or rule.replies[1]
  if type(reply) == "function" then reply = reply(call) end
  return parts_of(call, reply)
end

-- ---- for tests ------------------------------------------------------------------------------------------------------

local function rule_for(mock, method, wanted)
  for _, rule in ipairs(mock.rules) do
    if rule.method == method and rule.wanted == wanted then return rule end
  end
  local rule = { method = method, wanted = wanted, matches = matcher(wanted), replies = {} }
  mock.rules[#mock.rules + 1] = rule
  return rule
end

--- mock:on(method, url_or_pattern, answer) -> mock
--- @param answer table|string|function  {status=, headers=, body=, json=, error="timeout", delay=}, or function(req) of one
function Mock:on(method, wanted, reply)
  if type(method) ~= "string" then mistake("mock:on: a method was expected, got a " .. type(method)) end
  if type(reply) == "table" and not response.is(reply) then options.check(reply, replies, "mock:on", 2)
  elseif type(reply) == "nil" then reply = {} end
  local rule = rule_for(self, method:upper() == "ANY" and "*" or method:upper(), wanted)
  rule.replies[#rule.replies + 1] = reply
  return self
end

--- mock:check(): raises where there were requests that nothing matched; once
function Mock:check()
  if #self.unmatched == 0 then return end
  local list = {}
  for i, call in ipairs(self.unmatched) do list[i] = tostring(call) end
  self.unmatched = {}
  error(errors.new("unmatched", "requests that no mock answered: " .. table.concat(list, ", "), { status = 500 }), 0)
end

--- mock:close(): requests go to the wire again. Raises where there were some that nothing matched.
function Mock:close()
  if self.closed then return end
  self.closed = true
  self.restore()
  self:check()
end

-- An error on its way out is not hidden by another one.
function Mock:__close(err)
  if err == nil then return self:close() end
  self.closed = true
  self.restore()
end

--- new() -> mock; every client without a transport of its own asks it from now on
function M.new()
  local mock = setmetatable({ rules = {}, calls = {}, unmatched = {} }, Mock)
  mock.restore = transport.override(function(req) return answer(mock, req) end)
  return mock
end

names.class("fake", Mock, { fields = { "calls" }, absent = { "closed" } })
names.class("call", Call, { fields = { "method", "url", "path", "query", "headers", "body" } })

return M
