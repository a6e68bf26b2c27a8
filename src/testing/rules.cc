#include "testing/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <ostream>
#include <sstream>
#include <thread>
#include <utility>

#include "core/utf8.h"

namespace ragpipe::testing {

std::ostream& operator<<(std::ostream& out, const Finding& finding) { return out << finding.rule << ": " << finding.what; }

std::string ToText(std::span<const Finding> findings) {
  std::ostringstream text;
  for (const Finding& finding : findings) text << finding << '\n';
  return text.str();
}

void Rules::Check(std::string_view rule, const std::function<Verdict()>& body) {
  std::string thrown;
  try {
    if (Verdict verdict = body(); !verdict.empty()) Add(rule, std::move(verdict));
    return;
  } catch (const std::exception& error) {
    thrown = error.what();
  } catch (...) {
    thrown = "something that is no std::exception";
  }
  const std::string no_throw = stage_ + ".no_throw";
  const bool known = std::any_of(findings_.begin(), findings_.end(), [&](const Finding& one) { return one.rule == no_throw; });
  if (!known) Add("no_throw", fmt::format("a call threw '{}' while {}.{} was checked", thrown, stage_, rule));
}

void Rules::Add(std::string_view rule, std::string what) {
  findings_.push_back({fmt::format("{}.{}", stage_, rule), std::move(what)});
}

Verdict Gave(std::string_view call, const absl::Status& status) { return fmt::format("{} gave {}", call, status.ToString()); }

Verdict OnThreads(int count, const std::function<Verdict(int)>& body) {
  std::mutex mutex;
  Verdict first;
  std::exception_ptr thrown;
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      try {
        Verdict verdict = body(i);
        const std::lock_guard guard(mutex);
        if (first.empty()) first = std::move(verdict);
      } catch (...) {
        const std::lock_guard guard(mutex);
        thrown = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (thrown != nullptr) std::rethrow_exception(thrown);
  return first;
}

bool IsCleanText(std::string_view text) {
  return internal::FindInvalidUtf8(text) == std::string_view::npos && text.find('\0') == std::string_view::npos;
}

bool IsReadable(std::string_view text) {
  return !text.empty() && IsCleanText(text) && std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

std::vector<std::string> AwkwardTexts() {
  std::string one_word(300, 'x');
  return {
      "The quick brown fox jumps over the lazy dog.",
      "a",
      " ",
      "\n\t\n",
      "...",
      "Zw\u00F6lf Boxk\u00E4mpfer jagen Viktor quer \u00FCber den gro\u00DFen Sylter Deich.",
      "cafe\u0301 is not caf\u00E9, byte for byte",
      "\u3044\u308D\u306F\u306B\u307B\u3078\u3068\u3001\u6F22\u5B57\u3082\u3042\u308B\u3002",
      "\u05D3\u05D2 \u05E1\u05E7\u05E8\u05DF and left to right again",
      "\U0001F469\u200D\U0001F4BB\U0001F1EA\U0001F1FA\uFEFF\uFFFD",
      "if (x[i] != '\\0') { return \"{}\"; }  // 100% <b>&amp;</b> %s",
      "one\r\ntwo\rthree\u2028four\vfive",
      one_word,
  };
}

}  // namespace ragpipe::testing
