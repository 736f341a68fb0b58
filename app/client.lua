-- The blog from outside: a class over its JSON API, and a command line over the class.
--
--   local blog <close> = require("app.client").new("http://localhost:8080", "Ada")
--   blog:list()  blog:get(id)  blog:create(title, text)  blog:update(id, { title =, text = })  blog:delete(id)
--
--   rille run app/client.lua -- --base-url http://localhost:8080 --user Ada create --title First --text Hello
--
-- What the server refuses is raised: code "status", the server's reason as message, its response in err.response.
local rille = require "rille"

local Client = {}
Client.__index = Client

--- new(base_url, user) -> client; user is the owner of what it creates and the editor of what it changes
function Client.new(base_url, user)
  return setmetatable({ user = user, http = rille.client { base_url = base_url, timeout = 10 } }, Client)
end

function Client:close() self.http:close() end
Client.__close = Client.close

local function no_answer(res, reason)
  reason = reason or ("%s is no answer of a blog, its status is %d"):format(res.url, res.status)
  error(rille.error("status", reason, { status = 502, response = res }), 0)
end

-- The answer's table, or an error with the reason it gives.
local function answer(res)
  local body = res.content_type == "application/json" and res:json()
  if type(body) ~= "table" then body = {} end
  if res.ok and body.status == "ok" then return body end
  local reason = type(body.reason) == "string" and body.reason ~= "" and body.reason
  no_answer(res, reason)
end

local function post_of(res, value)
  if type(value) ~= "table" or value[1] ~= nil then no_answer(res) end
  return value
end

local function one(res) return post_of(res, answer(res).data) end

local function many(res)
  local posts = answer(res).data
  if type(posts) ~= "table" or (next(posts) ~= nil and #posts == 0) then no_answer(res) end
  for _, value in ipairs(posts) do post_of(res, value) end
  return posts
end

--- The posts, without their texts.
function Client:list() return many(self.http:get "/api") end

function Client:get(id) return one(self.http:get("/api/" .. id)) end

function Client:create(title, text)
  return one(self.http:post("/api", { json = { title = title, text = text, owner = self.user } }))
end

--- Changes what `fields` has of title and text.
function Client:update(id, fields)
  local json = { title = fields.title, text = fields.text, editor = self.user }
  return one(self.http:patch("/api/" .. id, { json = json }))
end

function Client:delete(id) answer(self.http:delete("/api/" .. id)) end

-- A post's words cannot command the terminal: control characters are shown as question marks.
local function plain(value) return (tostring(value):gsub("\xC2[\x80-\x9f]", "?"):gsub("[\0-\8\11-\31\127]", "?")) end

-- Nor look like another post: what follows a line's end is set in.
local function set_in(text) return (text:gsub("\n", "\n    ")) end

local function show(post)
  print("Post " .. plain(post.id))
  for _, name in ipairs { "owner", "editor", "title", "text" } do
    if post[name] then print(("  %s: %s"):format(name:gsub("^%l", string.upper), set_in(plain(post[name])))) end
  end
end

-- The subcommands: each gets a client and what was parsed.
local commands = {}

function commands.list(blog)
  local posts = blog:list()
  for _, post in ipairs(posts) do show(post) end
  if #posts == 0 then print "No posts yet" end
end

function commands.get(blog, given) show(blog:get(given.id)) end

function commands.create(blog, given) show(blog:create(given.title, given.text)) end

function commands.update(blog, given) show(blog:update(given.id, given)) end

function commands.delete(blog, given)
  blog:delete(given.id)
  print(("Post %d is deleted"):format(given.id))
end

local function post_id(text)
  return text:find "^%d+$" and math.tointeger(tonumber(text)) or nil, ("'%s' is not the number of a post"):format(text)
end

local function new_parser(argparse)
  local parser = argparse("rille run app/client.lua --", "Reads and writes the posts of a blog.")
  parser:option("--base-url", "Where the blog is.", "http://localhost:8080")
  parser:option("--user", "Who writes.", "Anonymous")
  parser:flag("--show-traceback", "Tell of an error where it came from.")
  parser:command_target "command"
  parser:command("list", "List the posts.")
  parser:command("get", "Show a post."):argument("id", "Its number."):convert(post_id)
  local create = parser:command("create", "Write a post.")
  create:option("--title"):count(1)
  create:option("--text"):count(1)
  local update = parser:command("update", "Change a post.")
  update:argument("id", "Its number."):convert(post_id)
  update:option "--title"
  update:option "--text"
  parser:command("delete", "Delete a post."):argument("id", "Its number."):convert(post_id)
  return parser
end

-- What was given, or nil and why it cannot be meant.
local function parse(parser, words)
  local ok, given = parser:pparse(words)
  if not ok then return nil, given end
  if not given.base_url:find "^https?://[^/]" then return nil, "--base-url: http:// or https:// and a host were expected" end
  if given.command == "update" and not given.title and not given.text then
    return nil, "nothing to change: --title or --text was expected"
  end
  return given
end

local function perform(given)
  local blog <close> = Client.new(given.base_url, given.user)
  commands[given.command](blog, given)
end

local function fail(status, ...)
  io.stderr:write(...)
  return status
end

--- main(words…) -> exit status: 0 done, 1 failed, 2 not understood
function Client.main(...)
  if not package.searchpath("argparse", package.path) then
    return fail(1, "Error: the Lua module argparse is missing; on Debian: apt install lua-argparse\n")
  end
  local parser = new_parser(require "argparse")
  local given, why = parse(parser, { ... })
  if not given then return fail(2, parser:get_usage(), "\n\nError: ", why, "\n") end
  local _, err = rille.try(perform, given)
  if not err then return 0 end
  local trace = given.show_traceback and type(err) == "table" and err.traceback
  return fail(1, "Error: ", plain(err), trace and "\n" .. plain(trace) or "", "\n")
end

return Client
