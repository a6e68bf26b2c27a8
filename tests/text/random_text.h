#pragma once

#include <cstddef>
#include <random>
#include <string>

/// Words of several scripts, numbers, abbreviations, ends of sentences.
std::string RandomWords(std::mt19937_64& random, std::size_t count);

/// Paragraphs of lines; `blank_lines` of a hundred line ends are followed by a blank line.
std::string RandomProse(std::mt19937_64& random, std::size_t bytes, unsigned blank_lines, const std::string& line_end);

/// A title, sections and subsections, with paragraphs, lists, a fence and a table, as people write them.
std::string RandomArticle(std::mt19937_64& random);

/// Every block of CommonMark, tables and front matter, with and without blank lines between them, and lines that could be read
/// as another block. Each text has its own mixture.
std::string RandomMarkdown(std::mt19937_64& random, std::size_t bytes);
