std = "lua54"
max_line_length = 130
exclude_files = { "build", "node_modules" }
files["spec"] = { std = "+busted" }
files["bench/peers/nginx_lua.lua"] = { std = "ngx_lua" }
files["lua/rille/meta"] = { ignore = { "211", "212", "241", "331", "631" } }
