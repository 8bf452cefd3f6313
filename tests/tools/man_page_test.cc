// SPDX-License-Identifier: Apache-2.0
//
// The options of musterd(8), muster-torrentd(8) and the README are those of their tables. When
// this fails, put the text that it prints between the two marks of the page, or run it with the
// environment variable UPDATE_MAN_PAGE set, which does that.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "muster-torrentd/settings.h"
#include "musterd/bttrack.h"
#include "musterd/command_line.h"
#include "musterd/settings.h"

namespace musterd {
namespace {

constexpr std::string_view kBegin = ".\\\" options: begin\n";
constexpr std::string_view kEnd = ".\\\" options: end\n";

// "-h, --help" and "--udp ADDRESS:PORT" as mdoc: flags, and what stands for a value.
std::string Item(const std::string& spelling) {
  std::string line = ".It";
  std::istringstream words(spelling);
  for (std::string word; words >> word;) {
    if (word == "-h," || word == "-V,") {
      line += " Fl " + word.substr(1, 1) + " ,";
    } else if (word.rfind("--[no-]", 0) == 0) {
      line += " Fl - Ns Oo no- Oc Ns " + word.substr(7);
    } else if (word[0] == '-') {
      line += " Fl " + word.substr(1);
    } else {
      line += " Ar " + word;
    }
  }
  return line + "\n";
}

// One sentence a line, as mdoc wants it.
std::string Sentences(std::string text) {
  for (std::size_t at = 0; (at = text.find(". ", at)) != text.npos; ++at) text[at + 1] = '\n';
  return text + "\n";
}

std::string OptionsSection(const SettingsTable& table) {
  std::string text = ".Bl -tag -width Ds\n";
  for (const PlainOption& option : table.plain_options) {
    text += Item(Spelling(option)) + Sentences(std::string(option.help));
  }
  text += ".El\n";
  std::string_view section;
  for (const Setting& setting : table.rows) {
    if (setting.section != section) {
      if (!section.empty()) text += ".El\n";
      section = setting.section;
      text += ".Ss " + std::string(section) + "\n.Bl -tag -width Ds\n";
    }
    text += Item(Spelling(setting)) + Sentences(std::string(setting.help)) +
            Sentences(DefaultAndRange(setting));
  }
  return text + ".El\n";
}

// Each option with its default, and below it what it sets.
std::string BttrackTable() {
  std::string text = ".Bl -tag -width Ds -compact\n";
  for (const BttrackOption& option : BttrackOptions()) {
    std::string settings(option.settings);
    for (std::size_t at = 0; (at = settings.find(' ', at)) != settings.npos; at += 2) {
      settings.replace(at, 1, ", ");
    }
    text += ".It " + std::string(option.name);
    if (!option.initial.empty()) text += " Pq " + std::string(option.initial);
    text += "\n" + (settings.empty() ? "none: it has no effect" : settings) + "\n";
  }
  return text + ".El\n";
}

// The same as Markdown.
std::string BttrackMarkdown() {
  std::string text;
  for (const BttrackOption& option : BttrackOptions()) {
    std::istringstream words{std::string(option.settings)};
    std::string settings;
    for (std::string word; words >> word;) {
      settings += (settings.empty() ? "`" : ", `") + word + "`";
    }
    text += "| `" + std::string(option.name) + "` | " + std::string(option.initial) + " | " +
            (settings.empty() ? "no effect" : settings) + " |\n";
  }
  return text;
}

// Holds what stands between two marks of the page against what it should be; or writes it there.
void CheckPart(const char* path, std::string_view begin_mark, std::string_view end_mark,
               const std::string& want) {
  std::ifstream file(path);
  std::stringstream page;
  page << file.rdbuf();
  const std::string text = page.str();
  const std::size_t begin = text.find(begin_mark);
  const std::size_t end = text.find(end_mark, begin);
  ASSERT_NE(begin, text.npos);
  ASSERT_NE(end, text.npos);
  const std::size_t from = begin + begin_mark.size();
  if (std::getenv("UPDATE_MAN_PAGE") != nullptr) {
    std::ofstream(path) << text.substr(0, from) + want + text.substr(end);
    GTEST_SKIP() << "wrote " << path;
  }
  EXPECT_EQ(text.substr(from, end - from), want);
}

TEST(ManPage, HasTheOptionsOfTheTable) {
  CheckPart(MUSTERD_MAN_PAGE, kBegin, kEnd, OptionsSection(MusterdTable()));
}
TEST(ManPage, OfTheMirrorHasTheOptionsOfItsTable) {
  CheckPart(TORRENTD_MAN_PAGE, kBegin, kEnd, OptionsSection(torrentd::TorrentdTable()));
}

TEST(ManPage, HasTheOptionsOfBttrack) {
  CheckPart(MUSTERD_MAN_PAGE, ".\\\" bttrack: begin\n", ".\\\" bttrack: end\n", BttrackTable());
}
TEST(Readme, HasTheOptionsOfBttrack) {
  CheckPart(README, "| bttrack | by itself | setting of musterd |\n| --- | --- | --- |\n",
            "\n</details>", BttrackMarkdown());
}

}  // namespace
}  // namespace musterd
