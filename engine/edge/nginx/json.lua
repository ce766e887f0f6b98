-- Reads JSON written by the engine (compact or not); errors are raised. nginx's Lua has no JSON reader of its own here.
local find, sub, byte = string.find, string.sub, string.byte

local escapes = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local read_value

local function skip(text, at)
  local _, last = find(text, "^[ \n\r\t]*", at)
  return last + 1
end

local function unescape(sequence)
  local code = sequence:match("^u(%x%x%x%x)$")
  if not code then return escapes[sequence] or error("unknown escape") end
  code = tonumber(code, 16)
  assert(code < 128, "only ASCII is escaped by number")
  return string.char(code)
end

local function read_string(text, at)
  local start, parts = at + 1, nil
  while true do
    local stop = find(text, '["\\]', start)
    assert(stop, "string without end")
    local plain = sub(text, start, stop - 1)
    if byte(text, stop) == 34 then
      if not parts then return plain, stop + 1 end
      parts[#parts + 1] = plain
      return table.concat(parts), stop + 1
    end
    parts = parts or {}
    parts[#parts + 1] = plain
    local length = byte(text, stop + 1) == 117 and 5 or 1
    parts[#parts + 1] = unescape(sub(text, stop + 1, stop + length))
    start = stop + 1 + length
  end
end

local function read_list(text, at)
  local out = {}
  at = skip(text, at + 1)
  if sub(text, at, at) == "]" then return out, at + 1 end
  while true do
    out[#out + 1], at = read_value(text, at)
    at = skip(text, at)
    local mark = sub(text, at, at)
    if mark == "]" then return out, at + 1 end
    assert(mark == ",", "',' or ']' expected")
    at = skip(text, at + 1)
  end
end

local function read_object(text, at)
  local out = {}
  at = skip(text, at + 1)
  if sub(text, at, at) == "}" then return out, at + 1 end
  while true do
    assert(byte(text, at) == 34, "key expected")
    local key
    key, at = read_string(text, at)
    at = skip(text, at)
    assert(sub(text, at, at) == ":", "':' expected")
    out[key], at = read_value(text, skip(text, at + 1))
    at = skip(text, at)
    local mark = sub(text, at, at)
    if mark == "}" then return out, at + 1 end
    assert(mark == ",", "',' or '}' expected")
    at = skip(text, at + 1)
  end
end

function read_value(text, at)
  local first = sub(text, at, at)
  if first == '"' then return read_string(text, at) end
  if first == "{" then return read_object(text, at) end
  if first == "[" then return read_list(text, at) end
  if sub(text, at, at + 3) == "true" then return true, at + 4 end
  if sub(text, at, at + 4) == "false" then return false, at + 5 end
  if sub(text, at, at + 3) == "null" then return nil, at + 4 end
  local _, last = find(text, "^-?%d+%.?%d*[eE]?[-+]?%d*", at)
  assert(last, "value expected")
  return assert(tonumber(sub(text, at, last)), "number expected"), last + 1
end

return {
  decode = function(text)
    local value, at = read_value(text, skip(text, 1))
    assert(skip(text, at) == #text + 1, "text after the end")
    return value
  end,
}
