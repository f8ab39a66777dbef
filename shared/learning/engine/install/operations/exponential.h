// e^x in the form that compilers turn into vector instructions.
#pragma once

#include <cstdint>
#include <cstring>

// Within 2 units in the last place; 0 below -87, where float32 has no normal numbers left, and not a number where x is none.
inline float exponential(float x) {
  const float inside = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
  // e^x = 2^k e^r with |r| at most half of ln 2, which is taken off in two parts to lose no digits.
  const float k = __builtin_rintf(inside * 1.44269504f);
  const float r = (inside - k * 0.693359375f) + k * 2.12194440e-4f;
  // Taylor's polynomial.
  const float p =
      1.0f + r * (1.0f + r * (1.0f / 2 + r * (1.0f / 6 + r * (1.0f / 24 + r * (1.0f / 120 + r * (1.0f / 720 + r / 5040))))));
  // Float32 keeps its exponent there, plus 127.
  const int32_t bits = (static_cast<int32_t>(k) + 127) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return x < -87.0f ? 0.0f : p * power;
}
