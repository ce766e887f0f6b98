#include "engine/control/application_windows.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cctype>
#include <charconv>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/control/application_glob.h"

namespace fairlead::control {
namespace {

using Bits = std::bitset<64>;
using Names = std::span<const std::string_view>;
using Windows = std::vector<const Value*>;

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kDays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

/// One of the five fields of a schedule: its bounds, and names for its numbers.
struct Field {
  unsigned low;
  unsigned high;
  Names names{};
};

struct Schedule {
  Bits minutes, hours, days, months, weekdays;
  bool any_day = false;
  bool any_weekday = false;
};

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto end = std::min(text.find(by), text.size());
    out.push_back(text.substr(0, end));
    if (end == text.size()) return out;
    text.remove_prefix(end + 1);
  }
}

std::optional<unsigned> number(std::string_view text, const Field& field) {
  std::string lower;
  for (const char c : text) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (const auto it = std::ranges::find(field.names, lower); it != field.names.end())
    return field.low + static_cast<unsigned>(it - field.names.begin());
  unsigned out = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

/// "*", "5", "1-5", each with "/2" behind it; nothing where it is broken.
std::optional<Bits> read_range(std::string_view text, const Field& field, bool& any) {
  const auto parts = split(text, '/');
  const auto ends = split(parts[0], '-');
  if (parts.size() > 2 || ends.size() > 2) return std::nullopt;
  const bool star = parts[0] == "*" || parts[0] == "?";
  const auto low = star ? std::optional(field.low) : number(ends[0], field);
  const auto step = parts.size() == 2 ? number(parts[1], {0, 0}) : std::optional(1U);
  if (!low || !step || *step == 0) return std::nullopt;
  const bool open = star || (ends.size() == 1 && parts.size() == 2);
  const auto high = open ? std::optional(field.high) : ends.size() == 2 ? number(ends[1], field) : low;
  if (!high || *low < field.low || *high > field.high || *low > *high) return std::nullopt;
  any = any || (star && *step == 1);
  Bits out;
  for (unsigned i = *low; i <= *high; i += *step) out.set(i);
  return out;
}

std::optional<Bits> read_field(std::string_view text, const Field& field, bool& any) {
  Bits out;
  for (const std::string_view part : split(text, ',')) {
    const auto bits = read_range(part, field, any);
    if (!bits) return std::nullopt;
    out |= *bits;
  }
  return out;
}

Result<Schedule> read_schedule(std::string_view text) {
  std::vector<std::string_view> words = split(text, ' ');
  std::erase(words, "");
  if (words.size() != 5) return fail("cannot parse schedule '{}': five fields are expected", text);
  Schedule out;
  bool any = false;
  const auto minutes = read_field(words[0], {0, 59}, any);
  const auto hours = read_field(words[1], {0, 23}, any);
  const auto days = read_field(words[2], {1, 31}, out.any_day);
  const auto months = read_field(words[3], {1, 12, kMonths}, any);
  const auto weekdays = read_field(words[4], {0, 6, kDays}, out.any_weekday);
  if (!minutes || !hours || !days || !months || !weekdays) return fail("cannot parse schedule '{}'", text);
  out.minutes = *minutes;
  out.hours = *hours;
  out.days = *days;
  out.months = *months;
  out.weekdays = *weekdays;
  return out;
}

bool on_day(const Schedule& schedule, std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  if (!schedule.months.test(static_cast<unsigned>(date.month()))) return false;
  const bool by_date = schedule.days.test(static_cast<unsigned>(date.day()));
  const bool by_weekday = schedule.weekdays.test(std::chrono::weekday(day).c_encoding());
  return schedule.any_day || schedule.any_weekday ? by_date && by_weekday : by_date || by_weekday;
}

/// Whether the schedule began within `duration` before `now`.
bool runs(const Schedule& schedule, Duration duration, Time now) {
  using std::chrono::minutes;
  auto at = std::chrono::floor<minutes>(now - std::min(duration, kLongestWindow)) + minutes(1);
  while (at < now) {
    const auto day = std::chrono::floor<std::chrono::days>(at);
    if (!on_day(schedule, day)) {
      at = day + std::chrono::days(1);
      continue;
    }
    const std::chrono::hh_mm_ss clock(at - day);
    if (schedule.hours.test(static_cast<std::size_t>(clock.hours().count())) &&
        schedule.minutes.test(static_cast<std::size_t>(clock.minutes().count())))
      return true;
    at += minutes(1);
  }
  return false;
}

Result<bool> is_active(const Value& window, Time now) {
  const auto schedule = read_schedule(window.at("schedule").str());
  if (!schedule) return std::unexpected(schedule.error());
  const auto duration = parse_duration(window.at("duration").str());
  if (!duration) return fail("cannot parse duration '{}': {}", window.at("duration").str(), duration.error().message);
  const std::string_view zone = window.at("timeZone").str();
  if (!zone.empty() && zone != "UTC" && zone != "Etc/UTC")
    return fail("time zone {} is not known here: write the schedule in UTC", zone);
  return runs(*schedule, *duration, now);
}

bool any_matches(const Value& patterns, std::string_view text) {
  return std::ranges::any_of(patterns.items(), [&](const Value& p) { return glob_matches(p.str(), text); });
}

/// By its Applications, clusters and namespaces: one of them, or with andOperator all that are given.
bool concerns(const Value& window, const Value& application) {
  const Value& destination = application.at("spec", "destination");
  const bool all = window.at("andOperator").bool_or(false);
  const auto in_cluster = [&](const Value& clusters) {
    return std::ranges::any_of(std::array{"name", "server"}, [&](const char* by) {
      const std::string_view text = destination.at(by).str();
      return !text.empty() && any_matches(clusters, text);
    });
  };
  bool matched = false;
  if (const Value& names = window.at("applications"); !names.empty()) {
    matched = any_matches(names, application.at("metadata", "name").str());
    if (matched != all) return matched;
  }
  if (const Value& clusters = window.at("clusters"); !clusters.empty()) {
    matched = in_cluster(clusters);
    if (matched != all) return matched;
  }
  if (const Value& namespaces = window.at("namespaces"); !namespaces.empty())
    matched = any_matches(namespaces, destination.at("namespace").str());
  return matched;
}

bool all_say(const Windows& windows, const char* word) {
  return !windows.empty() && std::ranges::all_of(windows, [&](const Value* w) { return w->at(word).bool_or(false); });
}

Result<bool> permitted(const Windows& windows, bool manual, Time now, std::optional<Time> started) {
  Windows denying;
  Windows closed;
  bool open = false;
  for (const Value* window : windows) {
    const auto active = is_active(*window, now);
    if (!active) return std::unexpected(active.error());
    const bool allows = window->at("kind").str() == "allow";
    if (*active && window->at("kind").str() == "deny") denying.push_back(window);
    if (!*active && allows) closed.push_back(window);
    open = open || (*active && allows);
  }
  const Windows& against = denying.empty() ? closed : denying;
  if (against.empty() || (denying.empty() && open)) return true;
  if (manual && all_say(against, "manualSync")) return true;
  if (started && all_say(against, "syncOverrun")) return permitted(windows, manual, *started, std::nullopt);
  return false;
}

}  // namespace

Result<bool> sync_permitted(const Value& project, const Value& application, bool manual, Time now,
                            std::optional<Time> started) {
  Windows windows;
  for (const Value& window : project.at("spec", "syncWindows").items()) {
    if (concerns(window, application)) windows.push_back(&window);
  }
  return permitted(windows, manual, now, started);
}

}  // namespace fairlead::control
