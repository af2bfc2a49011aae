#ifndef UNDYING_BASE_WORKERS_H_
#define UNDYING_BASE_WORKERS_H_

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace undying {

// A meeting point for a fixed number of threads. Waits by spinning briefly, then sleeping, so that
// a late thread on a busy machine costs its own delay and not a core. Everything written before
// arrive() is seen by all after it.
class Barrier {
 public:
  explicit Barrier(int parties) : parties_(parties) {}

  void arrive();

 private:
  const int parties_;
  std::atomic<std::uint32_t> waiting_{0};
  std::atomic<std::uint32_t> generation_{0};
};

// A fixed team of threads; the caller of run() is its member 0.
class Workers {
 public:
  explicit Workers(int count);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  int count() const { return static_cast<int>(threads_.size()) + 1; }

  // Calls work(member) once on every member and returns when all are done. `work` must not throw.
  // Inside, barrier() is shared by all. Allocates nothing.
  template <class Work>
  void run(const Work& work) {
    start(&work, [](const void* what, int member) { (*static_cast<const Work*>(what))(member); });
  }
  Barrier& barrier() { return barrier_; }

 private:
  using Call = void (*)(const void*, int);
  void start(const void* work, Call call);
  void serve(int member);

  Barrier barrier_;
  Barrier gate_;
  const void* work_ = nullptr;
  Call call_ = nullptr;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace undying

#endif  // UNDYING_BASE_WORKERS_H_
