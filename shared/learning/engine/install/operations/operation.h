// A TensorFlow operation of this project, on float tensors in the processor's memory.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

// One run of an operation. Any problem fails the run, and TensorFlow's caller gets it as an error.
class Run {
 public:
  explicit Run(TF_OpKernelContext* context);
  ~Run();
  Run(const Run&) = delete;

  bool ok() const { return TF_GetCode(status_) == TF_OK; }
  // The numbers of an input that must hold `count` of them; null when it does not.
  const float* input(int index, int64_t count);
  const float* input(int index) { return input(index, count(index)); }
  int64_t count(int index) const;
  // The last dimension of an input; 1 where it has none.
  int64_t width(int index) const;
  // Allocates an output of the shape of an input, or of `shape`.
  float* outputLike(int index, int input);
  float* output(int index, std::initializer_list<int64_t> shape);

 private:
  TF_OpKernelContext* const context_;
  TF_Status* const status_;
  std::vector<TF_Tensor*> tensors_;
};

// Registers an operation under its name with so many inputs and outputs.
void registerOperation(const char* name, int inputs, int outputs, void (*compute)(Run&));
