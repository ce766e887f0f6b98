#include "base/expansion.h"

namespace fairlead {

std::string expand(std::string_view text, const std::function<const std::string*(std::string_view name)>& find) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] != '$' || i + 1 == text.size()) continue;
    if (text[i + 1] == '$') {
      ++i;
      continue;
    }
    const std::size_t close = text[i + 1] == '(' ? text.find(')', i) : std::string_view::npos;
    if (close == std::string_view::npos) continue;
    const std::string* known = find(text.substr(i + 2, close - i - 2));
    if (known == nullptr) {
      out += text.substr(i + 1, close - i);
    } else {
      out.pop_back();
      out += *known;
    }
    i = close;
  }
  return out;
}

}  // namespace fairlead
