// Layer normalisation of rows, and its gradient.
#include <cmath>
#include <mutex>
#include <vector>

#include "operation.h"
#include "parallel.h"

namespace {

constexpr int64_t rowsAtLeast = 32;

// x [rows, width], weight [width], bias [width], epsilon [] -> value [rows, width], mean and 1 / deviation [rows, 2].
void layerNorm(Run& run) {
  const int64_t width = run.width(0);
  const int64_t rows = width == 0 ? 0 : run.count(0) / width;
  const float* x = run.input(0);
  const float* weight = run.input(1, width);
  const float* bias = run.input(2, width);
  const float* epsilon = run.input(3, 1);
  float* value = run.outputLike(0, 0);
  float* statistics = run.output(1, {rows, 2});
  if (!run.ok()) return;
  inParallel(rows, rowsAtLeast, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* from = x + row * width;
      float* to = value + row * width;
      float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
      for (int64_t at = 0; at < width; ++at) sum += from[at];
      const float mean = sum / width;
      float squares = 0.0f;
#pragma omp simd reduction(+ : squares)
      for (int64_t at = 0; at < width; ++at) squares += (from[at] - mean) * (from[at] - mean);
      const float inverse = 1.0f / std::sqrt(squares / width + *epsilon);
#pragma omp simd
      for (int64_t at = 0; at < width; ++at) to[at] = (from[at] - mean) * inverse * weight[at] + bias[at];
      statistics[2 * row] = mean;
      statistics[2 * row + 1] = inverse;
    }
  });
}

// dy and x [rows, width], weight [width], statistics [rows, 2] -> dx [rows, width], dWeight [width], dBias [width].
void layerNormGradient(Run& run) {
  const int64_t width = run.width(0);
  const int64_t rows = width == 0 ? 0 : run.count(0) / width;
  const float* dy = run.input(0);
  const float* x = run.input(1, rows * width);
  const float* weight = run.input(2, width);
  const float* statistics = run.input(3, 2 * rows);
  float* dx = run.outputLike(0, 0);
  float* dWeight = run.output(1, {width});
  float* dBias = run.output(2, {width});
  if (!run.ok()) return;
  // Summed in an order that does not depend on the threads: a fixed number of pieces, one after the other.
  const int64_t pieces = std::min<int64_t>(32, (rows + rowsAtLeast - 1) / rowsAtLeast);
  std::vector<float> sums(2 * width * std::max<int64_t>(pieces, 1), 0.0f);
  float* const partial = sums.data();
  inParallel(pieces, 1, [=](int64_t firstPiece, int64_t endPiece) {
    for (int64_t piece = firstPiece; piece < endPiece; ++piece) {
      float* const forWeight = partial + 2 * width * piece;
      float* const forBias = forWeight + width;
      for (int64_t row = rows * piece / pieces; row < rows * (piece + 1) / pieces; ++row) {
        const float* up = dy + row * width;
        const float* from = x + row * width;
        float* to = dx + row * width;
        const float mean = statistics[2 * row];
        const float inverse = statistics[2 * row + 1];
        float sum = 0.0f;
        float along = 0.0f;
#pragma omp simd reduction(+ : sum, along)
        for (int64_t at = 0; at < width; ++at) {
          const float unit = (from[at] - mean) * inverse;
          const float dUnit = up[at] * weight[at];
          sum += dUnit;
          along += dUnit * unit;
          forWeight[at] += up[at] * unit;
          forBias[at] += up[at];
        }
        sum /= width;
        along /= width;
#pragma omp simd
        for (int64_t at = 0; at < width; ++at) {
          to[at] = (up[at] * weight[at] - sum - (from[at] - mean) * inverse * along) * inverse;
        }
      }
    }
  });
  for (int64_t at = 0; at < width; ++at) dWeight[at] = dBias[at] = 0.0f;
  for (int64_t piece = 0; piece < pieces; ++piece) {
    for (int64_t at = 0; at < width; ++at) {
      dWeight[at] += partial[2 * width * piece + at];
      dBias[at] += partial[2 * width * piece + width + at];
    }
  }
}

}  // namespace

void registerLayerNorm() {
  registerOperation("WardroundLayerNorm", 4, 2, layerNorm);
  registerOperation("WardroundLayerNormGradient", 4, 3, layerNormGradient);
}
