#include "operation.h"

#include <cstdio>
#include <cstdlib>
#include <string>

Run::Run(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {
  for (int index = 0; index < TF_NumInputs(context) && ok(); ++index) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context, index, &tensor, status_);
    if (ok()) tensors_.push_back(tensor);
  }
}

Run::~Run() {
  if (!ok()) TF_OpKernelContext_Failure(context_, status_);
  for (TF_Tensor* tensor : tensors_) TF_DeleteTensor(tensor);
  TF_DeleteStatus(status_);
}

const float* Run::input(int index, int64_t expected) {
  if (ok() && count(index) != expected) {
    const std::string found = std::to_string(count(index));
    const std::string message =
        "input " + std::to_string(index) + " must have " + std::to_string(expected) + " numbers, found " + found;
    TF_SetStatus(status_, TF_INVALID_ARGUMENT, message.c_str());
  }
  return ok() ? static_cast<const float*>(TF_TensorData(tensors_[index])) : nullptr;
}

int64_t Run::count(int index) const { return ok() ? TF_TensorElementCount(tensors_[index]) : 0; }

int64_t Run::width(int index) const {
  const int rank = ok() ? TF_NumDims(tensors_[index]) : 0;
  return rank == 0 ? 1 : TF_Dim(tensors_[index], rank - 1);
}

float* Run::outputLike(int index, int input) {
  if (!ok()) return nullptr;
  std::vector<int64_t> shape;
  for (int axis = 0; axis < TF_NumDims(tensors_[input]); ++axis) shape.push_back(TF_Dim(tensors_[input], axis));
  const size_t bytes = TF_TensorElementCount(tensors_[input]) * sizeof(float);
  TF_Tensor* made = TF_AllocateOutput(context_, index, TF_FLOAT, shape.data(), shape.size(), bytes, status_);
  if (!ok()) return nullptr;
  tensors_.push_back(made);
  return static_cast<float*>(TF_TensorData(made));
}

float* Run::output(int index, std::initializer_list<int64_t> shape) {
  if (!ok()) return nullptr;
  size_t bytes = sizeof(float);
  for (int64_t size : shape) bytes *= size;
  TF_Tensor* made = TF_AllocateOutput(context_, index, TF_FLOAT, shape.begin(), shape.size(), bytes, status_);
  if (!ok()) return nullptr;
  tensors_.push_back(made);
  return static_cast<float*>(TF_TensorData(made));
}

namespace {

void* keepCompute(TF_OpKernelConstruction*) { return nullptr; }

// One function a kernel, because TensorFlow hands a kernel's function nothing that would tell kernels apart at this point.
constexpr int mostKernels = 16;
void (*computes[mostKernels])(Run&);

template <int index>
void runKernel(void*, TF_OpKernelContext* context) {
  Run run(context);
  if (run.ok()) computes[index](run);
}

template <int... indexes>
auto runners(std::integer_sequence<int, indexes...>) {
  static void (*all[])(void*, TF_OpKernelContext*) = {runKernel<indexes>...};
  return all;
}

void orExit(TF_Status* status) {
  if (TF_GetCode(status) == TF_OK) return;
  std::fprintf(stderr, "Cannot register a TensorFlow operation: %s\n", TF_Message(status));
  std::abort();
}

}  // namespace

void registerOperation(const char* name, int inputs, int outputs, void (*compute)(Run&)) {
  static int registered = 0;
  const int index = registered++;
  computes[index] = compute;
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name);
  for (int at = 0; at < inputs; ++at) {
    TF_OpDefinitionBuilderAddInput(definition, ("x" + std::to_string(at) + ": float").c_str());
  }
  for (int at = 0; at < outputs; ++at) {
    TF_OpDefinitionBuilderAddOutput(definition, ("y" + std::to_string(at) + ": float").c_str());
  }
  TF_RegisterOpDefinition(definition, status);
  orExit(status);
  auto* runner = runners(std::make_integer_sequence<int, mostKernels>())[index];
  TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", keepCompute, runner, nullptr), status);
  orExit(status);
  TF_DeleteStatus(status);
}
