#include "engine/api/accept.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/trim.h"

namespace fairlead::api {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    const auto end = text.find(separator);
    out.push_back(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

struct Range {
  std::string_view type;
  std::string_view as;
  std::string_view group;
  std::string_view version;
  double quality = 1.0;
  std::size_t order = 0;
};

Range parse_range(std::string_view text) {
  const auto parts = split(text, ';');
  Range range{.type = parts[0], .as = {}, .group = {}, .version = {}};
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto equal = parts[i].find('=');
    if (equal == std::string_view::npos) continue;
    const auto name = trimmed(parts[i].substr(0, equal));
    const auto value = trimmed(parts[i].substr(equal + 1));
    if (name == "as") range.as = value;
    if (name == "g") range.group = value;
    if (name == "v") range.version = value;
    if (name == "q" && value.starts_with("0") && value.find_first_not_of("0.") == std::string_view::npos)
      range.quality = 0;
    if (name == "q" && value.starts_with("0.") && value.size() > 2 && range.quality > 0) {
      range.quality = (value[2] - '0') / 10.0;
    }
  }
  return range;
}

bool set_form(const Range& range, bool discovery, Accept& accept) {
  if (range.as.empty()) return true;
  const bool meta = range.group == "meta.k8s.io" && (range.version == "v1" || range.version == "v1beta1");
  accept.version = range.version;
  if (discovery) {
    accept.form = Form::kDiscovery;
    return range.as == "APIGroupDiscoveryList" && range.group == "apidiscovery.k8s.io" &&
           (range.version == "v2" || range.version == "v2beta1");
  }
  if (meta && range.as == "Table") {
    accept.form = Form::kTable;
    return true;
  }
  if (meta && (range.as == "PartialObjectMetadata" || range.as == "PartialObjectMetadataList")) {
    accept.form = Form::kMetadata;
    return true;
  }
  return false;
}

}  // namespace

std::string Accept::content_type() const {
  if (form == Form::kDiscovery)
    return "application/json;g=apidiscovery.k8s.io;v=" + version + ";as=APIGroupDiscoveryList";
  return yaml ? "application/yaml" : "application/json";
}

std::optional<Accept> negotiate(std::string_view header, bool discovery) {
  if (trimmed(header).empty()) return Accept{};
  std::vector<Range> ranges;
  for (const auto text : split(header, ',')) {
    ranges.push_back(parse_range(text));
    ranges.back().order = ranges.size();
  }
  std::ranges::sort(ranges, {}, [](const Range& r) { return std::pair(-r.quality, r.order); });
  for (const auto& range : ranges) {
    if (range.quality <= 0) continue;
    Accept accept;
    if (range.type == "application/yaml") {
      accept.yaml = true;
    } else if (range.type != "application/json" && range.type != "application/*" && range.type != "*/*") {
      continue;
    }
    if (set_form(range, discovery, accept)) return accept;
  }
  return std::nullopt;
}

}  // namespace fairlead::api
