#include "cli/flags/parse.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <set>

#include "undying/error.h"

namespace undying::cli {
namespace {

[[noreturn]] void fail(std::string_view flag, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, flag, message);
}

template <class T>
T parse(std::string_view flag, std::string_view text, const char* kind, T lowest, T highest) {
  T value{};
  const char* end_of_text = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), end_of_text, value);
  const std::string range = fmt::format("expected {} in {}..{}", kind, lowest, highest);
  if (error == std::errc::result_out_of_range)
    fail(flag, fmt::format("{} is out of range; {}", text, range));
  if (error != std::errc() || end != end_of_text)
    fail(flag, fmt::format("\"{}\" is not {}; {}", text, kind, range));
  if (!(value >= lowest && value <= highest))
    fail(flag, fmt::format("{} is out of range; {}", text, range));
  return value;
}

std::string_view trimmed(std::string_view text) {
  const auto first = std::min(text.find_first_not_of(' '), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

// Whether a value goes on there, and no new name: of "rrelu:0.1,0.3, elu" the 0.3.
bool begins_number(std::string_view text, std::size_t at) {
  at = text.find_first_not_of(' ', at);
  return at != std::string_view::npos && std::isalpha(static_cast<unsigned char>(text[at])) == 0;
}

// The first of the names of a flag: "--json" of "-j,--json".
std::string long_name(const std::string& flag) {
  return flag.substr(flag.rfind("--") == std::string::npos ? 0 : flag.rfind("--"));
}

}  // namespace

std::int64_t parse_integer(std::string_view flag, std::string_view text, std::int64_t lowest,
                           std::int64_t highest) {
  return parse<std::int64_t>(flag, text, "a whole number", lowest, highest);
}

double parse_real(std::string_view flag, std::string_view text, double lowest, double highest) {
  return parse<double>(flag, text, "a number", lowest, highest);
}

std::int64_t parse_bytes(std::string_view flag, std::string_view text) {
  constexpr std::string_view kUnits = "KMGT";
  const std::size_t unit = text.empty() ? std::string_view::npos
                                        : kUnits.find(static_cast<char>(std::toupper(text.back())));
  const bool has_unit = unit != std::string_view::npos;
  const std::string_view digits = text.substr(0, text.size() - (has_unit ? 1 : 0));
  double number = 0.0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const double bytes = number * std::pow(1000.0, has_unit ? static_cast<double>(unit + 1) : 0.0);
  if (error != std::errc() || end != digits.data() + digits.size() ||
      !(bytes >= 1.0 && bytes <= 1e18))
    fail(flag, fmt::format("\"{}\" is not a size; expected bytes, or a number with K, M, G or T, "
                           "such as 500M or 1.5G",
                           text));
  return static_cast<std::int64_t>(bytes);
}

CLI::Option* add_memory(CLI::App& app, std::int64_t& bytes) {
  const auto set = [&bytes](const std::string& text) { bytes = parse_bytes("--memory", text); };
  return app
      .add_option_function<std::string>("--memory", set,
                                        "most memory for the buffers of a pass over the data, all "
                                        "threads together, beside weights, gradients and data")
      ->type_name("SIZE")
      ->default_str("1G");
}

CLI::Option* add_integer(CLI::App& app, const std::string& flag, std::int64_t& value,
                         const std::string& help, std::int64_t lowest, std::int64_t highest) {
  const auto set = [&value, flag, lowest, highest](const std::string& text) {
    value = parse_integer(long_name(flag), text, lowest, highest);
  };
  return app.add_option_function<std::string>(flag, set, help)
      ->type_name("N")
      ->default_str(fmt::format("{}", value));
}

CLI::Option* add_real(CLI::App& app, const std::string& flag, double& value,
                      const std::string& help, double lowest, double highest) {
  const auto set = [&value, flag, lowest, highest](const std::string& text) {
    value = parse_real(long_name(flag), text, lowest, highest);
  };
  return app.add_option_function<std::string>(flag, set, help)
      ->type_name("X")
      ->default_str(fmt::format("{}", value));
}

CLI::Option* add_reals(CLI::App& app, const std::string& flag, std::vector<double>& values,
                       const std::string& help, double lowest, double highest) {
  const auto set = [&values, flag, lowest, highest](const std::string& text) {
    std::set<double> found;
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t comma = std::min(text.find(',', at), text.size());
      found.insert(parse_real(long_name(flag),
                              trimmed(std::string_view(text).substr(at, comma - at)), lowest,
                              highest));
      at = comma + 1;
    }
    values.assign(found.begin(), found.end());
  };
  return app.add_option_function<std::string>(flag, set, help)
      ->type_name("X,X,...")
      ->default_str(fmt::format("{}", fmt::join(values, ",")));
}

CLI::Option* add_file(CLI::App& app, const std::string& flag, std::string& value,
                      const std::string& help) {
  const auto set = [&value, flag](const std::string& text) {
    if (text.empty()) fail(flag, "is empty; expected the name of a file");
    value = text;
  };
  return app.add_option_function<std::string>(flag, set, help)->type_name("FILE");
}

namespace {

// The items of a list whose items may hold commas themselves.
std::vector<std::string_view> items_of(std::string_view flag, std::string_view text) {
  std::vector<std::string_view> items;
  for (std::size_t begin = 0; begin <= text.size();) {
    std::size_t end = text.find(',', begin);
    while (end != std::string_view::npos && begins_number(text, end + 1))
      end = text.find(',', end + 1);
    const std::string_view item =
        trimmed(text.substr(begin, end == std::string_view::npos ? end : end - begin));
    if (item.empty() || item.ends_with(','))
      fail(flag, fmt::format("\"{}\" has an empty item; expected names separated by commas", text));
    items.push_back(item);
    if (end == std::string_view::npos) break;
    begin = end + 1;
  }
  return items;
}

}  // namespace

std::vector<Activation> parse_activations(std::string_view flag, std::string_view text) {
  std::vector<Activation> activations;
  for (const std::string_view item : items_of(flag, text)) activations.emplace_back(item);
  return activations;
}

std::vector<KeepAlive> parse_keep_alives(std::string_view flag, std::string_view text) {
  std::vector<KeepAlive> all;
  for (const std::string_view item : items_of(flag, text)) all.push_back(parse_keep_alive(item));
  return all;
}

std::vector<Remedy> parse_remedies(std::string_view flag, std::string_view text) {
  std::vector<Remedy> all;
  for (const std::string_view item : items_of(flag, text)) {
    try {
      all.push_back(parse_remedy(item));
    } catch (const Error& error) {
      throw error.within(flag);
    }
    const auto alike = std::ranges::count(all, all.back().label, &Remedy::label);
    if (alike > 1) fail(flag, fmt::format("\"{}\" is there twice", all.back().label));
  }
  return all;
}

}  // namespace undying::cli
