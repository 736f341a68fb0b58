std = "lua54"
max_line_length = 130
exclude_files = { "build", "node_modules" }
files["spec"] = { std = "+busted" }
files["lua/rille/meta"] = { ignore = { "211", "212", "241", "331", "631" } }
