// The softmax of scaled rows, and its gradient.
#include "exponential.h"
#include "operation.h"
#include "parallel.h"

namespace {

constexpr int64_t rowsAtLeast = 32;

// scores [..., width], scale [] -> softmax(scale * scores) along the last dimension.
void softmax(Run& run) {
  const int64_t width = run.width(0);
  const int64_t rows = width == 0 ? 0 : run.count(0) / width;
  const float* scores = run.input(0);
  const float* scale = run.input(1, 1);
  float* weights = run.outputLike(0, 0);
  if (!run.ok()) return;
  inParallel(rows, rowsAtLeast, [=](int64_t begin, int64_t end) {
    const float factor = *scale;
    for (int64_t row = begin; row < end; ++row) {
      const float* from = scores + row * width;
      float* to = weights + row * width;
      float largest = factor * from[0];
#pragma omp simd reduction(max : largest)
      for (int64_t at = 0; at < width; ++at) largest = largest < factor * from[at] ? factor * from[at] : largest;
      float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
      for (int64_t at = 0; at < width; ++at) {
        to[at] = exponential(factor * from[at] - largest);
        sum += to[at];
      }
      const float share = 1.0f / sum;
#pragma omp simd
      for (int64_t at = 0; at < width; ++at) to[at] *= share;
    }
  });
}

// dWeights and weights [..., width], scale [] -> the gradient of the scores.
void softmaxGradient(Run& run) {
  const int64_t width = run.width(0);
  const int64_t rows = width == 0 ? 0 : run.count(0) / width;
  const float* dWeights = run.input(0);
  const float* weights = run.input(1, rows * width);
  const float* scale = run.input(2, 1);
  float* dScores = run.outputLike(0, 0);
  if (!run.ok()) return;
  inParallel(rows, rowsAtLeast, [=](int64_t begin, int64_t end) {
    const float factor = *scale;
    for (int64_t row = begin; row < end; ++row) {
      const float* up = dWeights + row * width;
      const float* from = weights + row * width;
      float* to = dScores + row * width;
      float along = 0.0f;
#pragma omp simd reduction(+ : along)
      for (int64_t at = 0; at < width; ++at) along += up[at] * from[at];
#pragma omp simd
      for (int64_t at = 0; at < width; ++at) to[at] = (up[at] - along) * from[at] * factor;
    }
  });
}

}  // namespace

void registerSoftmax() {
  registerOperation("WardroundSoftmax", 2, 1, softmax);
  registerOperation("WardroundSoftmaxGradient", 3, 1, softmaxGradient);
}
