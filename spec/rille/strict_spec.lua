local scratch = require "spec.support.scratch"

describe("a global", function()
  local files
  setup(function()
    files = scratch.new()
    files:write("app/init.lua", [[
      local rille = require "rille"
      set_while_loading = 1
      local app = rille.app()
      app:get("/read", function() return tostring(prnit) end)
      app:get("/write", function() counter = 1 return "x" end)
      app:get("/count", function() cnt = (cnt or 0) + 1 return tostring(cnt) end)
      app:get("/known", function() return tostring(set_while_loading) .. type(print) end)
      app:get("/raw", function() rawset(_G, "on_purpose", 1) return tostring(on_purpose) end)
      app:get("/others", function() return tostring(require "other") end)
      return app]])
    files:write("lua_modules/other.lua", "made_by_other = 1 return tostring(no_such_global) .. made_by_other")
    files:write("spec/ask_spec.lua", [[
      local testing = require "rille.testing"
      it("asks", function()
        local client = testing.client(require "app")
        for _, path in ipairs { "read", "write", "known", "raw", "others" } do
          local res = client:get("/" .. path)
          print(path, res.status, res:text())
        end
        local not_there = a_global_that_a_spec_reads
        error(tostring(not_there))
      end)]])
  end)
  teardown(function() files:close() end)

  describe("in tests", function()
    local output
    setup(function() output = files:run(files.rille, "test") end)

    it("that does not exist raises where it is read, with the nearest name", function()
      assert.matches("read\t500", output)
      assert.matches("app/init.lua:4: there is no global 'prnit', did you mean 'print'?", output, 1, true)
    end)

    it("that is written once the program is loaded raises", function()
      assert.matches("write\t500", output)
      assert.matches("app/init.lua:5: the global 'counter' is written after the program was loaded", output, 1, true)
    end)

    it("that exists, was set while loading, or is set by rawset is as ever", function()
      assert.matches("known\t200\t1function", output)
      assert.matches("raw\t200\t1", output)
    end)

    it("is nobody's business in modules of others and in specs", function()
      assert.matches("others\t200\tnil1", output)
      assert.not_matches("a_global_that_a_spec_reads", output)
    end)
  end)

  it("in production is a warning, once for each place", function()
    local output = files:run(([[sh -c '
      %s serve --port 0 2> log > /dev/null & pid=$!
      for i in $(seq 500); do grep -qs listening log && break; sleep 0.02; done
      url=$(sed -n "s/.*listening at=\(http[^ ]*\).*/\1/p" log)
      for path in read read write write known count count; do curl -s -o /dev/null -w "%%{http_code} " $url/$path; done
      kill -TERM $pid; wait $pid; cat log']]):format(files.rille))
    assert.matches("^200 200 200 200 200 200 200 ", output)
    assert.equal(1, select(2, output:gsub("there is no global 'prnit', did you mean 'print'%?", "")))
    assert.equal(1, select(2, output:gsub("the global 'counter' is written after", "")))
    assert.not_matches("set_while_loading", output)
    assert.equal(1, select(2, output:gsub("the global 'cnt' is written after [%a ]+: every request shares it", "")))
  end)
end)
