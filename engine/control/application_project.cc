#include "engine/control/application_project.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "engine/control/application_glob.h"

namespace fairlead::control {
namespace {

std::string_view name_of(const Value& project) { return project.at("metadata", "name").str(); }

/// "git@host:path", with or without "ssh://".
bool is_ssh(std::string_view url) {
  if (url.starts_with("ssh://")) url.remove_prefix(6);
  const auto at = url.find('@');
  return at != std::string_view::npos && at + 1 < url.size() && url.substr(0, at).find_first_of("/:") == url.npos &&
         url.find('@', at + 1) == url.npos;
}

/// Braces in a URL are escaped upstream before patterns are read, so there they are no alternatives.
/// Source: argo-cd util/git/git.go (NormalizeGitURL).
std::string normalised(std::string_view url) {
  while (!url.empty() && std::isspace(static_cast<unsigned char>(url.front())) != 0) url.remove_prefix(1);
  while (!url.empty() && std::isspace(static_cast<unsigned char>(url.back())) != 0) url.remove_suffix(1);
  std::string out;
  for (const char c : url) out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (is_ssh(out) && !out.starts_with("ssh://")) {
    if (const auto colon = out.find(':'); colon != std::string::npos) out[colon] = '/';
  }
  if (out.ends_with(".git")) out.resize(out.size() - 4);
  if (out.starts_with("ssh://")) out.erase(0, 6);
  return out;
}

std::string as_pattern(const std::string& url) {
  std::string out;
  for (const char c : url) {
    if (c == '{' || c == '}') out += '\\';
    out += c;
  }
  return out;
}

bool source_permitted(const Value& project, std::string_view url) {
  const std::string source = normalised(url);
  bool matched = false;
  for (const Value& repo : project.at("spec", "sourceRepos").items()) {
    const bool denial = is_denial(repo.str());
    const std::string pattern = as_pattern(normalised(denial ? repo.str().substr(1) : repo.str()));
    if (glob_allows(denial ? "!" + pattern : pattern, source, "/")) {
      matched = true;
    } else if (denial) {
      return false;
    }
  }
  return matched;
}

/// A denial that does not hold ends the search, in the order and with the precedence of upstream's
/// isDestinationMatched.
bool destination_permitted(const Value& project, std::string_view ns) {
  // Upstream then asks for a cluster Secret that belongs to the project; this cluster has none.
  if (project.at("spec", "permitOnlyProjectScopedClusters").bool_or(false)) return false;
  bool matched = false;
  for (const Value& item : project.at("spec", "destinations").items()) {
    const std::string_view name = item.at("name").str();
    const std::string_view server = item.at("server").str();
    const std::string_view in = item.at("namespace").str();
    const bool named = glob_allows(name, kClusterName);
    const bool served = glob_allows(server, kClusterServer);
    const bool inside = glob_allows(in, ns);
    if ((served || named) && inside) {
      matched = true;
    } else if ((!named && is_denial(name)) || (!served && is_denial(server) && inside) ||
               (!inside && is_denial(in) && served)) {
      return false;
    }
  }
  return matched;
}

bool listed(const Value& list, const ProjectSubject& subject, bool by_name) {
  return std::ranges::any_of(list.items(), [&](const Value& entry) {
    const std::string_view name = entry.at("name").str();
    return file_glob_matches(entry.at("kind").str(), subject.kind) &&
           file_glob_matches(entry.at("group").str(), subject.group) &&
           (!by_name || name.empty() || file_glob_matches(name, subject.name));
  });
}

bool namespaced_kind_permitted(const Value& spec, const ProjectSubject& subject) {
  const Value& allowed = spec.at("namespaceResourceWhitelist");
  return (allowed.is_null() || listed(allowed, subject, false)) &&
         !listed(spec.at("namespaceResourceBlacklist"), subject, false);
}

}  // namespace

std::optional<std::string> destination_problem(const Value& destination) {
  const std::string_view name = destination.at("name").str();
  std::string_view server = destination.at("server").str();
  if (!name.empty() && !server.empty())
    return fmt::format("application destination can't have both name and server defined: {} {}", name, server);
  if (name.empty() && server.empty()) return "Destination server missing from app spec";
  if (server.empty()) {
    if (name == kClusterName) return std::nullopt;
    return fmt::format("there are no clusters with this name: {}; the one that is here is called {}", name,
                       kClusterName);
  }
  const std::string_view asked = server;
  while (server.ends_with('/')) server.remove_suffix(1);
  if (server == kClusterServer) return std::nullopt;
  return fmt::format("error getting cluster by server \"{}\": cluster \"{}\" not found; the one that is here is {}",
                     asked, server, kClusterServer);
}

std::vector<std::string> permission_problems(const Value& project, const Value& application) {
  std::vector<std::string> out;
  const Value& source = application.at("spec", "source");
  const std::string_view url = source.at("repoURL").str();
  if (url.empty() || source.at("path").str().empty()) return {"spec.source.repoURL and spec.source.path are required"};
  if (!source_permitted(project, url))
    out.push_back(fmt::format("application repo {} is not permitted in project '{}'", url, name_of(project)));
  const Value& destination = application.at("spec", "destination");
  if (auto problem = destination_problem(destination)) {
    out.push_back(std::move(*problem));
    return out;
  }
  const std::string_view ns = destination.at("namespace").str();
  if (!destination_permitted(project, ns)) {
    out.push_back(
        fmt::format("application destination server '{}' and namespace '{}' do not match any of the allowed "
                    "destinations in project '{}'",
                    destination.at("name").str().empty() ? kClusterServer : kClusterName, ns, name_of(project)));
  }
  return out;
}

bool kind_permitted(const Value& project, const ProjectSubject& subject) {
  const Value& spec = project.at("spec");
  if (!subject.ns.empty()) return namespaced_kind_permitted(spec, subject);
  return listed(spec.at("clusterResourceWhitelist"), subject, true) &&
         !listed(spec.at("clusterResourceBlacklist"), subject, true);
}

std::optional<std::string> forbidden_object(const Value& project, const ProjectSubject& subject) {
  if (!kind_permitted(project, subject)) {
    return fmt::format("resource {}:{} is not permitted in project {}", subject.group, subject.kind, name_of(project));
  }
  if (!subject.ns.empty() && !destination_permitted(project, subject.ns))
    return fmt::format("namespace {} is not permitted in project '{}'", subject.ns, name_of(project));
  return std::nullopt;
}

bool live_permitted(const Value& project, const api::Object& live) {
  return !forbidden_object(project, {live.resource().group, live.resource().kind, live.ns(), live.name()});
}

std::optional<std::string> unkept_promise(const Value& project) {
  for (const char* part : {"signatureKeys", "sourceIntegrity"}) {
    if (!project.at("spec", part).empty())
      return fmt::format(
          "project {} asks for verified commits (spec.{}), and nothing here verifies them: take it out "
          "for this cluster, or nothing is applied",
          name_of(project), part);
  }
  return std::nullopt;
}

}  // namespace fairlead::control
