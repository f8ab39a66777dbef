void registerGelu();
void registerLayerNorm();
void registerSoftmax();
void registerAdamW();
void registerL2Norm();
void registerHeads();

// Called once, by whoever loads this library.
extern "C" __attribute__((visibility("default"))) void registerWardroundOperations() {
  registerGelu();
  registerLayerNorm();
  registerSoftmax();
  registerAdamW();
  registerL2Norm();
  registerHeads();
}
