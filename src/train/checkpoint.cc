// A run in a file, as it stands between two steps: a line that says what the file is, the checksum
// of what follows, the run's fingerprint, and the state of all that a run is made of.

#include "train/checkpoint.h"

#include <fmt/format.h>
#include <zlib.h>

#include <fstream>
#include <iterator>

#include "base/archive.h"
#include "base/atomic_file.h"
#include "base/version.h"
#include "train/fingerprint.h"
#include "train/fit.h"
#include "undying/error.h"

namespace undying::train {
namespace {

constexpr std::string_view kFirstLine = "undying checkpoint 1\n";
constexpr std::size_t kChecksum = 9;  // eight digits, end of line

std::string checksum(std::string_view bytes) {
  return fmt::format("{:08x}\n", crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()),
                                         static_cast<z_size_t>(bytes.size())));
}

[[noreturn]] void fail(ErrorCode code, const std::filesystem::path& file,
                       const std::string& message) {
  throw Error(code, file.string(), message);
}

std::string read_whole(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (!in) fail(ErrorCode::kIo, file, "cannot be read");
  if (!bytes.starts_with(kFirstLine))
    fail(ErrorCode::kBadData, file,
         "is no checkpoint of this program; expected what --checkpoint wrote");
  const std::string_view rest = std::string_view(bytes).substr(kFirstLine.size());
  if (rest.size() < kChecksum || rest.substr(0, kChecksum) != checksum(rest.substr(kChecksum)))
    fail(ErrorCode::kBadData, file, "is damaged: its checksum is another; remove it to start anew");
  return bytes.substr(kFirstLine.size() + kChecksum);
}

void each_run(Archive& archive, Run& run) {
  archive(run.steps);
  archive(run.epochs);
  archive(run.train_seconds);
  archive(run.samples);
}

}  // namespace

std::int64_t steps_kept(const std::filesystem::path& file) {
  Archive archive(read_whole(file), file.string());
  std::string whose;
  archive(whose);
  std::int64_t taken = 0;  // the first of Fit::each_state()
  archive(taken);
  return taken;
}

// Not how long it goes on, where nothing before its end depends on that.
std::string Fit::fingerprint() const {
  TrainSettings settings = settings_;
  if (settings.schedule.kind == Schedule::Kind::kConstant) settings.epochs = 1;
  if (settings.schedule.kind == Schedule::Kind::kConstant) settings.max_steps = 0;
  std::string data = parts_.stream == nullptr ? describe(*parts_.train) : describe(*parts_.stream);
  if (settings.evaluate && parts_.stream == nullptr)
    data += "; tested on " + describe(*parts_.test);
  const std::span<const float> trained(state_.model.trained(),
                                       static_cast<std::size_t>(state_.model.trained_size()));
  const std::span<const float> statistics = state_.model.statistics();
  const std::vector<Tensor> initial = {{"trained", {}, {trained.begin(), trained.end()}},
                                       {"statistics", {}, {statistics.begin(), statistics.end()}}};
  return fmt::format(
             "version: {}\ndata: {}\n{}model: {}\ninitial: {} after {} steps\nseed: {} {}\nshards: "
             "{}\nprecision: {}\n",
             kVersion, data, lines(state_.model.graph()), describe(state_.model.graph()),
             describe(initial), state_.steps_taken, settings.seed, settings.init_seed,
             state_.engine.shards(), name(settings.precision)) +
         settings_text(settings, fmt::format("{}", undying::learning_rate(settings.optimizer)));
}

void Fit::each_state(Archive& archive) {
  archive(taken_);
  archive(epoch_);
  archive(next_);
  archive(online_);
  archive(stride_);
  archive(last_step_);
  each_run(archive, run_);
  archive(state_.steps_taken);
  archive(state_.statistics_loaded);
  archive.fixed(
      std::span(state_.model.trained(), static_cast<std::size_t>(state_.model.trained_size())));
  archive.fixed(state_.model.statistics());
  for (Buffer<float>& moment : state_.moments) archive.fixed(moment.span());
  state_.engine.each_state(archive);
  recorder_.each_state(archive);
  if (keep_alive_ != nullptr) keep_alive_->each_state(archive);
  bool best = best_.has_value();
  archive(best);
  if (!best) return;
  if (!best_) best_.emplace(Best{.recorder = recorder_});
  archive(best_->epoch);
  archive(best_->score);
  archive(best_->trained);
  archive(best_->statistics);
  best_->recorder.each_state(archive);
}

std::string Fit::state_bytes() {
  Archive archive;
  std::string whose = fingerprint_;
  archive(whose);
  each_state(archive);
  return archive.bytes();
}

void Fit::keep(const std::string& state) {
  if (checkpoint_.file.empty()) return;
  write_file(checkpoint_.file, std::string(kFirstLine) + checksum(state) + state);
}

// After each so many steps. A diverged run keeps its last good state.
void Fit::keep_if_due() {
  if (checkpoint_.file.empty() || run_.status == RunStatus::kDiverged) return;
  if (taken_ % checkpoint_.every == 0) keep(state_bytes());
}

// Whether it goes on from a file.
bool Fit::resume() {
  if (checkpoint_.file.empty()) return false;
  fingerprint_ = fingerprint();
  if (!checkpoint_.resume || !std::filesystem::exists(checkpoint_.file)) return false;
  Archive archive(read_whole(checkpoint_.file), checkpoint_.file.string());
  std::string whose;
  archive(whose);
  if (whose != fingerprint_)
    fail(ErrorCode::kInvalidArgument, checkpoint_.file,
         fmt::format("holds another run: {}; choose another file, or repeat that run's settings to "
                     "go on with it",
                     difference(whose, fingerprint_)));
  each_state(archive);
  archive.end();
  if (taken_ > total_steps_)
    fail(ErrorCode::kInvalidArgument, checkpoint_.file,
         fmt::format("holds a run after {} steps; this one ends after {}: ask for as many at least",
                     taken_, total_steps_));
  return true;
}

}  // namespace undying::train
