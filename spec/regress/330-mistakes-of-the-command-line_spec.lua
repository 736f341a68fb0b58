-- What people type, and what they are told: what is wrong, what was probably meant, how to write it. One line for each, the exit
-- status 2 for a mistake of the command line itself and 1 for what it names; never a traceback of rille's own lines.
-- runtime/cli/main.c, runtime/cli/options.c, runtime/cli/commands.c, runtime/cli/suggest.c
local scratch = require "spec.support.scratch"

-- what is typed, exit status, what is said (all of these)
local mistakes = {
  -- commands
  { "nwe", 2, "unknown command 'nwe', did you mean 'new'? See: rille help" },
  { "serv app.lua", 2, "did you mean 'serve'?" },
  { "SERVE", 2, "did you mean 'serve'?" },
  { "chekc", 2, "did you mean 'check'?" },
  { "rotues", 2, "did you mean 'routes'?" },
  { "start", 2, "did you mean 'serve'?" },
  { "init", 2, "did you mean 'new'?" },
  { "repl", 2, "did you mean 'console'?" },
  { "xyzzy", 2, "unknown command 'xyzzy', see: rille help" },
  { "os", 2, "unknown command 'os', see: rille help" },
  { "app.lua", 2, "rille serve app.lua serves an app, rille run app.lua runs a script" },
  { "demo", 2, "rille serve demo serves an app" },
  { "--port 80", 2, "a command was expected before '--port', such as: rille serve --port" },
  { "help serv", 2, "no command 'serv', did you mean: rille help serve" },
  { "help xyzzy", 2, "no command 'xyzzy', see: rille help" },
  { "version now", 2, "unexpected argument 'now', see: rille help version" },
  -- options
  { "serve --prot 80", 2, "unknown option --prot, did you mean --port? See: rille help serve" },
  { "serve --threds=4", 2, "did you mean --threads?" },
  { "serve --shutdown-timout 3", 2, "did you mean --shutdown-timeout?" },
  { "serve --supervize", 2, "did you mean --supervise?" },
  { "serve -p 80", 2, "unknown option -p, did you mean --port?" },
  { "serve --workers 4", 2, "did you mean --threads?" },
  { "serve --bind 0.0.0.0", 2, "did you mean --host?" },
  { "serve --reload", 2, "rille dev loads the program again at each save" },
  { "serve --daemon", 2, "a server stays in the foreground" },
  { "serve --cert x", 2, "--tls CERT.pem,KEY.pem serves https" },
  { "serve --xyzzy", 2, "unknown option --xyzzy, see: rille help serve" },
  { "serve --allow-host a.test", 2, "--allow-host is for rille dev" },
  { "serve --json", 2, "not --json" },
  { "dev --threads 2", 2,
    "rille dev has one worker and takes --host, --port, --memory-limit, --https and --allow-host, not --threads" },
  { "dev --workers 2", 2, "unknown option --workers, see: rille help dev" },
  { "routes --json", 2, "rille routes takes no options, got '--json'" },
  { "check --fix", 2, "rille check takes no options, got '--fix'" },
  { "serve —port 80", 2, "'—port' begins with a long dash, write: --port" },
  -- values
  { "serve --port", 2, "--port needs a value" },
  { "serve --port --host", 2, "--port needs a value, got the option --host" },
  { "serve --port http", 2, "--port: expected a port from 0 to 65535, got 'http'" },
  { "serve --port 65536", 2, "--port: expected a port from 0 to 65535, got '65536'" },
  { "serve --port=", 2, "--port: expected a port from 0 to 65535, got ''" },
  { "serve --threads 0", 2, "a number from 1 to 1024, or auto, got '0'" },
  { "serve --log jsno", 2, "--log: expected text, json or off, got 'jsno'" },
  { "serve --shutdown-timeout 30s", 2, "expected seconds, such as 30 or 0.5, got '30s'" },
  { "serve --memory-limit 64M", 2, "expected bytes, at least 1048576 (64 MiB are 67108864), got '64M'" },
  { "serve --unix=", 2, "--unix: expected a path" },
  { "serve --supervise=yes", 2, "--supervise: expected no value, got 'yes'" },
  { "serve --host 127.0.0.1:80", 2, "without a port (--port)" },
  { "dev --allow-host http://a.test", 2, "a name such as blog.test, without a port" },
  -- APP
  { "serve app.lua 8080", 2, "unexpected argument '8080', did you mean --port 8080?" },
  { "serve app.lua b.lua", 2, "unexpected argument 'b.lua': rille serve takes one APP, which is 'app.lua'" },
  { "serve 8080", 1, "did you mean --port 8080?" },
  { "serve demo", 1, "no app at 'demo': expected a Lua file, or a directory with init.lua, did you mean 'demo/app', the app of" },
  { "dev demo", 1, "did you mean 'demo/app', the app of that project?" },
  { "check demo/ap", 1, "did you mean 'demo/app'?" },
  { "check ap.lua", 1, "did you mean 'app.lua'?" },
  { "check ./ap.lua", 1, "did you mean 'app.lua'?" },
  { "check other", 1, "did you mean 'other.lua'?" },
  { "check static", 1, "'static' is a folder without init.lua" },
  { "check nosuch", 1, "no app at 'nosuch': expected a Lua file, or a directory with init.lua\n" },
  { "dev nosuch", 1, "no app at 'nosuch'" },
  { "console nosuch", 1, "no app at 'nosuch'" },
  { "doctor nosuch", 1, "no app at 'nosuch'" },
  { "serve demo/spec/x_spec.lua", 1, "'demo/spec/x_spec.lua' is a spec: rille test demo/spec/x_spec.lua runs it" },
  { "check nothing.lua", 1, "nothing.lua must return an app, or a function that returns one; it returned a nil: end it with "
    .. "`return app`" },
  { "check main.lua", 1, "it returned a table: rille run main.lua runs a script" },
  { "check syntax.lua", 1, "syntax.lua:2: unexpected symbol near <eof>" },
  { "check needs.lua", 1, "error loading module 'broken' from file 'broken.lua':\n\tbroken.lua:1: unexpected symbol" },
  { "run syntax.lua", 1, "syntax.lua:2: unexpected symbol near <eof>" },
  -- run, test, migrate, new, completion
  { "run", 2, "run needs a FILE, see: rille help run" },
  { "run nosuch.lua", 1, "no file 'nosuch.lua'" },
  { "run app", 1, "no file 'app', did you mean 'app.lua'?" },
  { "run demo", 1, "'demo' is a folder, and run needs a Lua file: an app is served, by rille serve demo/app" },
  { "test", 1, "there is no folder 'spec' here: rille test PATH runs the specs of another one" },
  { "test nosuch", 1, "Cannot find file or directory: nosuch" },
  { "migrate", 2, "migrate needs a database and a directory, such as blog.db app/migrations; got nothing" },
  { "migrate x.db", 2, "got 'x.db', see: rille help migrate" },
  { "migrate x.db nosuch", 1, "migrate: cannot read the directory nosuch: No such file or directory" },
  { "migrate x.db migration", 1, "did you mean 'migrations'?" },
  { "migrate migrations x.db", 1, "the database comes first: rille migrate x.db migrations" },
  { "migrate static migrations", 1, "'static' is a folder, and the first argument is a database" },
  { "migrate x.db migrations/1.sql", 1, "the folder that holds the .sql files was expected, here 'migrations'" },
  { "migrate --stats x.db migrations", 2, "migrate knows no option '--stats', did you mean --status? See: rille help migrate" },
  { "new", 2, "new needs a NAME, see: rille help new" },
  { "new 9lives", 1, "begins with a letter was expected, such as lives: '9lives' does not begin with one" },
  { "new .", 1, "'.' is a folder that is there already" },
  { "new my.blog", 1, "such as my-blog: 'my.blog'" },
  { "new my blog", 2, "new takes one NAME, got 'my' and 'blog': did you mean my-blog?" },
  { "new demo", 1, "'demo' is there already" },
  { "new nosuch/blog", 1, "cannot make the directory nosuch/blog: No such file or directory" },
  { "new x --apii", 2, "unknown option --apii, did you mean --api? See: rille help new" },
  { "new x --api --minimal", 2, "new makes one kind: --api or --minimal, not both" },
  { "completion", 2, "completion needs a shell: bash, zsh or fish" },
  { "completion tcsh", 2, "bash, zsh or fish, got 'tcsh'" },
}

local files = {
  ["app.lua"] = "return require('rille').app()",
  ["other.lua"] = "return require('rille').app()",
  ["nothing.lua"] = "local app = require('rille').app()",
  ["main.lua"] = "return { main = function() end }",
  ["syntax.lua"] = "return (\n",
  ["needs.lua"] = "return require 'broken'",
  ["broken.lua"] = "return ) ",
  ["demo/app/init.lua"] = "return require('rille').app()",
  ["demo/spec/x_spec.lua"] = "describe('x', function() end)",
  ["static/a.css"] = "",
  ["migrations/1.sql"] = "CREATE TABLE a (b);",
}

describe("a mistake of the command line", function()
  local place
  setup(function()
    place = scratch.new()
    for name, text in pairs(files) do place:write(name, text) end
  end)
  teardown(function() place:close() end)

  local shell = "says() { timeout 20 env -u HOST -u PORT -u RILLE_THREADS %s \"$@\"; echo \"status $?\"; }; says"

  for _, row in ipairs(mistakes) do
    it("is told of: rille " .. row[1], function()
      local words = {}
      for word in row[1]:gmatch "%S+" do words[#words + 1] = word end
      local said = place:run(shell:format(place.rille), table.unpack(words))
      assert.matches(row[3], said, 1, true)
      assert.matches("status " .. row[2] .. "\n$", said)
      assert.is_nil(said:find("rille/%l+%.lua:%d+"), said)
      assert.is_nil(said:find("stack traceback", 1, true), said)
    end)
  end

  it("is not seen where there is none", function()
    for _, line in ipairs { "help", "help serve", "version", "-v", "--version", "routes app.lua", "check demo/app",
      "completion zsh" } do
      local words = {}
      for word in line:gmatch "%S+" do words[#words + 1] = word end
      assert.matches("status 0\n$", place:run(shell:format(place.rille), table.unpack(words)), line)
    end
  end)

  it("is less likely with completion: each command's own options, in each shell", function()
    for shell_name, lines in pairs {
      bash = { "serve\\ -*) words='--host --port --unix ", "doctor\\ -*) words='--host --port --json'",
        "new\\ -*) words='--api --minimal'" },
      zsh = { "doctor) [[ $PREFIX == -* ]] && { compadd -- --host --port --json; return } ;;" },
      fish = { "__fish_seen_subcommand_from migrate' -a '--status --dry-run --backup'",
        "-f -a 'serve dev run test routes check doctor " },
    } do
      local script = place:run(place.rille, "completion", shell_name)
      for _, line in ipairs(lines) do assert.matches(line, script, 1, true) end
      assert.is_nil(script:find "serve[^\n]*%-%-allow%-host")
    end
  end)

  it("names who has the port", function()
    place:write("two.py", "import socket, subprocess, sys\ns = socket.socket()\ns.bind(('127.0.0.1', 0))\ns.listen()\n"
      .. "sys.exit(subprocess.call([sys.argv[1], sys.argv[2], 'app.lua', '--port', str(s.getsockname()[1])]))\n")
    for _, command in ipairs { "serve", "dev" } do
      local said = place:run("python3", "two.py", place.rille, command)
      assert.matches("Address already in use (another program has it: rille doctor says which, --port takes", said, 1, true)
    end
  end)
end)
