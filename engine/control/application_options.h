// Options of a sync: those of an operation, and those that objects carry in annotations.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "engine/api/object.h"

namespace fairlead::control {

inline constexpr std::string_view kSyncOptions = "argocd.argoproj.io/sync-options";
inline constexpr std::string_view kCompareOptions = "argocd.argoproj.io/compare-options";

/// Whether a list like ["CreateNamespace=true"] holds the option.
[[nodiscard]] bool has_option(const Value& options, std::string_view option);
/// What stands behind "Prune=" in such a list; nothing where it does not stand there.
[[nodiscard]] std::optional<std::string_view> option_value(const Value& options, std::string_view name);

/// The entries of an annotation like "Prune=false, Delete=confirm"; they last as long as `object` does. The others are
/// as above, of these. Source: argo-cd gitops-engine/pkg/sync/resource/annotations.go.
[[nodiscard]] std::vector<std::string_view> annotation_entries(const Value& object, std::string_view annotation);
[[nodiscard]] bool annotation_has(const Value& object, std::string_view annotation, std::string_view option);
[[nodiscard]] std::optional<std::string_view> annotation_value(const Value& object, std::string_view annotation,
                                                               std::string_view name);

/// What may become of an object when Git, or its Application, is gone.
enum class Removal : std::uint8_t { kYes, kNo, kConfirm };
/// By the object's sync option, else by the operation's. Source: isPruningDisabled, objRequiresPruneConfirmation.
[[nodiscard]] Removal pruning_of(const Value& live, const Value& options);
/// By the object's sync options, else by the Application's; an object that asks for a confirmation to be pruned asks
/// for one to be deleted. Source: argo-cd shouldBeDeleted, isObjRequiresDeletionConfirmation.
[[nodiscard]] Removal deletion_of(const Value& live, const Value& application);
[[nodiscard]] bool asks_for_confirmation(const Value& object, const Value& application);
/// Whether somebody has said on the Application, at or after `since`, that objects which ask for it may go.
[[nodiscard]] bool removal_approved(const api::Object& application, Time since);

/// Whether an option of an Application, an operation or an object is followed here, or asks for what is done anyway.
[[nodiscard]] bool option_followed(std::string_view option);

}  // namespace fairlead::control
