// The length of a vector.
#include <algorithm>
#include <cmath>
#include <vector>

#include "operation.h"
#include "parallel.h"

namespace {

constexpr int64_t pieceSize = 1 << 16;

// x -> its L2 norm, []. Summed in float64 and in pieces that do not depend on the threads.
void l2Norm(Run& run) {
  const int64_t size = run.count(0);
  const float* x = run.input(0);
  float* norm = run.output(0, {});
  if (!run.ok()) return;
  const int64_t pieces = (size + pieceSize - 1) / pieceSize;
  std::vector<double> sums(pieces);
  double* const partial = sums.data();
  inParallel(pieces, 1, [=](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      double sum = 0.0;
      const int64_t last = std::min(size, (piece + 1) * pieceSize);
#pragma omp simd reduction(+ : sum)
      for (int64_t at = piece * pieceSize; at < last; ++at) sum += static_cast<double>(x[at]) * x[at];
      partial[piece] = sum;
    }
  });
  double sum = 0.0;
  for (const double part : sums) sum += part;
  *norm = static_cast<float>(std::sqrt(sum));
}

}  // namespace

void registerL2Norm() { registerOperation("WardroundL2Norm", 1, 1, l2Norm); }
