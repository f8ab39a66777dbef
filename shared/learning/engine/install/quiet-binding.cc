// The addon that Node loads in place of tfjs-node's own, which lies beside it, as do this project's own operations. It
// exports `open(threads)`, which gives the calling thread a binding of its own: several threads of a program may compute
// side by side, each with so many threads of TensorFlow. Opening again in the same thread is refused.
//
// TensorFlow writes notices to standard error while its library loads, before any of its log settings count. A program
// that prints results has no use for them, so standard error is away for that moment; errors of the loader are thrown.
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <string>

namespace {

// Where this addon lies, with a slash at the end.
std::string folderOfThis() {
  Dl_info self;
  dladdr(reinterpret_cast<void*>(&folderOfThis), &self);
  const std::string file(self.dli_fname);
  return file.substr(0, file.rfind('/') + 1);
}

template <typename Function>
Function* find(void* library, const char* name) {
  return library == nullptr ? nullptr : reinterpret_cast<Function*>(dlsym(library, name));
}

// A program's second thread finds both libraries loaded.
struct Libraries {
  void* binding = nullptr;
  void* operations = nullptr;
  std::string problem;
};

void* loadQuietly(const std::string& file) {
  const int kept = dup(STDERR_FILENO);
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (kept >= 0 && nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  void* library = dlopen(file.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (kept >= 0) {
    dup2(kept, STDERR_FILENO);
    close(kept);
  }
  if (nowhere >= 0) close(nowhere);
  return library;
}

// This project's own operations need vector instructions that servers have had since 2013. Without them all still works.
void* loadOperations(const std::string& folder) {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return nullptr;
  void* library = dlopen((folder + "libwardround_operations.so").c_str(), RTLD_LAZY | RTLD_LOCAL);
  auto* const registerAll = find<void()>(library, "registerWardroundOperations");
  if (registerAll == nullptr) return nullptr;
  registerAll();
  return library;
}

const Libraries& libraries() {
  static Libraries loaded;
  static std::once_flag once;
  std::call_once(once, [] {
    // TensorFlow reads them while its library loads; what a worker thread of Node sets does not reach it. The first one gives
    // each context threads of its own instead of a share of one pool, the second warns of errors only.
    setenv("TF_OVERRIDE_GLOBAL_THREADPOOL", "1", 0);
    setenv("TF_CPP_MIN_LOG_LEVEL", "2", 0);
    const std::string folder = folderOfThis();
    loaded.binding = loadQuietly(folder + "libtfjs_binding.so");
    if (loaded.binding == nullptr) {
      const char* problem = dlerror();
      loaded.problem = problem == nullptr ? "" : problem;
      return;
    }
    loaded.operations = loadOperations(folder);
  });
  return loaded;
}

napi_value openBinding(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  int32_t threads = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count != 1 || napi_get_value_int32(env, argument, &threads) != napi_ok || threads < 1 || threads > 1024) {
    napi_throw_range_error(env, nullptr, "Cannot open TensorFlow: a number of threads from 1 to 1024 is needed.");
    return nullptr;
  }
  void* opened = nullptr;
  napi_get_instance_data(env, &opened);
  if (opened != nullptr) {
    napi_throw_error(env, nullptr, "Cannot open TensorFlow: this thread has opened it already.");
    return nullptr;
  }
  const auto& [binding, operations, problem] = libraries();
  auto* const init = find<napi_value(napi_env, napi_value)>(binding, "napi_register_module_v1");
  auto* const setContextThreads = find<void(int)>(binding, "setContextThreads");
  if (init == nullptr || setContextThreads == nullptr) {
    napi_throw_error(env, "ERR_DLOPEN_FAILED", problem.c_str());
    return nullptr;
  }
  setContextThreads(threads);
  if (auto* const setOperationThreads = find<void(int)>(operations, "setOperationThreads")) setOperationThreads(threads);
  napi_value exports;
  napi_create_object(env, &exports);
  napi_value opening = init(env, exports);
  if (opening == nullptr) return nullptr;
  napi_value fused;
  napi_get_boolean(env, operations != nullptr, &fused);
  napi_set_named_property(env, opening, "hasWardroundOperations", fused);
  if (auto* const copyTensor = find<napi_value(napi_env, napi_callback_info)>(binding, "copyTensor")) {
    napi_value copy;
    napi_create_function(env, "copyTensor", NAPI_AUTO_LENGTH, copyTensor, nullptr, &copy);
    napi_set_named_property(env, opening, "copyTensor", copy);
  }
  return opening;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value open;
  napi_create_function(env, "open", NAPI_AUTO_LENGTH, openBinding, nullptr, &open);
  napi_set_named_property(env, exports, "open", open);
  return exports;
}
