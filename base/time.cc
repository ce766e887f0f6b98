#include "base/time.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

namespace fairlead {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

std::string format_seconds(Time t) {
  const auto day = floor<days>(t);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(floor<seconds>(t - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

/// Takes fixed-width parts off the front of a text.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : rest_(text) {}

  std::optional<int> number(std::size_t width) {
    if (rest_.size() < width) return std::nullopt;
    int out = 0;
    for (const char c : rest_.substr(0, width)) {
      if (c < '0' || c > '9') return std::nullopt;
      out = out * 10 + (c - '0');
    }
    rest_.remove_prefix(width);
    return out;
  }

  bool accept(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_[0]) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }

  [[nodiscard]] bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

/// ".123456" as milliseconds, further digits cut off; nothing where a digit is missing.
std::optional<Duration> read_fraction(TimeReader& in) {
  if (!in.accept(".,")) return Duration(0);
  std::optional<int> digit = in.number(1);
  if (!digit) return std::nullopt;
  int millis = 0;
  for (int scale = 100; digit; scale /= 10, digit = in.number(1)) millis += *digit * scale;
  return Duration(millis);
}

/// "Z" or "+02:00".
std::optional<Duration> read_offset(TimeReader& in) {
  if (in.accept("Zz")) return Duration(0);
  const bool negative = in.accept("-");
  if (!negative && !in.accept("+")) return std::nullopt;
  const auto hour = in.number(2);
  const bool colon = in.accept(":");
  const auto minute = in.number(2);
  if (!hour || !colon || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  const Duration offset = hours(*hour) + minutes(*minute);
  return negative ? -offset : offset;
}

std::optional<Time> read_time(std::string_view text) {
  TimeReader in(text);
  const auto year = in.number(4);
  if (!year || !in.accept("-")) return std::nullopt;
  const auto month = in.number(2);
  if (!month || !in.accept("-")) return std::nullopt;
  const auto day = in.number(2);
  if (!day || !in.accept("Tt")) return std::nullopt;
  const auto hour = in.number(2);
  if (!hour || !in.accept(":")) return std::nullopt;
  const auto minute = in.number(2);
  if (!minute || !in.accept(":")) return std::nullopt;
  const auto second = in.number(2);
  if (!second || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  const auto fraction = read_fraction(in);
  if (!fraction) return std::nullopt;
  const auto offset = read_offset(in);
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!offset || !in.done() || !date.ok()) return std::nullopt;
  return Time(std::chrono::sys_days(date)) + hours(*hour) + minutes(*minute) + seconds(*second) + *fraction - *offset;
}

struct Unit {
  std::string_view name;
  double millis;
};
/// "ms" before "m" and "s": the first that fits is taken.
constexpr std::array<Unit, 8> kUnits = {
    {{"ns", 1e-6}, {"us", 1e-3}, {"µs", 1e-3}, {"μs", 1e-3}, {"ms", 1}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}}};

/// One "1.5h" off the front of `text`, in milliseconds.
std::optional<double> read_span(std::string_view& text) {
  if (text.empty() || (text[0] != '.' && (text[0] < '0' || text[0] > '9'))) return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return number * unit.millis;
  }
  return std::nullopt;
}

/// Whole units of `big`, and the rest in `small` when there is one: "3m20s".
std::string two_units(Duration d, Duration big, const char* big_name, Duration small, const char* small_name) {
  const auto rest = (d % big) / small;
  std::string out = fmt::format("{}{}", d / big, big_name);
  if (rest != 0) out += fmt::format("{}{}", rest, small_name);
  return out;
}

}  // namespace

std::string format_time(Time t) { return format_seconds(t) + "Z"; }

std::string format_micro_time(Time t) {
  return fmt::format("{}.{:03}000Z", format_seconds(t), (t - floor<seconds>(t)).count());
}

Result<Time> parse_time(std::string_view text) {
  if (const auto time = read_time(text)) return *time;
  return fail("\"{}\" is not a time: write it as 2026-11-23T10:05:00Z", text);
}

Result<Duration> parse_duration(std::string_view text) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return Duration(0);
  double millis = 0;
  do {
    const auto span = read_span(rest);
    if (!span) return fail("\"{}\" is not a duration: write it as 1m30s, 250ms or 1.5h", text);
    millis += *span;
  } while (!rest.empty());
  // Go counts nanoseconds in an int64.
  constexpr double kLargest = 9'223'372'036'854.0;
  if (millis > kLargest) return fail("\"{}\" is longer than the longest duration, 292 years", text);
  const auto count = static_cast<std::int64_t>(millis + 1e-6);
  return Duration(negative ? -count : count);
}

std::string format_duration(Duration d) {
  if (d.count() == 0) return "0s";
  if (d.count() < 0) return "-" + format_duration(-d);
  const std::int64_t millis = d.count();
  if (millis < 1'000) return fmt::format("{}ms", millis);
  std::string out;
  if (millis >= 3'600'000) out += fmt::format("{}h", millis / 3'600'000);
  if (millis >= 60'000) out += fmt::format("{}m", millis / 60'000 % 60);
  std::string fraction = millis % 1'000 == 0 ? "" : fmt::format(".{:03}", millis % 1'000);
  while (fraction.ends_with('0')) fraction.pop_back();
  return out + fmt::format("{}{}s", millis / 1'000 % 60, fraction);
}

std::string human_duration(Duration d) {
  constexpr hours kDay{24};
  constexpr hours kYear{24 * 365};
  if (d <= seconds(-2)) return "<invalid>";
  if (d < seconds(0)) return "0s";
  if (d < minutes(2)) return fmt::format("{}s", d / seconds(1));
  if (d < minutes(10)) return two_units(d, minutes(1), "m", seconds(1), "s");
  if (d < hours(3)) return fmt::format("{}m", d / minutes(1));
  if (d < hours(8)) return two_units(d, hours(1), "h", minutes(1), "m");
  if (d < 2 * kDay) return fmt::format("{}h", d / hours(1));
  if (d < 8 * kDay) return two_units(d, kDay, "d", hours(1), "h");
  if (d < 2 * kYear) return fmt::format("{}d", d / Duration(kDay));
  if (d < 8 * kYear) return two_units(d, kYear, "y", kDay, "d");
  return fmt::format("{}y", d / Duration(kYear));
}

}  // namespace fairlead
