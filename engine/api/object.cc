#include "engine/api/object.h"

#include <utility>

#include "base/json.h"

namespace fairlead::api {

std::string Key::to_string() const {
  std::string out = resource->plural;
  if (!resource->group.empty()) out += "." + resource->group;
  out += " ";
  if (!ns.empty()) out += ns + "/";
  return out + name;
}

Object::Object(const Resource& resource, Value tree, std::uint64_t revision)
    : resource_(&resource), tree_(std::move(tree)), revision_(revision) {}

const std::string& Object::json() const {
  std::call_once(encoded_, [this] { append_json(json_, tree_); });
  return json_;
}

}  // namespace fairlead::api
