// Where a walk through an object is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fairlead::api {

/// A path as Kubernetes writes it, "spec.template.spec.containers[0].image", that grows and shrinks with a walk. A step
/// costs as much as its own name, not as much as the path before it, which a client may have made long.
class PathText {
 public:
  static constexpr std::size_t kMaxShown = 4096;

  explicit PathText(std::string_view root = {}) : text_(root) {}
  PathText(const PathText&) = delete;
  PathText& operator=(const PathText&) = delete;

  /// Goes back when it goes.
  class Step {
   public:
    ~Step() { path_.text_.resize(before_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    friend class PathText;
    Step(PathText& path, std::string_view before, std::string_view name, std::string_view after)
        : path_(path), before_(path.text_.size()) {
      path.text_.append(before).append(name).append(after);
    }
    PathText& path_;
    std::size_t before_;
  };

  /// To a member: "a" and "b" give "a.b".
  [[nodiscard]] Step child(std::string_view name) { return Step(*this, text_.empty() ? "" : ".", name, ""); }
  /// To an element of a list or a map: "a[0]", "a[key]".
  [[nodiscard]] Step element(std::size_t index) { return element(std::string_view(std::to_string(index))); }
  [[nodiscard]] Step element(std::string_view key) { return Step(*this, "[", key, "]"); }

  /// For a message: of a path over kMaxShown bytes its two ends.
  [[nodiscard]] std::string text() const {
    if (text_.size() <= kMaxShown) return text_;
    return text_.substr(0, kMaxShown / 2) + "…" + text_.substr(text_.size() - kMaxShown / 2);
  }

 private:
  std::string text_;
};

}  // namespace fairlead::api
