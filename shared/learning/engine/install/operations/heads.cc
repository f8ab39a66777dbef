// Between the wide rows of attention and its heads' own matrices.
#include <cstring>

#include "operation.h"
#include "parallel.h"

namespace {

constexpr int64_t rowsAtLeast = 64;

// rows [sequences * tokens, parts * heads * headWidth], [sequences, heads] -> each part as [heads * sequences, tokens,
// headWidth].
template <int parts>
void splitHeads(Run& run) {
  const int64_t columns = run.width(0);
  const int64_t rows = columns == 0 ? 0 : run.count(0) / columns;
  const float* wide = run.input(0);
  const float* given = run.input(1, 2);
  if (!run.ok()) return;
  const auto sequences = static_cast<int64_t>(given[0]);
  const auto heads = static_cast<int64_t>(given[1]);
  const int64_t tokens = rows / sequences;
  const int64_t headWidth = columns / parts / heads;
  float* split[parts];
  for (int part = 0; part < parts; ++part) split[part] = run.output(part, {heads * sequences, tokens, headWidth});
  if (!run.ok()) return;
  inParallel(rows, rowsAtLeast, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t sequence = row / tokens;
      const float* from = wide + row * columns;
      for (int part = 0; part < parts; ++part) {
        for (int64_t head = 0; head < heads; ++head, from += headWidth) {
          float* to = split[part] + ((head * sequences + sequence) * tokens + row % tokens) * headWidth;
          std::memcpy(to, from, headWidth * sizeof(float));
        }
      }
    }
  });
}

// The way back: parts [heads * sequences, tokens, headWidth] each, [sequences, heads] -> [sequences * tokens, parts * heads *
// headWidth].
template <int parts>
void mergeHeads(Run& run) {
  const int64_t count = run.count(0);
  const int64_t headWidth = run.width(0);
  const float* split[parts];
  for (int part = 0; part < parts; ++part) split[part] = run.input(part, count);
  const float* given = run.input(parts, 2);
  if (!run.ok()) return;
  const auto sequences = static_cast<int64_t>(given[0]);
  const auto heads = static_cast<int64_t>(given[1]);
  const int64_t rows = count / (heads * headWidth);
  const int64_t tokens = rows / sequences;
  const int64_t columns = parts * heads * headWidth;
  float* wide = run.output(0, {rows, columns});
  if (!run.ok()) return;
  inParallel(rows, rowsAtLeast, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t sequence = row / tokens;
      float* to = wide + row * columns;
      for (int part = 0; part < parts; ++part) {
        for (int64_t head = 0; head < heads; ++head, to += headWidth) {
          const float* from = split[part] + ((head * sequences + sequence) * tokens + row % tokens) * headWidth;
          std::memcpy(to, from, headWidth * sizeof(float));
        }
      }
    }
  });
}

}  // namespace

void registerHeads() {
  registerOperation("WardroundSplitHeads", 2, 1, splitHeads<1>);
  registerOperation("WardroundSplitThreeHeads", 2, 3, splitHeads<3>);
  registerOperation("WardroundMergeHeads", 2, 1, mergeHeads<1>);
  registerOperation("WardroundMergeThreeHeads", 4, 1, mergeHeads<3>);
}
