#include <algorithm>
#include <array>
#include <vector>

#include "engine/api/table_cells.h"

namespace fairlead::api::table {
namespace {

using Cells = Value::Array;

std::int64_t size_of(const Value& array) { return static_cast<std::int64_t>(array.size()); }

Cells webhooks(const Value& o, Time now) { return {name(o), size_of(o.at("webhooks")), age(o, now)}; }

std::string param_kind(const Value& o) {
  const auto& kind = o.at("spec", "paramKind");
  if (!kind.is_object()) return "<unset>";
  return fmt::format("{}/{}", kind.at("apiVersion").str(), kind.at("kind").str());
}

Cells validating_policy(const Value& o, Time now) {
  return {name(o), size_of(o.at("spec", "validations")), param_kind(o), age(o, now)};
}

Cells mutating_policy(const Value& o, Time now) {
  return {name(o), size_of(o.at("spec", "mutations")), param_kind(o), age(o, now)};
}

Cells policy_binding(const Value& o, Time now) {
  const auto& ref = o.at("spec", "paramRef");
  std::string parameter = "<unset>";
  if (!ref.at("name").str().empty()) {
    parameter = fmt::format("{}/{}", or_else(ref.at("namespace").str(), "*"), ref.at("name").str());
  } else if (ref.has("selector")) {
    parameter = format_selector(ref.at("selector"));
  }
  return {name(o), o.at("spec", "policyName").str(), parameter, age(o, now)};
}

Cells certificate_request(const Value& o, Time now) {
  auto status = !condition(o, "Denied").is_null()     ? std::string("Denied")
                : !condition(o, "Approved").is_null() ? std::string("Approved")
                                                      : std::string("Pending");
  if (!condition(o, "Failed").is_null()) status += ",Failed";
  if (!o.at("status", "certificate").str().empty()) status += ",Issued";
  const auto& seconds = o.at("spec", "expirationSeconds");
  return {name(o),
          age(o, now),
          or_else(o.at("spec", "signerName").str(), "<none>"),
          o.at("spec", "username").str(),
          seconds.is_int() ? human_duration(std::chrono::seconds(seconds.int_or(0))) : "<none>",
          status};
}

Cells volume_attachment(const Value& o, Time now) {
  const auto& spec = o.at("spec");
  return {name(o),
          spec.at("attacher").str(),
          spec.at("source", "persistentVolumeName").str(),
          spec.at("nodeName").str(),
          o.at("status", "attached").bool_or(false),
          age(o, now)};
}

Cells csi_node(const Value& o, Time now) { return {name(o), size_of(o.at("spec", "drivers")), age(o, now)}; }

Cells csi_driver(const Value& o, Time now) {
  const auto& spec = o.at("spec");
  std::vector<std::string_view> audiences;
  for (const auto& request : spec.at("tokenRequests").items()) audiences.push_back(request.at("audience").str());
  return {name(o),
          spec.at("attachRequired").bool_or(true),
          spec.at("podInfoOnMount").bool_or(false),
          spec.at("storageCapacity").bool_or(false),
          spec.has("tokenRequests") ? fmt::format("{}", fmt::join(audiences, ",")) : "<unset>",
          spec.at("requiresRepublish").bool_or(false),
          or_else(join(spec.at("volumeLifecycleModes"), ","), "<none>"),
          age(o, now)};
}

Cells flow_schema(const Value& o, Time now) {
  const auto& spec = o.at("spec");
  return {name(o),
          spec.at("priorityLevelConfiguration", "name").str(),
          count(spec.at("matchingPrecedence")),
          spec.at("distinguisherMethod", "type").string_or("<none>"),
          age(o, now),
          condition(o, "Dangling").at("status").string_or("?")};
}

Cells priority_level(const Value& o, Time now) {
  const auto& limited = o.at("spec", "limited");
  const auto& queuing = limited.at("limitResponse", "queuing");
  const auto number = [](const Value& value) { return value.is_null() ? Value("<none>") : value; };
  return {name(o),
          o.at("spec", "type").str(),
          number(limited.at("nominalConcurrencyShares")),
          number(queuing.at("queues")),
          number(queuing.at("handSize")),
          number(queuing.at("queueLengthLimit")),
          age(o, now)};
}

Cells service_cidr(const Value& o, Time now) { return {name(o), join(o.at("spec", "cidrs"), ","), age(o, now)}; }

Cells ip_address(const Value& o, Time) {
  const auto& ref = o.at("spec", "parentRef");
  std::string parent = "<none>";
  if (ref.is_object()) {
    parent = std::string(ref.at("resource").str());
    if (!ref.at("group").str().empty()) parent += fmt::format(".{}", ref.at("group").str());
    if (!ref.at("namespace").str().empty()) parent += fmt::format("/{}", ref.at("namespace").str());
    parent += fmt::format("/{}", ref.at("name").str());
  }
  return {name(o), parent};
}

Cells resource_claim(const Value& o, Time now) {
  const bool deleted = o.at("metadata").has("deletionTimestamp");
  const bool allocated = o.at("status", "allocation").is_object();
  std::vector<std::string_view> states;
  if (deleted) states.emplace_back("deleted");
  if (!allocated && !deleted) states.emplace_back("pending");
  if (allocated) states.emplace_back("allocated");
  if (allocated && !o.at("status", "reservedFor").empty()) states.emplace_back("reserved");
  return {name(o), fmt::format("{}", fmt::join(states, ",")), age(o, now)};
}

Cells resource_slice(const Value& o, Time now) {
  const auto& spec = o.at("spec");
  return {name(o), spec.at("nodeName").str(), spec.at("driver").str(), spec.at("pool", "name").str(), age(o, now)};
}

Cells name_and_age(const Value& o, Time now) { return {name(o), age(o, now)}; }

Cells attributes_class(const Value& o, Time now) { return {name(o), o.at("driverName").str(), age(o, now)}; }

constexpr std::string_view kAdmission = "admissionregistration.k8s.io";
constexpr std::string_view kStorage = "storage.k8s.io";
constexpr std::string_view kFlow = "flowcontrol.apiserver.k8s.io";
constexpr std::string_view kDevices = "resource.k8s.io";

constexpr std::array kPrinters = {
    Printer{kAdmission, "MutatingWebhookConfiguration", webhooks},
    Printer{kAdmission, "ValidatingWebhookConfiguration", webhooks},
    Printer{kAdmission, "ValidatingAdmissionPolicy", validating_policy},
    Printer{kAdmission, "ValidatingAdmissionPolicyBinding", policy_binding},
    Printer{kAdmission, "MutatingAdmissionPolicy", mutating_policy},
    Printer{kAdmission, "MutatingAdmissionPolicyBinding", policy_binding},
    Printer{"certificates.k8s.io", "CertificateSigningRequest", certificate_request},
    Printer{kStorage, "VolumeAttachment", volume_attachment},
    Printer{kStorage, "CSINode", csi_node},
    Printer{kStorage, "CSIDriver", csi_driver},
    Printer{kStorage, "VolumeAttributesClass", attributes_class},
    Printer{kFlow, "FlowSchema", flow_schema},
    Printer{kFlow, "PriorityLevelConfiguration", priority_level},
    Printer{"networking.k8s.io", "ServiceCIDR", service_cidr},
    Printer{"networking.k8s.io", "IPAddress", ip_address},
    Printer{kDevices, "DeviceClass", name_and_age},
    Printer{kDevices, "ResourceClaim", resource_claim},
    Printer{kDevices, "ResourceClaimTemplate", name_and_age},
    Printer{kDevices, "ResourceSlice", resource_slice},
};

}  // namespace

std::span<const Printer> platform_printers() { return kPrinters; }

}  // namespace fairlead::api::table
