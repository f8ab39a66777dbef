// Copies a tensor's numbers into an array that the program has. The binding's own way to read makes a new array each time,
// which for a model's gradient keeps the garbage collector as busy as the processor.
#include <cstring>

#include "tensorflow/c/eager/c_api.h"
#include "tfjs_backend.h"

namespace {

// The binding keeps its tensors to itself. An explicit instantiation may name what is private.
using Handles = std::unordered_map<int32_t, TFE_TensorHandle*>;
Handles& handlesOf(tfnodejs::TFJSBackend& backend);
template <Handles tfnodejs::TFJSBackend::*member>
struct Private {
  friend Handles& handlesOf(tfnodejs::TFJSBackend& backend) { return backend.*member; }
};
template struct Private<&tfnodejs::TFJSBackend::tfe_handle_map_>;

// The tensor of that number, or null with an error in `status`. The caller deletes it.
TF_Tensor* tensorOf(tfnodejs::TFJSBackend& backend, int32_t number, TF_Status* status) {
  const auto& handles = handlesOf(backend);
  const auto found = handles.find(number);
  if (found != handles.end()) return TFE_TensorHandleResolve(found->second, status);
  TF_SetStatus(status, TF_NOT_FOUND, "there is no tensor of that number");
  return nullptr;
}

}  // namespace

// copyTensor(number, Float32Array): all of the tensor's numbers, of which the array must have as many.
extern "C" __attribute__((visibility("default"))) napi_value copyTensor(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  int32_t number = 0;
  napi_typedarray_type type;
  size_t length = 0;
  void* target = nullptr;
  void* backend = nullptr;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count != 2 ||
      napi_get_value_int32(env, arguments[0], &number) != napi_ok ||
      napi_get_typedarray_info(env, arguments[1], &type, &length, &target, nullptr, nullptr) != napi_ok ||
      type != napi_float32_array || napi_get_instance_data(env, &backend) != napi_ok || backend == nullptr) {
    napi_throw_type_error(env, nullptr, "Cannot copy a tensor: its number and a Float32Array are needed.");
    return nullptr;
  }
  TF_Status* status = TF_NewStatus();
  TF_Tensor* tensor = tensorOf(*static_cast<tfnodejs::TFJSBackend*>(backend), number, status);
  if (tensor == nullptr || TF_TensorType(tensor) != TF_FLOAT || TF_TensorByteSize(tensor) != length * sizeof(float)) {
    napi_throw_type_error(env, nullptr, "Cannot copy a tensor: it must be of float32 and of the array's size.");
  } else {
    std::memcpy(target, TF_TensorData(tensor), length * sizeof(float));
  }
  if (tensor != nullptr) TF_DeleteTensor(tensor);
  TF_DeleteStatus(status);
  return nullptr;
}
