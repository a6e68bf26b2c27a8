#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

/// Markdown of words drawn from a fixed vocabulary by Zipf's law, with headings, paragraphs and lists. The same seed gives the
/// same text.
inline std::string MakeMarkdown(std::mt19937_64& random, std::size_t bytes) {
  auto word = [&random] {
    const double u = std::generate_canonical<double, 53>(random);
    auto rank = static_cast<std::uint64_t>(std::pow(8000.0, u));  // log-uniform rank: Zipf with exponent 1
    std::string text;
    do {
      text += static_cast<char>('a' + rank * 7 % 26);
      text += "aeiou"[rank % 5];
      rank /= 6;
    } while (rank != 0);
    return text;
  };
  std::string text = "# " + word() + " " + word() + "\n\n";
  while (text.size() < bytes) {
    if (random() % 8 == 0) text += "## " + word() + " " + word() + "\n\n";
    const bool is_list = random() % 6 == 0;
    for (std::uint64_t sentence = 2 + random() % 4; sentence > 0; --sentence) {
      if (is_list) text += "- ";
      for (std::uint64_t words = 5 + random() % 14; words > 0; --words) text += word() + " ";
      text.back() = '.';
      text += is_list ? "\n" : " ";
    }
    text += "\n\n";
  }
  return text;
}
