#include "engine/cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "base/error.h"

namespace fairlead::cli {
namespace {

std::string_view code(Tone tone) {
  switch (tone) {
    case Tone::kGood:
      return "\033[32m";
    case Tone::kBad:
      return "\033[31m";
    case Tone::kWarn:
      return "\033[33m";
    case Tone::kDim:
      return "\033[2m";
    case Tone::kBold:
      return "\033[1m";
    case Tone::kPlain:
      break;
  }
  return "";
}

std::string took(std::chrono::steady_clock::time_point since) {
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - since).count();
  return ms < 1000 ? fmt::format("{} ms", ms) : fmt::format("{:.1f} s", static_cast<double>(ms) / 1000.0);
}

bool coloured(int fd) { return ::isatty(fd) == 1 && std::getenv("NO_COLOR") == nullptr; }

/// Where Progress writes: standard error, so that standard output holds the answer alone.
bool progress_moves() {
  static const bool kMoves = coloured(STDERR_FILENO);
  return kMoves;
}

std::string painted(bool colours, Tone tone, std::string_view text) {
  if (!colours || tone == Tone::kPlain || text.empty()) return std::string(text);
  return fmt::format("{}{}\033[0m", code(tone), text);
}

void write_to(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

}  // namespace

bool is_terminal() {
  static const bool kTerminal = coloured(STDOUT_FILENO);
  return kTerminal;
}

std::string paint(Tone tone, std::string_view text) { return painted(is_terminal(), tone, text); }

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\033') {
      while (i < text.size() && text[i] != 'm') ++i;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) {
      ++width;
    }
  }
  return width;
}

Table::Table(std::vector<std::string> header) : rows_{std::move(header)} {}

void Table::add(std::vector<std::string> row) {
  FAIRLEAD_ASSERT(row.size() <= rows_.front().size());
  row.resize(rows_.front().size());
  rows_.push_back(std::move(row));
}

std::string Table::to_string() const {
  const std::size_t columns = rows_.front().size();
  std::vector<std::size_t> widths(columns, 0);
  for (std::size_t c = 0; c < columns; ++c) {
    const bool used =
        rows_.size() == 1 || std::any_of(rows_.begin() + 1, rows_.end(), [&](const auto& r) { return !r[c].empty(); });
    if (!used) continue;
    for (const auto& row : rows_) widths[c] = std::max(widths[c], display_width(row[c]));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t c = 0; c < columns; ++c) {
      if (widths[c] == 0) continue;
      const bool head = &row == &rows_.front();
      line += head ? paint(Tone::kBold, row[c]) : row[c];
      line.append(widths[c] - display_width(row[c]) + 3, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

Progress::Progress(std::string what) : what_(std::move(what)), start_(std::chrono::steady_clock::now()) { detail({}); }

Progress::~Progress() {
  if (!finished_) failed();
}

void Progress::detail(std::string_view text) {
  if (!progress_moves()) return;
  std::string shown = text.empty() ? "" : fmt::format("  {}", text.substr(0, 70));
  std::replace_if(shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  write_to(stderr,
           fmt::format("\r\033[K{} {}{}", painted(true, Tone::kWarn, "•"), what_, painted(true, Tone::kDim, shown)));
}

void Progress::done(std::string_view outcome) { finish(Tone::kGood, "✓", outcome); }
void Progress::failed(std::string_view outcome) { finish(Tone::kBad, "✗", outcome); }

void Progress::finish(Tone tone, std::string_view mark, std::string_view outcome) {
  if (finished_) return;
  finished_ = true;
  const bool moves = progress_moves();
  write_to(stderr, fmt::format("{}{} {}{} {}\n", moves ? "\r\033[K" : "", painted(moves, tone, mark), what_,
                               outcome.empty() ? "" : fmt::format(": {}", outcome),
                               painted(moves, Tone::kDim, fmt::format("({})", took(start_)))));
}

void print(std::string_view text) { write_to(stdout, text); }

void print_error(std::string_view message) {
  std::fflush(stdout);
  const std::string line = fmt::format("fairlead: {}\n", message);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace fairlead::cli
