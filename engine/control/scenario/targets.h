// Which objects a scenario talks about.
#pragma once

#include <vector>

#include "engine/api/api.h"

namespace fairlead::control {

/// The storage resource that `{kind: …, apiVersion: …}` names; without apiVersion the first kind of that name.
[[nodiscard]] Result<const api::Resource*> resource_of(const api::Schema& schema, const Value& target);

/// The objects that `target` names by kind, name, namespace, labels, owner and where; in order of key.
[[nodiscard]] Result<std::vector<api::ObjectPtr>> select_objects(const api::Api& api, const Value& target);

/// Whether `key` is one of the words that choose objects, not one that describes them.
[[nodiscard]] bool is_target_word(std::string_view key);

}  // namespace fairlead::control
