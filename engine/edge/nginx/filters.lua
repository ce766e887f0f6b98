-- What an HTTPRoute changes on the way: headers, the path and the host that a backend is asked for, and redirects.
local M = {}

local well_known_ports = { http = 80, https = 443 }
local escape_path = 0  -- The kind of ngx.escape_uri that leaves slashes.

-- The path that takes the place of `uri`, escaped. A prefix and what replaces it come without a slash at their end: so
-- /foo replaced by /xyz, or by /xyz/, makes /foo/bar into /xyz/bar, and replaced by nothing into /bar.
local function changed_path(change, uri, prefix)
  if change.type == "ReplaceFullPath" then return change.value end
  local path = change.value .. ngx.escape_uri(uri:sub(#prefix + 1), escape_path)
  return path == "" and "/" or path
end

local function with_query(path)
  local query = ngx.var.args
  return query and path .. "?" .. query or path
end

-- The path and query as the client wrote them, which may be behind a scheme and a host.
local function path_as_written()
  local path = ngx.var.request_uri:gsub("^%a[%w+.-]*://[^/?]*", "", 1)
  return path:byte(1) == 47 and path or "/" .. path
end

-- Answers with where to go instead. Without a port it is the scheme's, or the listener's where the scheme stays.
function M.redirect(to, entry)
  local scheme = to.scheme or ngx.var.scheme
  local port = to.port or well_known_ports[to.scheme] or entry.listener
  local place = port == well_known_ports[scheme] and "" or ":" .. port
  local path = to.path and with_query(changed_path(to.path, ngx.var.uri, entry.path.value)) or path_as_written()
  return ngx.redirect(scheme .. "://" .. (to.hostname or ngx.var.host) .. place .. path, to.status)
end

local function change_request_headers(changes)
  if not changes then return end
  for _, header in ipairs(changes.set) do ngx.req.set_header(header.name, header.value) end
  -- Read once: a list holds no name twice.
  local there = #changes.add > 0 and ngx.req.get_headers(0)
  for _, header in ipairs(changes.add) do
    local old = there[header.name]
    if type(old) == "table" then old = table.concat(old, ",") end
    ngx.req.set_header(header.name, old and old .. "," .. header.value or header.value)
  end
  for _, name in ipairs(changes.remove) do ngx.req.clear_header(name) end
end

-- Makes the request what this backend is asked.
function M.change_request(rule, backend, entry)
  change_request_headers(rule.request_headers)
  change_request_headers(backend.request_headers)
  local rewrite = rule.rewrite
  if not rewrite then return end
  if rewrite.hostname then ngx.var.edge_host = rewrite.hostname end
  if rewrite.path then ngx.var.edge_uri = with_query(changed_path(rewrite.path, ngx.var.uri, entry.path.value)) end
end

local function change_response_headers(changes)
  if not changes then return end
  for _, header in ipairs(changes.set) do ngx.header[header.name] = header.value end
  for _, header in ipairs(changes.add) do
    local values = ngx.header[header.name] or {}
    if type(values) ~= "table" then values = { values } end
    values[#values + 1] = header.value
    ngx.header[header.name] = values
  end
  for _, name in ipairs(changes.remove) do ngx.header[name] = nil end
end

-- For whatever answers on behalf of the rule, an error of the edge included.
function M.change_response(rule, backend)
  change_response_headers(rule.response_headers)
  if backend then change_response_headers(backend.response_headers) end
end

return M
