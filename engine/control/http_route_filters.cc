#include "engine/control/http_route_filters.h"

#include <algorithm>
#include <array>
#include <set>

namespace fairlead::control {
namespace {

using Names = std::span<const std::string_view>;

/// Of a request, what the edge writes itself for each one it forwards.
constexpr auto kEdgesRequestHeaders = std::to_array<std::string_view>(
    {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
     "x-forwarded-for", "x-forwarded-proto", "x-request-id"});
/// Of an answer, what says how it travels.
constexpr auto kEdgesResponseHeaders = std::to_array<std::string_view>(
    {"connection", "content-length", "keep-alive", "trailer", "transfer-encoding", "upgrade"});

bool is_control(char c) { return (c >= 0 && c < ' ') || c == 127; }

class FilterReader {
 public:
  explicit FilterReader(std::span<const seam::RouteMatch> matches) : matches_(matches) {}

  FilterReading read(const Value& filters, bool of_rule, const std::string& where) {
    std::set<std::string, std::less<>> seen;
    for (std::size_t i = 0; i < filters.size(); ++i) {
      const std::string place = fmt::format("{}.filters[{}]", where, i);
      const std::string type(filters.at(i, "type").str());
      if (!seen.insert(type).second) unsupported(fmt::format("{}: {} may be there once", place, type));
      read_one(filters.at(i), type, of_rule, place);
    }
    if (out_.filters.redirect && out_.filters.rewrite) {
      unsupported(fmt::format("{}.filters: RequestRedirect and URLRewrite cannot be used together", where));
    }
    return std::move(out_);
  }

 private:
  void unsupported(std::string message) {
    if (out_.unsupported.empty()) out_.unsupported = std::move(message);
  }

  void read_one(const Value& filter, std::string_view type, bool of_rule, const std::string& where) {
    if (type == "RequestHeaderModifier") {
      out_.filters.request =
          read_headers(filter.at("requestHeaderModifier"), kEdgesRequestHeaders, where + ".requestHeaderModifier");
    } else if (type == "ResponseHeaderModifier") {
      out_.filters.response =
          read_headers(filter.at("responseHeaderModifier"), kEdgesResponseHeaders, where + ".responseHeaderModifier");
    } else if (type == "RequestRedirect" && of_rule) {
      out_.filters.redirect = read_redirect(filter.at("requestRedirect"), where + ".requestRedirect");
    } else if (type == "URLRewrite" && of_rule) {
      const Value& rewrite = filter.at("urlRewrite");
      out_.filters.rewrite = seam::UrlRewrite{std::string(rewrite.at("hostname").str()),
                                              read_path(rewrite.at("path"), where + ".urlRewrite.path")};
    } else {
      unsupported(fmt::format("{}: filter {} is not supported by this edge{}", where, type,
                              type == "RequestRedirect" || type == "URLRewrite" ? " at a backend" : ""));
    }
  }

  void check_name(std::string_view name, Names edges_own, const std::string& where) {
    if (std::ranges::find(edges_own, lower_case(name)) == edges_own.end()) return;
    unsupported(fmt::format("{}: header {} is the edge's own to write{}", where, name,
                            lower_case(name) == "host" ? ": use URLRewrite.hostname" : ""));
  }

  std::vector<std::pair<std::string, std::string>> read_list(const Value& list, Names edges_own,
                                                             const std::string& where) {
    std::vector<std::pair<std::string, std::string>> out;
    std::set<std::string> seen;
    for (const Value& header : list.items()) {
      const std::string name(header.at("name").str());
      const std::string value(header.at("value").str());
      check_name(name, edges_own, where);
      if (std::ranges::any_of(value, is_control)) {
        unsupported(fmt::format("{}: the value of header {} holds a control character", where, name));
      }
      if (seen.insert(lower_case(name)).second) out.emplace_back(name, value);
    }
    return out;
  }

  seam::HeaderChanges read_headers(const Value& modifier, Names edges_own, const std::string& where) {
    seam::HeaderChanges out{read_list(modifier.at("set"), edges_own, where + ".set"),
                            read_list(modifier.at("add"), edges_own, where + ".add"),
                            {}};
    for (const Value& name : modifier.at("remove").items()) {
      check_name(name.str(), edges_own, where + ".remove");
      out.remove.emplace_back(name.str());
    }
    return out;
  }

  std::optional<seam::PathChange> read_path(const Value& path, const std::string& where) {
    if (path.is_null()) return std::nullopt;
    seam::PathChange out{std::string(path.at("type").str()), {}};
    const bool whole = out.type == "ReplaceFullPath";
    if (!whole && out.type != "ReplacePrefixMatch") {
      unsupported(fmt::format("{}.type: {} is not supported by this edge", where, out.type));
    }
    out.value = path.at(whole ? "replaceFullPath" : "replacePrefixMatch").str();
    const bool rooted = out.value.starts_with('/') || (out.value.empty() && !whole);
    if (!rooted ||
        std::ranges::any_of(out.value, [](char c) { return c == ' ' || c == '?' || c == '#' || is_control(c); })) {
      unsupported(fmt::format("{}: \"{}\" is no path: it starts with / and holds no blank, ? or #", where, out.value));
    }
    const auto of_prefix = [](const seam::RouteMatch& match) { return match.path.type == "PathPrefix"; };
    if (!whole && !std::ranges::all_of(matches_, of_prefix)) {
      unsupported(fmt::format("{}: ReplacePrefixMatch needs matches of type PathPrefix", where));
    }
    return out;
  }

  seam::Redirect read_redirect(const Value& redirect, const std::string& where) {
    seam::Redirect out{std::string(redirect.at("scheme").str()), std::string(redirect.at("hostname").str()),
                       read_path(redirect.at("path"), where + ".path"),
                       static_cast<std::uint16_t>(redirect.at("port").int_or(0)),
                       static_cast<int>(redirect.at("statusCode").int_or(302))};
    if (!out.scheme.empty() && out.scheme != "http" && out.scheme != "https") {
      unsupported(fmt::format("{}.scheme: {} is not supported by this edge", where, out.scheme));
    }
    constexpr std::array kCodes = {301, 302, 303, 307, 308};
    if (std::ranges::find(kCodes, out.status) == kCodes.end()) {
      unsupported(fmt::format("{}.statusCode: {} is not supported by this edge", where, out.status));
    }
    return out;
  }

  std::span<const seam::RouteMatch> matches_;
  FilterReading out_;
};

}  // namespace

FilterReading read_rule_filters(const Value& holder, std::span<const seam::RouteMatch> matches,
                                const std::string& where) {
  return FilterReader(matches).read(holder.at("filters"), true, where);
}

FilterReading read_backend_filters(const Value& holder, const std::string& where) {
  return FilterReader({}).read(holder.at("filters"), false, where);
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

void keep_first_header(std::vector<seam::StringMatch>& matches) {
  std::set<std::string> seen;
  std::erase_if(matches, [&](const seam::StringMatch& match) { return !seen.insert(lower_case(match.name)).second; });
}

}  // namespace fairlead::control
