#include "engine/world/host_ports.h"

#include <filesystem>
#include <limits>

#include "base/json.h"
#include "engine/node/files.h"

namespace fairlead::world {
namespace {

std::string record_of(const std::string& state) { return state + "/ports.json"; }

bool take(const Value& from, std::string_view name, std::uint16_t& port) {
  const std::int64_t number = from.at(name).int_or(0);
  if (number <= 0 || number > std::numeric_limits<std::uint16_t>::max()) return false;
  port = static_cast<std::uint16_t>(number);
  return true;
}

}  // namespace

Result<HostPorts> recorded_ports(const std::string& state) {
  const std::string path = record_of(state);
  HostPorts out;
  if (std::error_code ignored; !std::filesystem::exists(path, ignored)) return out;
  const auto text = node::read_file(path);
  if (!text) return std::unexpected(text.error());
  const auto record = parse_json(*text, path);
  const bool whole = record && take(*record, "api", out.api) && take(*record, "edge", out.edge) &&
                     take(*record, "prometheus", out.prometheus);
  if (!whole) return fail("{} is damaged: remove it, and `fairlead up` takes the default ports again", path);
  return out;
}

Result<> record_ports(const std::string& state, const HostPorts& ports) {
  const Value record = Value::object({{"api", ports.api}, {"edge", ports.edge}, {"prometheus", ports.prometheus}});
  return node::replace_file(record_of(state), to_json(record) + "\n", 0600);
}

}  // namespace fairlead::world
