#include "cli/next.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace undying::cli {
namespace {

// Words with their quotes; a blank within quotes parts none.
std::vector<std::string> words_of(const std::string& command) {
  std::vector<std::string> words(1);
  bool quoted = false;
  for (const char c : command) {
    quoted = quoted != (c == '\'');
    if (c == ' ' && !quoted) {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

}  // namespace

std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=:,./+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string compare_command(const std::string& train_command) {
  constexpr std::array<std::string_view, 5> kOfTrain = {"--activation", "--init", "--metrics", "--out", "--json"};
  const std::vector<std::string> words = words_of(train_command);
  std::string text = "undying compare";
  const auto train = std::ranges::find(words, "train");
  for (auto word = train == words.end() ? words.begin() : train + 1; word != words.end(); ++word) {
    const std::string flag = word->substr(0, word->find('='));
    if (std::ranges::find(kOfTrain, flag) == kOfTrain.end()) {
      text += " " + *word;
    } else if (flag.size() == word->size() && word + 1 != words.end()) {
      ++word;  // its value
    }
  }
  return text + " --activations relu,leaky_relu:0.1,elu";
}

}  // namespace undying::cli
