// How many threads TensorFlow's operations may use: chosen for each context, and the binding makes one for each thread of
// the program that opens it. tfjs-node's own source leaves it to TensorFlow, so its call comes here (compile-binding.ts).
#include "tensorflow/c/eager/c_api.h"

// TensorFlow would go on sharing one pool unless TF_OVERRIDE_GLOBAL_THREADPOOL is set when its library is loaded.
thread_local int contextThreads = 0;

extern "C" __attribute__((visibility("default"))) void setContextThreads(int threads) { contextThreads = threads; }

#undef TFE_NewContext
extern "C" TFE_Context* TFE_NewContext(const TFE_ContextOptions* options, TF_Status* status);

extern "C" TFE_Context* newContextWithThreads(const TFE_ContextOptions* options, TF_Status* status) {
  // The message ConfigProto with its field 2, intra_op_parallelism_threads, as a number of two bytes.
  const unsigned char config[] = {2 << 3, static_cast<unsigned char>(0x80 | (contextThreads & 0x7f)),
                                  static_cast<unsigned char>((contextThreads >> 7) & 0x7f)};
  TFE_ContextOptionsSetConfig(const_cast<TFE_ContextOptions*>(options), config, sizeof config, status);
  return TF_GetCode(status) == TF_OK ? TFE_NewContext(options, status) : nullptr;
}
