-- How the engine tells the edge what to do; see nginx_traffic.cc for the other end.
local ffi = require "ffi"
local json = require "json"
local process = require "ngx.process"

ffi.cdef "int kill(int pid, int signal);"

local shared = ngx.shared.edge_program
local hang_up = 1

local M = {}

local function answer(code, text)
  ngx.status = code
  ngx.print(text)
  return ngx.exit(ngx.HTTP_OK)
end

-- The version of the routing table, the listeners that this worker's configuration was made from, and those that are
-- on their way: for a moment after a reload old workers still answer.
function M.state()
  answer(200, ('{"version":"%s","listeners":"%s","target":"%s"}'):format(shared:get("version") or "",
    ngx.var.edge_listeners or "", shared:get("target") or ""))
end

function M.ready()
  if not shared:get("version") then return answer(503, "no program yet\n") end
  if not ngx.var.edge_listeners then return answer(503, "no listeners yet\n") end
  answer(200, "ok\n")
end

local function read_body()
  if ngx.req.get_method() ~= "PUT" then return nil, answer(405, "PUT expected\n") end
  ngx.req.read_body()
  local body = ngx.req.get_body_data()
  local fine, value = pcall(json.decode, body or "")
  if not fine then return nil, answer(400, tostring(value) .. "\n") end
  return value, body
end

-- Puts a routing table in force: the table first, then the version that workers look at.
function M.take_program()
  local program, body = read_body()
  if not program then return end
  local before = shared:get("version")
  if before == program.version then return answer(200, "already in force\n") end
  local stored, why = shared:safe_set("program:" .. program.version, body)
  if not stored then return answer(507, "the routing table does not fit: " .. tostring(why) .. "\n") end
  shared:set("version", program.version)
  if before then shared:delete("program:" .. before) end
  answer(200, "in force\n")
end

local function write_file(path, text)
  local file = assert(io.open(path .. ".new", "w"))
  file:write(text)
  assert(file:close())
  assert(os.rename(path .. ".new", path))
end

-- Names the listeners that will be: until they are, answers ask clients to reconnect. "" when they will not be. The
-- engine gives clients some time between this and the reload.
function M.take_target()
  local wanted = read_body()
  if not wanted then return end
  shared:set("target", wanted.listeners)
  answer(200, "draining\n")
end

-- Writes the server blocks and reloads.
function M.take_listeners(state, config, address)
  local wanted = read_body()
  if not wanted then return end
  local lines = { ('map "" $edge_listeners { default "%s"; }\n'):format(wanted.listeners) }
  for _, port in ipairs(wanted.ports) do
    lines[#lines + 1] = ("server {\n  listen %s:%d backlog=4096;\n  include %s/server.conf;\n}\n"):format(address, port, config)
  end
  write_file(state .. "/listeners.conf", table.concat(lines))
  ffi.C.kill(process.get_master_pid(), hang_up)
  answer(202, "reloading\n")
end

return M
