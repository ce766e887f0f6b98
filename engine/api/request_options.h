// The query parameters and bodies that say how a verb is to be carried out, checked in upstream's words.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/api/api.h"
#include "engine/api/call.h"
#include "engine/api/table.h"

namespace fairlead::api {

/// But for the selectors, which view_of reads. Source: k8s.io/apimachinery/pkg/apis/meta/v1/types.go, ListOptions;
/// checks as in k8s.io/apimachinery/pkg/apis/meta/internalversion/validation/validation.go.
struct ListOptions {
  std::size_t limit = 0;
  std::string continue_token;
  std::optional<std::uint64_t> revision;  ///< Absent: the newest.
  enum class Match : std::uint8_t { kUnset, kNotOlderThan, kExact } match = Match::kUnset;
  bool send_initial_events = false;
  bool bookmarks = false;
  std::optional<std::chrono::seconds> timeout;
};

[[nodiscard]] ApiResult<ListOptions> read_list_options(const Query& query, bool watch);

/// dryRun, fieldValidation and fieldManager of create, update and patch; `kind` is "CreateOptions" or the like.
[[nodiscard]] ApiResult<WriteOptions> read_write_options(Call& call, std::string_view kind);

/// From the body and the query together; where both say it, the body. Upstream forgets the query where there is a body:
/// here a dryRun is never overlooked.
[[nodiscard]] ApiResult<DeleteOptions> read_delete_options(const Call& call, const Api& api);

/// 504: the client asks for a revision that is not there yet.
[[nodiscard]] Status too_new(std::uint64_t asked, std::uint64_t current);

/// includeObject of tables.
[[nodiscard]] ApiResult<IncludeObject> read_include_object(const Query& query);

/// "strconv.ParseInt: parsing "x": invalid syntax", as Go's clients expect to read it.
[[nodiscard]] ApiResult<std::optional<std::int64_t>> read_integer(const Query& query, std::string_view name);

/// A body that must hold an object of `resource`, whatever its encoding.
[[nodiscard]] ApiResult<Value> read_object(const Call& call, const Schema& schema, const Resource& resource);

}  // namespace fairlead::api
