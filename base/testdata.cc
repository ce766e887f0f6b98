#include "base/testdata.h"

#include <fstream>

#include "base/error.h"

namespace fairlead {

std::vector<TestCase> read_test_cases(const std::string& path) {
  std::ifstream in(path);
  FAIRLEAD_ASSERT(in.good());
  std::vector<TestCase> cases;
  TestCase current;
  bool comment = true;
  bool answered = false;
  std::size_t number = 0;
  const auto finish = [&] {
    FAIRLEAD_ASSERT(answered);
    cases.push_back(std::exchange(current, {}));
    answered = false;
  };
  for (std::string line; std::getline(in, line);) {
    ++number;
    comment = comment && line.starts_with('#');
    if (comment) continue;
    if (line == "----") {
      finish();
      continue;
    }
    if (current.where.empty()) current.where = fmt::format("{}:{}", path, number);
    if (line.starts_with("=> ") || line.starts_with("!! ") || line == "=>") {
      if (answered) current.expected += '\n';
      current.is_error = line.starts_with("!!");
      current.expected += line.size() > 3 ? line.substr(3) : "";
      answered = true;
    } else {
      current.input += line + "\n";
    }
  }
  finish();
  return cases;
}

}  // namespace fairlead
