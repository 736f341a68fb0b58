-- The Vary header (RFC 9110 section 12.5.5): vary(res, "Cookie") adds a name to it, once.
return function(res, name)
  local vary = res.headers.vary
  if not vary then
    res:header("Vary", name)
  elseif vary ~= "*" and not (", " .. vary:lower() .. ","):find(", " .. name:lower() .. ",", 1, true) then
    res:header("Vary", vary .. ", " .. name)
  end
end
