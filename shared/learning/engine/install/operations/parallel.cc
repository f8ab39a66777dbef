#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace {

// How many threads an operation that this thread runs may use, this one among them.
thread_local unsigned threadsHere = std::max(1u, std::thread::hardware_concurrency());

class Threads {
 public:
  Threads() : helpers_(std::max(1u, std::thread::hardware_concurrency()) - 1) {
    for (unsigned index = 0; index < helpers_; ++index) std::thread([this] { help(); }).detach();
  }

  void run(int64_t count, int64_t smallest, const std::function<void(int64_t, int64_t)>& work) {
    // Two pieces a thread, so that one that is held up does not hold up all.
    const unsigned threads = std::min(threadsHere, helpers_ + 1);
    const int64_t pieces = std::min<int64_t>(count / std::max<int64_t>(smallest, 1), 2 * threads);
    if (pieces < 2 || threads < 2) return work(0, count);
    std::unique_lock<std::mutex> mine(callers_, std::try_to_lock);
    if (!mine.owns_lock()) return work(0, count);
    const std::function<void(int64_t)> piece = [&](int64_t index) {
      work(count * index / pieces, count * (index + 1) / pieces);
    };
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      piece_ = &piece;
      pieces_ = pieces;
      free_ = threads - 1;
      next_ = 0;
      ++round_;
    }
    wake_.notify_all();
    takePieces(piece, pieces);
    std::unique_lock<std::mutex> lock(mutex_);
    idle_.wait(lock, [this] { return busy_ == 0; });
    piece_ = nullptr;
  }

 private:
  void takePieces(const std::function<void(int64_t)>& piece, int64_t pieces) {
    for (int64_t index = next_++; index < pieces; index = next_++) piece(index);
  }

  void help() {
    uint64_t seen = 0;
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return round_ != seen; });
      seen = round_;
      // Who wakes after the round has ended finds no work.
      if (piece_ == nullptr || free_ == 0) continue;
      --free_;
      const auto* piece = piece_;
      const int64_t pieces = pieces_;
      ++busy_;
      lock.unlock();
      takePieces(*piece, pieces);
      lock.lock();
      if (--busy_ == 0) idle_.notify_one();
    }
  }

  const unsigned helpers_;
  std::mutex callers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  const std::function<void(int64_t)>* piece_ = nullptr;
  int64_t pieces_ = 0;
  std::atomic<int64_t> next_{0};
  uint64_t round_ = 0;
  unsigned busy_ = 0;
  // How many more may help in this round.
  unsigned free_ = 0;
};

}  // namespace

void inParallel(int64_t count, int64_t smallest, const std::function<void(int64_t, int64_t)>& work) {
  // Never destroyed: its threads may outlive the program's other objects.
  static Threads* threads = new Threads();
  threads->run(count, smallest, work);
}

// Called by whoever loads this library, for the thread that calls it.
extern "C" __attribute__((visibility("default"))) void setOperationThreads(int threads) { threadsHere = std::max(1, threads); }
