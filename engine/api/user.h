// Who sends a request.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace fairlead::api {

/// Source: k8s.io/apiserver/pkg/authentication/user/user.go.
struct User {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;

  [[nodiscard]] bool known() const { return !name.empty(); }
};

}  // namespace fairlead::api
