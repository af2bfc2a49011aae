#ifndef UNDYING_CLI_COMMANDS_INSPECTION_H_
#define UNDYING_CLI_COMMANDS_INSPECTION_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/network.h"

namespace undying::cli {

// What a network from a file holds and what can be done with it.
struct Inspection {
  struct Input {
    std::string name;
    Shape shape;  // of an example; empty: one number without a dimension of its own
    bool integer = false;
    std::int64_t rows = 0;  // of the table that its numbers are looked up in; 0: in none
    bool needed = true;     // by a chosen output
  };
  struct Output {
    std::string name;
    Shape shape;
    bool chosen = true;
    std::string no_gradient = {};  // why none goes back from it; empty: it does
  };
  struct Layer {
    std::string name, activation;
    std::int64_t units = 0;
    bool can_be_dead = true;
  };
  struct Use {
    std::string command;
    bool possible = true;
    std::string text;  // "yes", "no: WHY"
  };

  std::string file;
  std::int64_t opset = 0;
  std::string producer;
  std::vector<Input> inputs;
  std::vector<Output> outputs;
  std::vector<std::string> left_out;  // outputs that could not be read, with why
  std::optional<DataForm> form;
  std::map<std::string, int> operators;
  std::int64_t trained = 0;  // elements of tensors
  std::int64_t other = 0;
  std::vector<Layer> layers;  // activations of the family, in forward order
  std::vector<Use> uses;
  std::vector<std::string> notes;
};
Inspection inspect(const Network& network, const std::string& file);

std::string inspection_text(const Inspection& inspection);
std::string inspection_json(const std::string& command, const Inspection& inspection);

}  // namespace undying::cli

#endif  // UNDYING_CLI_COMMANDS_INSPECTION_H_
