-- The body of a request, from the options json, form, files, multipart and body:
--
--   a string                       in memory; may be sent again
--   {length=, again=, send=}       streamed: send(f) calls f(bytes) for each piece, until f says that no more is wanted;
--                                  `again` where it may be run a second time (a redirect, a retry)
local multipart = require "rille.client.multipart"
local native = require "rille.native.core"
local options = require "rille.options"
local query = require "rille.client.query"

local mistake = options.mistake

local M = {}

-- An iterator: a function, or something that can be called like one. It runs in the task that sends, and may wait.
local function streamed(iterator)
  return { send = function(send)
    for bytes in iterator do
      if type(bytes) ~= "string" then
        error(("body: the iterator gives strings, got a %s"):format(type(bytes)), 0)
      end
      if bytes ~= "" and not send(bytes) then return end
    end
  end }
end

local function of_body(body)
  if type(body) == "string" then return body end
  if options.is_callable(body) then return streamed(body) end
  mistake(("body: a string or an iterator was expected, got a %s"):format(type(body)))
end

--- is(value): whether it is a body as `of` makes it, or none
function M.is(value)
  return value == nil or type(value) == "string" or (type(value) == "table" and type(rawget(value, "send")) == "function")
end

local function count_given(opts)
  local form = (opts.form or opts.files or opts.multipart) and 1 or 0
  return form + (opts.json ~= nil and 1 or 0) + (opts.body ~= nil and 1 or 0)
end

local function is_multipart(opts)
  if opts.files and opts.multipart == false then mistake "files are sent as multipart: multipart = false excludes them" end
  return opts.files or opts.multipart
end

--- of(opts) -> body, its content type; nothing where there is none
function M.of(opts)
  local given = count_given(opts)
  if given == 0 then return nil end
  if given > 1 then mistake "a request has one body: json, form (with files or multipart) or body" end
  if opts.json ~= nil then return native.json_encode(opts.json), "application/json" end
  if opts.body ~= nil then return of_body(opts.body) end
  if is_multipart(opts) then return multipart.of(opts.form, opts.files, opts.multipart) end
  return query.encode("form", opts.form or {}, true), "application/x-www-form-urlencoded"
end

--- may_go_again(body): whether it can be sent a second time
function M.may_go_again(body) return body == nil or type(body) == "string" or body.again == true end

--- text(body) -> all of it as one string: for those who look at a request instead of sending it
function M.text(body)
  if body == nil or type(body) == "string" then return body end
  local pieces = {}
  body.send(function(bytes)
    pieces[#pieces + 1] = bytes
    return true
  end)
  return table.concat(pieces)
end

return M
