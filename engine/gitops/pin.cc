#include "engine/gitops/pin.h"

#include <vector>

#include "base/yaml.h"

namespace fairlead::gitops {
namespace {

/// Where an image stands: `document` counts from 0.
struct Place {
  std::string image;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

const Value* container_image(const Value& document, std::string_view service) {
  for (const Value& container : document.at("spec", "template", "spec", "containers").items()) {
    if (container.at("name").str() == service) return container.find("image");
  }
  return nullptr;
}

Result<Place> find_place(std::string_view text, std::string_view file, std::string_view service) {
  const auto documents = parse_yaml(text, file);
  if (!documents) return std::unexpected(documents.error());
  const Value* found = nullptr;
  for (const Value& document : *documents) {
    const Value* here = document.has("kind") ? container_image(document, service) : document.find("image");
    if (here == nullptr) continue;
    if (found != nullptr)
      return std::unexpected(here->error("a second image field: which one to pin is not clear", file));
    found = here;
  }
  if (found == nullptr || !found->is_string()) {
    return std::unexpected(Error{fmt::format("no image field of {} to pin", service), std::string(file)});
  }
  return Place{std::string(found->str()), found->line(), found->column()};
}

/// Byte offset of a line and column, both from 1; columns count characters.
std::size_t offset_of(std::string_view text, std::uint32_t line, std::uint32_t column) {
  std::size_t at = 0;
  for (std::uint32_t l = 1; l < line; ++l) at = text.find('\n', at) + 1;
  for (std::uint32_t c = 1; c < column; ++c) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
  }
  return at;
}

}  // namespace

Result<std::string> pin_image(std::string_view text, std::string_view file, std::string_view service,
                              std::string_view image) {
  const auto place = find_place(text, file, service);
  if (!place) return std::unexpected(place.error());
  std::size_t at = offset_of(text, place->line, place->column);
  if (at < text.size() && (text[at] == '"' || text[at] == '\'')) ++at;
  if (text.substr(at, place->image.size()) != place->image) {
    return std::unexpected(Error{"the image must stand on one line, without escapes, to be pinned", std::string(file),
                                 place->line, place->column});
  }
  std::string out(text);
  out.replace(at, place->image.size(), image);
  return out;
}

Result<std::string> pinned_image(std::string_view text, std::string_view file, std::string_view service) {
  auto place = find_place(text, file, service);
  if (!place) return std::unexpected(place.error());
  return std::move(place->image);
}

Result<Value> pod_template(std::string_view text, std::string_view file, std::string_view service) {
  const auto documents = parse_yaml(text, file);
  if (!documents) return std::unexpected(documents.error());
  for (const Value& document : *documents) {
    if (container_image(document, service) != nullptr) return document.at("spec", "template");
  }
  return std::unexpected(Error{fmt::format("no pod template of {}", service), std::string(file)});
}

}  // namespace fairlead::gitops
