#include "cli/next.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace undying::cli {
namespace {

// Words with their quotes; a blank within quotes parts none, and what follows a backslash outside
// of them is taken as it is.
std::vector<std::string> words_of(const std::string& command) {
  std::vector<std::string> words(1);
  bool quoted = false;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (c == ' ' && !quoted) {
      words.emplace_back();
      continue;
    }
    words.back() += c;
    if (c == '\'') quoted = !quoted;
    if (c == '\\' && !quoted && i + 1 < command.size()) words.back() += command[++i];
  }
  return words;
}

// The word that a shell makes of it.
std::string unquoted(const std::string& word) {
  std::string plain;
  bool quoted = false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '\'') {
      quoted = !quoted;
      continue;
    }
    if (word[i] == '\\' && !quoted && i + 1 < word.size()) ++i;
    plain += word[i];
  }
  return plain;
}

// The flags of a training command, with their values, that `wanted` names.
template <class Wanted>
std::string flags_of(const std::string& command, const Wanted& wanted) {
  const std::vector<std::string> words = words_of(command);
  std::string text;
  bool taken = true;
  for (auto word = std::ranges::find(words, "train");
       word != words.end() && ++word != words.end();) {
    if (word->starts_with("--")) taken = wanted(word->substr(0, word->find('=')));
    if (word->starts_with("-o")) taken = wanted("--out");
    if (taken) text += " " + *word;
  }
  return text;
}

}  // namespace

std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=:,./+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::vector<std::string> arguments_of(const std::string& command) {
  std::vector<std::string> words = words_of(command);
  for (std::string& word : words) word = unquoted(word);
  return words;
}

std::string compare_command(const std::string& train_command) {
  constexpr std::array<std::string_view, 8> kOfTrain = {
      "--activation", "--metrics",          "--out",       "--json", "--explain",
      "--resume",     "--checkpoint-every", "--checkpoint"};
  const auto shared = [&](std::string_view flag) {
    return std::ranges::find(kOfTrain, flag) == kOfTrain.end();
  };
  return "undying compare" + flags_of(train_command, shared) +
         " --activations relu,leaky_relu:0.1,elu";
}

std::string diagnose_command(const std::string& train_command, const std::string& model) {
  // The scaling stands in the model's file.
  constexpr std::array<std::string_view, 7> kOfData = {
      "--data", "--data-dir", "--loss", "--split", "--test", "--group", "--ordered"};
  const auto of_data = [&](std::string_view flag) {
    return std::ranges::find(kOfData, flag) != kOfData.end();
  };
  return "undying diagnose " + shell_word(model) + flags_of(train_command, of_data);
}

std::string train_command_with_out(const std::string& train_command, const std::string& model) {
  // From its start: a checkpoint that is there would be refused, or hold the end.
  constexpr std::array<std::string_view, 4> kOnce = {"--out", "--checkpoint", "--checkpoint-every",
                                                     "--resume"};
  const auto again = [&](std::string_view flag) {
    return std::ranges::find(kOnce, flag) == kOnce.end();
  };
  return "undying train" + flags_of(train_command, again) + " --out " + shell_word(model);
}

std::string train_command_with(const std::string& train_command, std::string_view flag,
                               const std::string& value) {
  const auto others = [&](std::string_view each) { return each != flag; };
  return fmt::format("undying train{} {} {}", flags_of(train_command, others), flag, value);
}

}  // namespace undying::cli
