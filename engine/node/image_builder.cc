#include "engine/node/image_builder.h"

#include <elf.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "base/hash.h"
#include "base/json.h"
#include "engine/node/files.h"

namespace fairlead::node {

namespace {

constexpr std::size_t kBlock = 512;
constexpr const char* kEpoch = "1970-01-01T00:00:00Z";

/// POSIX ustar, one header per entry, everything that could differ between machines fixed.
class Tar {
 public:
  void directory(const std::string& path) { header(path + "/", '5', 0755, 0); }
  void file(const std::string& path, std::string_view content, unsigned mode) {
    header(path, '0', mode, content.size());
    bytes_ += content;
    bytes_.resize((bytes_.size() + kBlock - 1) / kBlock * kBlock);
  }
  [[nodiscard]] std::string finish() {
    bytes_.append(2 * kBlock, '\0');
    return std::move(bytes_);
  }

 private:
  void header(const std::string& path, char type, unsigned mode, std::size_t size) {
    std::array<char, kBlock> block{};
    FAIRLEAD_ASSERT(path.size() < 100);
    const auto put = [&](std::size_t at, const std::string& text) {
      std::memcpy(block.data() + at, text.data(), text.size());
    };
    put(0, path);
    put(100, fmt::format("{:07o}", mode));
    put(108, "0000000");
    put(116, "0000000");
    put(124, fmt::format("{:011o}", size));
    put(136, "00000000000");
    put(148, "        ");
    block[156] = type;
    put(257, std::string("ustar\0"
                         "00",
                         8));
    put(329, "0000000");
    put(337, "0000000");
    unsigned sum = 0;
    for (const char c : block) sum += static_cast<unsigned char>(c);
    put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
    bytes_.append(block.data(), block.size());
  }

  std::string bytes_;
};

/// A program that asks for a dynamic loader cannot run FROM scratch.
Result<> require_static(const std::string& path, std::string_view program) {
  Elf64_Ehdr header{};
  if (program.size() < sizeof header || std::memcmp(program.data(), ELFMAG, SELFMAG) != 0) {
    return fail("{} is not an executable for Linux", path);
  }
  std::memcpy(&header, program.data(), sizeof header);
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    const std::size_t at = header.e_phoff + i * sizeof segment;
    if (at + sizeof segment > program.size()) return fail("{} is cut short", path);
    std::memcpy(&segment, program.data() + at, sizeof segment);
    if (segment.p_type == PT_INTERP) return fail("{} is linked dynamically: link it with -static", path);
  }
  return {};
}

std::string make_layer(const ImageRecipe& recipe, const std::string& program_name, std::string_view program,
                       std::string_view certificates) {
  Tar tar;
  tar.file(program_name, program, 0755);
  tar.directory("etc");
  tar.file("etc/group", fmt::format("root:x:0:\nnonroot:x:{}:\n", recipe.user), 0644);
  tar.file("etc/passwd",
           fmt::format("root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:{0}:{0}:nonroot:/:/sbin/nologin\n", recipe.user),
           0644);
  if (!certificates.empty()) {
    tar.directory("etc/ssl");
    tar.directory("etc/ssl/certs");
    tar.file("etc/ssl/certs/ca-certificates.crt", certificates, 0644);
  }
  return tar.finish();
}

Value make_config(const ImageRecipe& recipe, const std::string& program_name, const std::string& layer_digest) {
  Value environment = Value::array({"PATH=/"});
  for (const auto& entry : recipe.environment) environment.push_back(entry);
  Value labels = Value::object();
  for (const auto& [key, value] : recipe.labels) labels.set(key, value);
  Value run = Value::object({{"User", fmt::format("{0}:{0}", recipe.user)},
                             {"Env", std::move(environment)},
                             {"Entrypoint", Value::array({"/" + program_name})},
                             {"WorkingDir", "/"}});
  if (!labels.empty()) run.set("Labels", std::move(labels));
  return Value::object(
      {{"created", kEpoch},
       {"architecture", "amd64"},
       {"os", "linux"},
       {"config", std::move(run)},
       {"rootfs", Value::object({{"type", "layers"}, {"diff_ids", Value::array({layer_digest})}})},
       {"history", Value::array({Value::object({{"created", kEpoch}, {"created_by", "fairlead image build"}})})}});
}

}  // namespace

Result<BuiltImage> build_image(const ImageRecipe& recipe, ImageStore& store) {
  const auto program = read_file(recipe.program, std::size_t{1} << 30);
  if (!program) return std::unexpected(program.error());
  if (auto ok = require_static(recipe.program, *program); !ok) return std::unexpected(ok.error());
  std::string certificates;
  if (!recipe.certificates.empty()) {
    auto read = read_file(recipe.certificates);
    if (!read) return fail("{}; install the package ca-certificates", read.error().message);
    certificates = std::move(*read);
  }
  const std::string program_name = recipe.program.substr(recipe.program.rfind('/') + 1);
  const std::string layer = make_layer(recipe, program_name, *program, certificates);
  const auto layer_digest = store.put_blob(layer);
  if (!layer_digest) return std::unexpected(layer_digest.error());
  const std::string config = to_json(make_config(recipe, program_name, *layer_digest));
  const auto config_digest = store.put_blob(config);
  if (!config_digest) return std::unexpected(config_digest.error());
  const auto descriptor = [](const char* type, const std::string& digest, std::size_t size) {
    return Value::object({{"mediaType", type}, {"digest", digest}, {"size", size}});
  };
  const std::string manifest = to_json(Value::object(
      {{"schemaVersion", 2},
       {"mediaType", "application/vnd.oci.image.manifest.v1+json"},
       {"config", descriptor("application/vnd.oci.image.config.v1+json", *config_digest, config.size())},
       {"layers", Value::array({descriptor("application/vnd.oci.image.layer.v1.tar", *layer_digest, layer.size())})}}));
  const auto digest = store.put_blob(manifest);
  if (!digest) return std::unexpected(digest.error());
  if (auto ok = store.tag(*digest, static_cast<std::int64_t>(manifest.size()), recipe.name); !ok) {
    return std::unexpected(ok.error());
  }
  return BuiltImage{*digest, static_cast<std::int64_t>(layer.size())};
}

}  // namespace fairlead::node
