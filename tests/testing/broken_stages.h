#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "ragpipe/testing/finding.h"
#include "support/catch.h"

namespace ragpipe::testing {

/// A stage that breaks one rule, and its check.
struct Broken {
  std::string rule;
  std::function<std::vector<Finding>()> check;
};

/// The rules that a public header lists: the lines "/// STAGE.name  what it demands".
inline std::set<std::string> ListedRules(const std::string& header, const std::string& stage) {
  const auto here = std::filesystem::path(RAGPIPE_TEST_DATA).parent_path();
  std::ifstream file(here / "../../include/ragpipe/testing" / header);
  std::set<std::string> rules;
  const std::string start = "/// " + stage + ".";
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(start, 0) == 0) rules.insert(line.substr(4, line.find(' ', 4) - 4));
  }
  return rules;
}

/// Every broken stage is found out under its rule, and every listed rule has a broken stage.
inline void CheckFoundOut(const std::vector<Broken>& all, const std::set<std::string>& listed) {
  std::set<std::string> covered;
  for (const Broken& broken : all) {
    INFO("broken rule: " << broken.rule);
    const std::vector<Finding> findings = broken.check();
    INFO("findings:\n" << ToText(findings));
    bool found = false;
    for (const Finding& finding : findings) {
      CHECK(listed.count(finding.rule) == 1);
      CHECK_FALSE(finding.what.empty());
      found = found || finding.rule == broken.rule;
    }
    CHECK(found);
    covered.insert(broken.rule);
  }
  CHECK(covered == listed);
}

}  // namespace ragpipe::testing
