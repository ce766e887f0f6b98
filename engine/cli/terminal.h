// What people see: lines, tables and progress. Colours and moving lines only on a terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

enum class Tone { kPlain, kGood, kBad, kWarn, kDim, kBold };

/// True when standard output is a terminal and NO_COLOR is not set.
[[nodiscard]] bool is_terminal();
/// `text` in a colour, on a terminal; unchanged elsewhere.
[[nodiscard]] std::string paint(Tone tone, std::string_view text);
/// Columns that `text` takes on a screen: UTF-8 code points without escape sequences.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// Columns that line up. Cells may be painted.
class Table {
 public:
  explicit Table(std::vector<std::string> header);
  /// Missing cells are empty; more cells than columns are a bug.
  void add(std::vector<std::string> row);
  /// Lines with a line end each; columns that are empty in every row are left out.
  [[nodiscard]] std::string to_string() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// Says what takes long, on standard error: one moving line on a terminal, one line at the end elsewhere.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// What it is doing just now.
  void detail(std::string_view text);
  /// Ends the line with a tick and how long it took.
  void done(std::string_view outcome = {});
  /// Ends the line with a cross; the destructor does it when nobody else did.
  void failed(std::string_view outcome = {});

 private:
  void finish(Tone tone, std::string_view mark, std::string_view outcome);

  std::string what_;
  std::chrono::steady_clock::time_point start_;
  bool finished_ = false;
};

/// Writes to standard output at once.
void print(std::string_view text);
/// "fairlead: message" on standard error.
void print_error(std::string_view message);

}  // namespace fairlead::cli
