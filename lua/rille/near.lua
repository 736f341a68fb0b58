-- Finds the name that somebody probably meant: the nearest of those that exist. Loaded with the first mistake.

-- Words without their style: max_age, maxAge and max-age are one.
local function plain(word) return (word:lower():gsub("[_-]", "")) end

-- Returns how many letters must be inserted, left out, changed or exchanged with their neighbour to get from a to b: Damerau's
-- distance (1964), by optimal string alignment.
local function distance(a, b)
  local before, row, next_row = {}, {}, {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    next_row[0] = i
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local best = math.min(row[j] + 1, next_row[j - 1] + 1, row[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        best = math.min(best, before[j - 2] + 1)
      end
      next_row[j] = best
    end
    before, row, next_row = row, next_row, before
  end
  return row[#b]
end

local LONGEST = 40

-- Returns true if two words are near: a third of the shorter one may differ; in a short one, a letter missing or too many.
local function is_near(name, candidate, apart)
  if apart <= math.min(#name, #candidate) // 3 then return true end
  return apart == 1 and #name ~= #candidate and #name > 1 and name:byte() == candidate:byte()
end

-- The shortest of the names that begin with what was written, three letters or more: base is base_url.
local function completed(wanted, known)
  local best
  for key, value in pairs(known) do
    local candidate = type(key) == "number" and value or key
    if #wanted >= 3 and type(candidate) == "string" and plain(candidate):sub(1, #wanted) == wanted
      and (not best or #candidate < #best or (#candidate == #best and candidate < best)) then
      best = candidate
    end
  end
  return best
end

--- The name in `known` (a set or a list of names) that is most like `name`, or nil where none is close.
return function(name, known)
  local best, best_distance
  if #name > 2 * LONGEST then return nil end
  local wanted = plain(name)
  if wanted == "" or #wanted > LONGEST then return nil end
  for key, value in pairs(known) do
    local candidate = type(key) == "number" and value or key
    local word = type(candidate) == "string" and plain(candidate)
    if word and #word <= LONGEST and math.abs(#word - #wanted) <= #wanted // 3 + 1 then -- at least so many letters apart
      local d = distance(wanted, word)
      if is_near(wanted, word, d) and (not best or d < best_distance or (d == best_distance and candidate < best)) then
        best, best_distance = candidate, d
      end
    end
  end
  return best or completed(wanted, known)
end
