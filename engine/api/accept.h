// Content negotiation: which form of an answer a client asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::api {

enum class Form : std::uint8_t {
  kObject,     ///< The object or list itself, as JSON.
  kTable,      ///< meta.k8s.io Table.
  kMetadata,   ///< meta.k8s.io PartialObjectMetadata(List).
  kDiscovery,  ///< apidiscovery.k8s.io APIGroupDiscoveryList.
};

struct Accept {
  Form form = Form::kObject;
  std::string version;  ///< Of the form's group: "v1", "v1beta1", "v2".
  bool yaml = false;

  /// What the answer's Content-Type says.
  [[nodiscard]] std::string content_type() const;
};

/// The first acceptable media range of an Accept header; nothing when this server offers none of them. Discovery forms
/// count only where `discovery`, Table and PartialObjectMetadata only elsewhere. Protobuf and CBOR are not offered:
/// every client of upstream's lists JSON too. Source: k8s.io/apiserver/pkg/endpoints/handlers/negotiation/negotiate.go.
[[nodiscard]] std::optional<Accept> negotiate(std::string_view header, bool discovery);

}  // namespace fairlead::api
