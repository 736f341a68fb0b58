-- Bodies of multipart forms, as a browser would send them: multipart { {"title", "Hi"}, {"image", bytes, filename =, type =} }
-- -> body, headers.
local boundary = "----rilleFormBoundary7MA4YWxkTrZu0gW"

return function(parts)
  local pieces = {}
  for _, part in ipairs(parts) do
    local disposition = ('Content-Disposition: form-data; name="%s"'):format(part[1])
    if part.filename then disposition = disposition .. ('; filename="%s"'):format(part.filename) end
    pieces[#pieces + 1] = "--" .. boundary .. "\r\n" .. disposition .. "\r\n"
    if part.type then pieces[#pieces + 1] = "Content-Type: " .. part.type .. "\r\n" end
    if part.head then pieces[#pieces + 1] = part.head .. "\r\n" end
    pieces[#pieces + 1] = "\r\n" .. part[2] .. "\r\n"
  end
  pieces[#pieces + 1] = "--" .. boundary .. "--\r\n"
  return table.concat(pieces), { ["Content-Type"] = "multipart/form-data; boundary=" .. boundary }
end
