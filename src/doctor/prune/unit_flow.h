#ifndef UNDYING_DOCTOR_PRUNE_UNIT_FLOW_H_
#define UNDYING_DOCTOR_PRUNE_UNIT_FLOW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model.h"

namespace undying::doctor {

inline std::size_t index(int i) { return static_cast<std::size_t>(i); }

// Which units of which values go together: a channel of a convolution, of the batch norm and the
// activation behind it, of everything it is added to. Each value has its units along one axis, and
// each of them an entry in one list over all values; entries that can only be taken out together
// are a group. Of a flattened value the entries are its elements, grouped with the channels they
// belong to.
class UnitFlow {
 public:
  explicit UnitFlow(const engine::Model& model);

  struct Units {
    int axis = -1;  // -1: a constant that no unit of anything meets
    int count = 0;
    int first = 0;  // entry of unit 0
  };

  // What a node makes of the units that its own come from.
  enum class Passing {
    kNothing,      // nothing is known of its values
    kUnchanged,    // the same value, maybe at other positions or a mean of equal ones
    kElementwise,  // a function of the values at one place
    kNorm,         // batch norm: a line a channel
    kOwnNorm,      // a channel normalised by its own statistics, then a line
    kWeights,      // sums over units, weighed; in groups where the node has them
    kTensor,       // the same for every example
  };

  // Where an entry comes from: one entry an input that meets it, and which of several elements of
  // that it is.
  struct Origin {
    std::vector<int> entries;
    int place = 0;
  };

  // All units of this value stay.
  struct Pin {
    int node = 0;
    std::string why;
  };

  const engine::Model& model() const { return *model_; }
  const Units& units(int node) const { return units_[node]; }
  Passing passing(int node) const { return passing_[node]; }
  int entries() const { return static_cast<int>(nodes_.size()); }
  int node_of(int entry) const { return nodes_[entry]; }
  const Origin& origin(int entry) const { return origins_[entry]; }
  int group(int entry) const { return groups_[entry]; }  // an entry that stands for it
  const std::vector<Pin>& pins() const { return pins_; }

 private:
  const Node& node(int at) const { return model_->graph().nodes()[at]; }
  const Shape& shape(int at) const { return model_->graph().shapes()[at]; }
  std::int64_t extent(int at, int axis) const { return shape(at)[axis]; }
  int rank(int at) const { return static_cast<int>(shape(at).size()); }
  int input(int at) const { return node(at).inputs[0]; }

  void visit(int at);
  bool tell(int at);
  void give(int at, int axis, Passing passing);
  void link(int at, int unit, int from, int unit_of_from);
  void link_all(int at, int from);
  void join(int a, int b);
  int root(int entry);
  void pin(int at, const std::string& why) { pins_.push_back({at, why}); }
  void keep_all(int at, const std::string& why);
  int usual_axis(int at) const;
  bool shares_tensors(int at) const;

  bool same(int at, int axis, Passing passing);
  bool channels(int at);
  bool weigh(int at);
  bool look_up(int at);
  bool view(int at);
  bool broadcast(int at);
  bool activation(int at);
  bool concat(int at);
  bool slice(int at);
  bool take(int at);
  bool pad(int at);
  bool transpose(int at);
  bool resize(int at);
  bool reduce(int at);
  bool normalise(int at);

  const engine::Model* model_;
  std::vector<Units> units_;
  std::vector<Passing> passing_;
  std::vector<int> nodes_;   // by entry
  std::vector<int> groups_;  // by entry: a parent on the way to the one that stands for all
  std::vector<Origin> origins_;
  std::vector<Pin> pins_;
};

// The weights of a linear, convolution or transposed convolution as slabs, one an output and an
// input of its group.
struct Slabs {
  int parameter = 0;
  int bias = -1;  // parameter; -1: none
  int groups = 1;
  int outputs = 0;  // in all
  int inputs = 0;   // in all
  std::int64_t size = 1;
  bool transposed = false;

  int group_outputs() const { return outputs / groups; }
  int group_inputs() const { return inputs / groups; }
  // Where the slab of an output and the i-th input of its group begins.
  std::int64_t first(int output, int i) const;
};
Slabs slabs_of(const engine::Model& model, int node);

// Whether a window reaches beyond the edges of what it moves over, where zeros stand.
bool is_padded(const engine::Model& model, int node);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_PRUNE_UNIT_FLOW_H_
