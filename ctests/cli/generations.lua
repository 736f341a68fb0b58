-- The program that ctests/cli/test_generation.c loads again and again: what it does is in the environment.
local rille = require "rille"
local what = os.getenv "T_PROGRAM" or ""

if what == "fails" then error "it does not load" end
if what == "waits" then rille.sleep(3600) end
if what == "ends by itself" then
  local native = require "rille.native.core"
  native.wait_stop = function()
    native.sleep(1)
    error "nobody asked for this"
  end
end

local app = rille.app()
app:get("/", function() return what end)
app:get("/slow", function()
  rille.sleep(3)
  return "slow"
end)
app:lifespan(function(_, running)
  rille.log.info("started " .. what)
  running()
  if what == "slow end" then rille.sleep(1) end
  rille.log.info("ended " .. what)
end)
return app
