-- A quote that a client left open in X-Forwarded-For or Forwarded took in what the proxy added behind it: the client's address
-- was unknown then, and the proxy's counted.
local rille = require "rille"
local testing = require "rille.testing"

describe("behind a trusted proxy", function()
  for name, added in pairs { ["X-Forwarded-For"] = "192.0.2.7", Forwarded = "for=192.0.2.7" } do
    it("a quote that a client leaves open in " .. name .. " hides nobody", function()
      local app = rille.app()
      app:use(rille.trust_proxy { "127.0.0.1", "unix" })
      app:get("/", function(req) return req.remote end)
      local client = testing.client(app)
      for _, sent in ipairs { '"', 'for="', 'for="x\\"', '"\\', 'for="a", "', 'a" b "c"', ",,", '" , "' } do
        assert.equal("192.0.2.7", client:get("/", { headers = { [name] = sent .. ", " .. added } }):text(), sent)
        assert.equal("192.0.2.7", client:get("/", { headers = { [name] = { sent, added } } }):text(), sent)
      end
    end)
  end
end)
