-- What happens to a request: the first entry of the routing table that matches names the rule, the rule's weights the
-- backend, and its endpoints take turns. The table is data in shared memory; every worker notices a new version with the
-- next request.
local balancer = require "ngx.balancer"
local ffi = require "ffi"
local filters = require "filters"
local json = require "json"

ffi.cdef "long write(int fd, const void* buffer, unsigned long size);"

local shared = ngx.shared.edge_program
local counters = ngx.shared.edge_counters
local metrics = ngx.shared.edge_metrics

local connect_seconds = 1
local unlimited_seconds = 2000000  -- 23 days: nginx' timers end soon after.
local silent_upgraded_seconds = 300  -- A connection of a WebSocket without timeouts. Source: Envoy's stream_idle_timeout.
local max_further_tries = 2
local max_headers, max_arguments = 100, 1000  -- That are looked at; SecArgumentsLimit is no higher.
local busy = -3  -- NGX_BUSY: no endpoint is left to try, which clients get as 502.

local M = { default_timeout_seconds = 60 }
local table_now, version_now

local function current_table()
  local version = shared:get("version")
  if version ~= version_now then
    -- A newer version may take the place of this one between the two reads: then the next request sees it.
    local text = shared:get("program:" .. version)
    if text then table_now, version_now = json.decode(text), version end
  end
  return table_now
end

local function compare(match, value)
  if value == nil then return false end
  if match.type == "RegularExpression" then
    return ngx.re.find(value, "\\A(?:" .. match.value .. ")\\z", "jos") ~= nil
  end
  return value == match.value
end

-- A header that is sent several times is one whose value is a list. Source: RFC 9110, section 5.3.
local function header_value(value)
  return type(value) == "table" and table.concat(value, ",") or value
end

-- Of a parameter that is sent several times the first counts; one without "=" is empty.
local function argument_value(value)
  if type(value) == "table" then value = value[1] end
  return value == true and "" or value
end

local function matches_host(pattern, host)
  if pattern == "" or pattern == host then return true end
  if pattern:byte(1) ~= 42 then return false end  -- "*.example" matches any number of labels, but not "example".
  local suffix = pattern:sub(2)
  return #host > #suffix and host:sub(-#suffix) == suffix
end

local function matches_path(path, uri)
  if path.type ~= "PathPrefix" then return compare(path, uri) end
  local prefix = path.value
  return uri:sub(1, #prefix) == prefix and (#uri == #prefix or prefix == "" or uri:byte(#prefix + 1) == 47)
end

local function matches_all(list, values, read)
  for _, match in ipairs(list) do
    if not compare(match, read(values[match.name])) then return false end
  end
  return true
end

local function find_rule(routing, port, host, uri, method)
  local headers, query
  for _, entry in ipairs(routing.entries) do
    if entry.port == port and matches_host(entry.host, host) and matches_path(entry.path, uri)
        and (entry.method == "" or entry.method == method) then
      if #entry.headers > 0 then headers = headers or ngx.req.get_headers(max_headers) end
      if #entry.query > 0 then query = query or ngx.req.get_uri_args(max_arguments) end
      if matches_all(entry.headers, headers, header_value) and matches_all(entry.query, query, argument_value) then
        return routing.rules[entry.rule], entry
      end
    end
  end
end

-- Weighted round robin with exact counts: of any `total` requests in a row each backend gets its weight, evenly spread.
-- The first backend takes its share of 0 … total-1; what is left is counted anew for the others.
local function choose_backend(rule)
  local total = rule.total
  if total == 0 then return nil end
  local turn = counters:incr(rule.key, 1, -1)
  turn = (turn or 0) % total
  for _, backend in ipairs(rule.backends) do
    local weight = backend.weight
    local before = math.floor(turn * weight / total)
    if math.floor((turn + 1) * weight / total) > before then return backend end
    turn = turn - before
    total = total - weight
  end
end

function M.route()
  local routing = current_table()
  if not routing then return ngx.exit(503) end
  local host = (ngx.var.host or ""):lower()
  local rule, entry = find_rule(routing, tonumber(ngx.var.server_port), host, ngx.var.uri, ngx.req.get_method())
  if not rule then return ngx.exit(404) end
  local ctx = ngx.ctx
  ctx.rule = rule
  if rule.redirect then return filters.redirect(rule.redirect, entry) end
  ctx.backend = choose_backend(rule)
  -- A reference that leads nowhere is its author's mistake, 500; one without ready endpoints may pass, 503.
  if not ctx.backend or ctx.backend.missing then return ngx.exit(500) end
  if #ctx.backend.endpoints == 0 then return ngx.exit(503) end
  filters.change_request(rule, ctx.backend, entry)
end

-- How long a backend that is asked now may be silent. Sets the moment by which its answer must have ended: nginx' own
-- timeouts begin anew with every byte, so the answer is looked at as it comes; see check_deadline.
local function seconds_left(ctx)
  local rule, now = ctx.rule, ngx.now()
  local whole, own = rule.request_timeout, rule.backend_timeout
  local deadline = math.huge
  if whole and whole > 0 then deadline = ngx.req.start_time() + whole end
  if own and own > 0 then deadline = math.min(deadline, now + own) end
  if deadline < math.huge then
    ctx.deadline = deadline
    return math.max(deadline - now, 0.001)
  end
  if whole or own then return unlimited_seconds end
  return ngx.var.edge_upgrade ~= "" and silent_upgraded_seconds or M.default_timeout_seconds
end

-- Whether the try before this one got a connection. From then on the endpoint may have acted on the request or died of
-- it, and that must show as this backend's failure: a second try would hide a canary that crashes.
local function was_connected()
  local tries = {}
  for seconds in ngx.var.upstream_connect_time:gmatch("[^, :]+") do tries[#tries + 1] = seconds end
  return tries[ngx.ctx.tries] ~= "-"
end

-- Another endpoint is tried only where no connection came about, and only one of the same backend.
function M.balance()
  local ctx = ngx.ctx
  local endpoints = ctx.backend.endpoints
  if ctx.turn then
    if was_connected() then return ngx.exit(busy) end
    ctx.tries = ctx.tries + 1
    ctx.turn = ctx.turn + 1
  else
    ctx.turn = counters:incr("endpoint of " .. ctx.backend.name, 1, -1) or 0
    ctx.tries = 1
    if #endpoints > 1 then balancer.set_more_tries(math.min(#endpoints - 1, max_further_tries)) end
  end
  local endpoint = endpoints[ctx.turn % #endpoints + 1]
  local left = seconds_left(ctx)
  balancer.set_timeouts(math.min(connect_seconds, left), left, left)
  assert(balancer.set_current_peer(endpoint.ip, endpoint.port))
end

-- Whether the head of the answer is a backend's; else the edge answers by itself.
local function backend_answers()
  return (ngx.var.upstream_header_time or ""):find("%d$") ~= nil
end

function M.finish_headers()
  local ctx = ngx.ctx
  if ctx.deadline then
    local late = ngx.now() > ctx.deadline
    if late or not backend_answers() then ctx.deadline = nil end
    if late and backend_answers() then return ngx.exit(504) end
  end
  if ctx.rule then filters.change_response(ctx.rule, ctx.backend) end
  -- Before a reload clients are asked to come back on new connections, because old workers close idle ones without
  -- notice. A connection that becomes a WebSocket's is none of those.
  local target = shared:get("target") or ""
  if ngx.status ~= 101 and (ngx.worker.exiting() or (target ~= "" and target ~= ngx.var.edge_listeners)) then
    ngx.header["Connection"] = "close"
  end
end

-- Breaks off an answer that has not ended in time. Its status is sent already; the connection's end tells the client.
-- One that falls silent in mid-answer is noticed with the end of its last read, at twice its time at the latest; a head
-- that comes byte by byte when it is whole.
function M.check_deadline()
  local ctx = ngx.ctx
  if not ctx.deadline or ngx.now() <= ctx.deadline then return end
  ctx.broken_off = true
  return ngx.ERROR
end

local function quote(text)
  return '"' .. (text or ""):gsub('[%c"\\\127-\255]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function names(ctx)
  return ctx.rule and ctx.rule.route or "", ctx.backend and ctx.backend.name or ""
end

function M.log()
  local route, backend = names(ngx.ctx)
  local status = ngx.ctx.broken_off and 504 or ngx.status
  metrics:incr(("%s|%s|%d"):format(route, backend, status), 1, 0)
  metrics:incr(("%s|%s|seconds"):format(route, backend), tonumber(ngx.var.request_time) or 0, 0)
  local path = ngx.var.request_uri
  if path == "" then path = ngx.var.unread_path end
  local line = ('{"time":%s,"client":%s,"method":%s,"host":%s,"path":%s,"status":%d,"route":%s,"backend":%s,"endpoint":%s,'
    .. '"seconds":%s,"requestId":%s}\n'):format(quote(ngx.var.time_iso8601), quote(ngx.var.remote_addr),
    quote(ngx.var.request_method), quote(ngx.var.host), quote(path), status, quote(route),
    quote(backend), quote(ngx.var.upstream_addr), ngx.var.request_time, quote(ngx.var.request_id))
  ffi.C.write(1, line, #line)
end

local function escape_label(text)
  return (text:gsub('[\\"]', "\\%0"))
end

-- Text exposition format of Prometheus.
function M.write_metrics()
  local counts, seconds = {}, {}
  for _, key in ipairs(metrics:get_keys(0)) do
    local route, backend, code = key:match("^(.-)|(.-)|(%w+)$")
    local labels = ('route="%s",backend="%s"'):format(escape_label(route), escape_label(backend))
    if code == "seconds" then
      seconds[#seconds + 1] = ("edge_request_duration_seconds_sum{%s} %.3f\n"):format(labels, metrics:get(key))
    else
      counts[#counts + 1] = ('edge_requests_total{%s,code="%s"} %d\n'):format(labels, code, metrics:get(key))
    end
  end
  table.sort(counts)
  table.sort(seconds)
  ngx.header["Content-Type"] = "text/plain; version=0.0.4"
  ngx.print("# TYPE edge_requests_total counter\n", counts, "# TYPE edge_request_duration_seconds_sum counter\n", seconds)
end

return M
