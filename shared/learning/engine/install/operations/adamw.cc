// One step of AdamW over a flat vector.
#include <cmath>

#include "operation.h"
#include "parallel.h"

namespace {

// parameters, gradient, first moment, second moment, decay of each [size]; settings [8]: beta1, beta2, 1 - beta1, 1 - beta2,
// step size, scale of the second moment's root, epsilon, learning rate -> parameters, first moment, second moment.
void adamW(Run& run) {
  const int64_t size = run.count(0);
  const float* parameters = run.input(0);
  const float* gradient = run.input(1, size);
  const float* first = run.input(2, size);
  const float* second = run.input(3, size);
  const float* decay = run.input(4, size);
  const float* settings = run.input(5, 8);
  float* moved = run.outputLike(0, 0);
  float* nextFirst = run.outputLike(1, 0);
  float* nextSecond = run.outputLike(2, 0);
  if (!run.ok()) return;
  inParallel(size, 16384, [=](int64_t begin, int64_t end) {
    const float beta1 = settings[0], beta2 = settings[1], rest1 = settings[2], rest2 = settings[3];
    const float stepSize = settings[4], rootScale = settings[5], epsilon = settings[6], learningRate = settings[7];
#pragma omp simd
    for (int64_t at = begin; at < end; ++at) {
      const float g = gradient[at];
      const float m = beta1 * first[at] + rest1 * g;
      const float v = beta2 * second[at] + rest2 * g * g;
      const float decayed = parameters[at] - parameters[at] * decay[at] * learningRate;
      moved[at] = decayed - stepSize * (m / (std::sqrt(v) * rootScale + epsilon));
      nextFirst[at] = m;
      nextSecond[at] = v;
    }
  });
}

}  // namespace

void registerAdamW() { registerOperation("WardroundAdamW", 6, 3, adamW); }
