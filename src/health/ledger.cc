#include "undying/health.h"

namespace undying {
namespace {

template <class Count>
std::int64_t total(const Ledger& ledger, Count count) {
  std::int64_t sum = 0;
  for (const auto& layer : ledger.lives)
    for (const UnitLife& life : layer) sum += static_cast<std::int64_t>(count(life));
  return sum;
}

}  // namespace

std::int64_t Ledger::units() const {
  return total(*this, [](const UnitLife&) { return 1; });
}
std::int64_t Ledger::dead() const {
  return total(*this, [](const UnitLife& life) { return life.state == UnitState::kDead; });
}
std::int64_t Ledger::born_dead() const {
  return total(*this, [](const UnitLife& life) { return life.born_dead; });
}
std::int64_t Ledger::always_negative() const {
  return total(*this,
               [](const UnitLife& life) { return life.state == UnitState::kAlwaysNegative; });
}
std::int64_t Ledger::died() const {
  return total(*this,
               [](const UnitLife& life) { return life.died.size() - (life.born_dead ? 1 : 0); });
}
std::int64_t Ledger::revived() const {
  return total(*this, [](const UnitLife& life) { return life.revived.size(); });
}

}  // namespace undying
