// The addon that Node loads in place of tfjs-node's own, which lies beside it, as do this project's own operations.
//
// TensorFlow writes notices to standard error while its library loads, before any of its log settings count. A program
// that prints results has no use for them, so standard error is away for that moment; errors of the loader are thrown.
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

#include <mutex>
#include <string>

namespace {

// This project's own operations need vector instructions that servers have had since 2013. Without them all still works.
bool registerOperations(const std::string& folder) {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return false;
  void* library = dlopen((folder + "libwardround_operations.so").c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) return false;
  auto* const registerAll = reinterpret_cast<void (*)()>(dlsym(library, "registerWardroundOperations"));
  if (registerAll == nullptr) return false;
  // A second thread of the same program finds them registered.
  static std::once_flag once;
  std::call_once(once, registerAll);
  return true;
}

}  // namespace

NAPI_MODULE_INIT() {
  Dl_info self;
  dladdr(reinterpret_cast<void*>(&napi_register_module_v1), &self);
  const std::string file(self.dli_fname);
  const std::string folder = file.substr(0, file.rfind('/') + 1);

  const int kept = dup(STDERR_FILENO);
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (kept >= 0 && nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  void* library = dlopen((folder + "libtfjs_binding.so").c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (kept >= 0) {
    dup2(kept, STDERR_FILENO);
    close(kept);
  }
  if (nowhere >= 0) close(nowhere);

  const auto init = library == nullptr
                        ? nullptr
                        : reinterpret_cast<napi_addon_register_func>(dlsym(library, "napi_register_module_v1"));
  if (init == nullptr) {
    napi_throw_error(env, "ERR_DLOPEN_FAILED", dlerror());
    return exports;
  }
  napi_value binding = init(env, exports);
  napi_value fused;
  napi_get_boolean(env, registerOperations(folder), &fused);
  napi_set_named_property(env, binding, "hasWardroundOperations", fused);
  return binding;
}
