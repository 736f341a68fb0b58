-- Dates in response headers, as servers really write them: the algorithm for cookie dates (RFC 6265 section 5.1.1), which
-- reads the three forms of RFC 9110 section 5.6.7 too.
local M = {}

local months = { jan = 1, feb = 2, mar = 3, apr = 4, may = 5, jun = 6, jul = 7, aug = 8, sep = 9, oct = 10, nov = 11, dec = 12 }

--- days(year, month, day) -> days since 1970 of a date in the Gregorian calendar (Howard Hinnant, days_from_civil)
function M.days(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = year // 400
  local of_era = year - era * 400
  local of_year = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
  return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
end

local function last_day(year, month)
  if month == 2 then return (year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)) and 29 or 28 end
  return (month == 4 or month == 6 or month == 9 or month == 11) and 30 or 31
end

local function take(found, token)
  local h, m, s = token:match "^(%d%d?):(%d%d?):(%d%d?)%f[%D]"
  if h and not found.hour then
    found.hour, found.minute, found.second = tonumber(h), tonumber(m), tonumber(s)
    return
  end
  local number = token:match "^(%d+)"
  if number and #number <= 2 and not found.day then found.day = tonumber(number) return end
  local month = months[token:sub(1, 3):lower()]
  if month and not found.month then found.month = month return end
  if number and #number >= 2 and #number <= 4 and not found.year then found.year = tonumber(number) end
end

--- parse(text) -> seconds since 1970, or nil
function M.parse(text)
  local found = {}
  for token in text:gmatch "[%w:\128-\255]+" do take(found, token) end
  local year, month, day = found.year, found.month, found.day
  if not (year and month and day and found.hour) then return nil end
  if year >= 70 and year <= 99 then year = year + 1900 elseif year <= 69 then year = year + 2000 end
  if year < 1601 or day < 1 or day > last_day(year, month) then return nil end
  if found.hour > 23 or found.minute > 59 or found.second > 59 then return nil end
  return M.days(year, month, day) * 86400 + found.hour * 3600 + found.minute * 60 + found.second
end

return M
