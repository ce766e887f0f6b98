// The patterns by which Argo CD's projects name what they allow.
#pragma once

#include <string_view>

namespace fairlead::control {

/// `*` and `?` match what is none of `separators`, `**` anything; also `[abc]`, `[a-z]`, `[!a-z]`, `{a,b}` and `\`. A
/// broken pattern matches nothing. Characters are bytes. Source: github.com/gobwas/glob.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text, std::string_view separators = {});

/// The same with `!` in front, which turns the answer round. Source: argo-cd pkg/apis/application/v1alpha1/
/// app_project_types.go (globMatch).
[[nodiscard]] bool glob_allows(std::string_view pattern, std::string_view text, std::string_view separators = {});
[[nodiscard]] inline bool is_denial(std::string_view pattern) { return pattern.starts_with('!'); }

/// Go's path/filepath.Match, by which projects list groups, kinds and names: no `**` and no `{a,b}`, classes are
/// `[^a-z0]`.
[[nodiscard]] bool file_glob_matches(std::string_view pattern, std::string_view text);

}  // namespace fairlead::control
