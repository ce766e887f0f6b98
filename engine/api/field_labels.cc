#include "engine/api/field_labels.h"

#include <algorithm>
#include <array>

#include "engine/api/schema.h"
#include "engine/api/schema_type.h"

namespace fairlead::api {
namespace {

struct Label {
  std::string_view group;
  std::string_view kind;
  std::string_view name;
  std::string_view path{};    ///< Where it is stored; empty: under its name.
  std::string_view absent{};  ///< What a field that is not set counts as.
};

constexpr std::string_view kEvents = "events.k8s.io";

constexpr std::array kLabels = {
    Label{"", "Pod", "spec.nodeName"},
    Label{"", "Pod", "spec.restartPolicy"},
    Label{"", "Pod", "spec.schedulerName"},
    Label{"", "Pod", "spec.serviceAccountName"},
    Label{"", "Pod", "spec.hostNetwork", {}, "false"},
    Label{"", "Pod", "status.phase"},
    Label{"", "Pod", "status.podIP"},
    Label{"", "Pod", "status.podIPs", "status.podIP"},
    Label{"", "Pod", "status.nominatedNodeName"},
    Label{"", "Node", "spec.unschedulable", {}, "false"},
    Label{"", "Namespace", "status.phase"},
    Label{"", "Secret", "type"},
    Label{"", "Service", "spec.clusterIP"},
    Label{"", "Service", "spec.type"},
    Label{"", "ReplicationController", "status.replicas", {}, "0"},
    Label{"batch", "Job", "status.successful", "status.succeeded", "0"},
    Label{"certificates.k8s.io", "CertificateSigningRequest", "spec.signerName"},
    Label{"resource.k8s.io", "ResourceSlice", "spec.nodeName"},
    Label{"resource.k8s.io", "ResourceSlice", "spec.driver"},
    Label{"", "Event", "involvedObject.kind"},
    Label{"", "Event", "involvedObject.namespace"},
    Label{"", "Event", "involvedObject.name"},
    Label{"", "Event", "involvedObject.uid"},
    Label{"", "Event", "involvedObject.apiVersion"},
    Label{"", "Event", "involvedObject.resourceVersion"},
    Label{"", "Event", "involvedObject.fieldPath"},
    Label{"", "Event", "reason"},
    Label{"", "Event", "reportingComponent"},
    Label{"", "Event", "source", "source.component"},
    Label{"", "Event", "type"},
    Label{kEvents, "Event", "regarding.kind", "involvedObject.kind"},
    Label{kEvents, "Event", "regarding.namespace", "involvedObject.namespace"},
    Label{kEvents, "Event", "regarding.name", "involvedObject.name"},
    Label{kEvents, "Event", "regarding.uid", "involvedObject.uid"},
    Label{kEvents, "Event", "regarding.apiVersion", "involvedObject.apiVersion"},
    Label{kEvents, "Event", "regarding.resourceVersion", "involvedObject.resourceVersion"},
    Label{kEvents, "Event", "regarding.fieldPath", "involvedObject.fieldPath"},
    Label{kEvents, "Event", "reason"},
    Label{kEvents, "Event", "type"},
    Label{kEvents, "Event", "reportingController", "reportingComponent"},
};

bool is_of(const Label& label, const Resource& served) {
  return label.group == served.group && label.kind == served.kind;
}

Status unknown(const Resource& served, std::string_view name) {
  if (served.kind == "Job") return Status::bad_request(fmt::format("field label \"{}\" not supported for Job", name));
  const bool own_words =
      !served.type->typed || std::ranges::any_of(kLabels, [&](const Label& label) { return is_of(label, served); });
  if (own_words) return Status::bad_request(fmt::format("field label not supported: {}", name));
  return Status::bad_request(
      fmt::format(R"("{}" is not a known field selector: only "metadata.name", "metadata.namespace")", name));
}

}  // namespace

ApiResult<FieldSelector> read_field_selector(const Resource& served, std::string_view text) {
  auto selector = FieldSelector::parse(text);
  if (!selector) return std::unexpected(Status::bad_request(selector.error().to_string()));
  for (FieldSelector::Term& term : selector->terms()) {
    if (term.label == "metadata.name" || term.label == "metadata.namespace") continue;
    if (std::ranges::find(served.selectable, term.label) != served.selectable.end()) continue;
    const auto* known = std::ranges::find_if(
        kLabels, [&](const Label& label) { return is_of(label, served) && label.name == term.label; });
    if (known == kLabels.end()) return std::unexpected(unknown(served, term.label));
    if (!known->path.empty()) term.follow(known->path);
    term.absent = known->absent;
  }
  return std::move(*selector);
}

}  // namespace fairlead::api
