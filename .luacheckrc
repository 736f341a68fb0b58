std = "lua54"
max_line_length = 130
exclude_files = { "build", "node_modules" }
files["spec"] = { std = "+busted" }
