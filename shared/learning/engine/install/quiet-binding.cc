// The addon that Node loads in place of tfjs-node's own, which lies beside it.
//
// TensorFlow writes notices to standard error while its library loads, before any of its log settings count. A program
// that prints results has no use for them, so standard error is away for that moment; errors of the loader are thrown.
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

#include <string>

NAPI_MODULE_INIT() {
  Dl_info self;
  dladdr(reinterpret_cast<void*>(&napi_register_module_v1), &self);
  const std::string file(self.dli_fname);
  const std::string binding = file.substr(0, file.rfind('/') + 1) + "libtfjs_binding.so";

  const int kept = dup(STDERR_FILENO);
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (kept >= 0 && nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  void* library = dlopen(binding.c_str(), RTLD_LAZY | RTLD_LOCAL);
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
  return init(env, exports);
}
