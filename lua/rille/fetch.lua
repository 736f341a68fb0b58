-- rille.fetch: a noun of its own in rille/init.lua, so that it is loaded when it is first named.
return require("rille.client").fetch
