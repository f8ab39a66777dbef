/**
 * The Python wheels that TensorFlow's shared libraries come from, for Linux on x64. Any Python's wheel holds the same
 * libraries, so one is pinned. The CUDA set is what `tensorflow[and-cuda]` 2.21 asks for, at CUDA 12.8.
 */
import type { InstallableEngine } from './installed-engine.ts';

export interface Wheel {
  /** As on the package index; says the versions and platforms that the wheel is for. */
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export const wheelTensorFlowVersion = '2.21.0';

export const tensorFlowWheels: Record<InstallableEngine, readonly Wheel[]> = {
  native: [
    {
      file: 'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl',
      sizeBytes: 273829956,
      sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    },
  ],
  cuda: [
    {
      file: 'tensorflow-2.21.0-cp313-cp313-manylinux_2_27_x86_64.whl',
      sizeBytes: 572881074,
      sha256: 'e9d8da8dcab9650efb45f032ba70af2f016f907e6e0c6bda29dd101bba945406',
    },
    {
      file: 'nvidia_cublas_cu12-12.8.4.1-py3-none-manylinux_2_27_x86_64.whl',
      sizeBytes: 594346921,
      sha256: '8ac4e771d5a348c551b2a426eda6193c19aa630236b418086020df5ba9667142',
    },
    {
      file: 'nvidia_cuda_cupti_cu12-12.8.90-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
      sizeBytes: 10248621,
      sha256: 'ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182',
    },
    {
      file: 'nvidia_cuda_nvcc_cu12-12.9.86-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
      sizeBytes: 40546229,
      sha256: '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
    },
    {
      file: 'nvidia_cuda_nvrtc_cu12-12.8.93-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
      sizeBytes: 88040029,
      sha256: 'a7756528852ef889772a84c6cd89d41dfa74667e24cca16bb31f8f061e3e9994',
    },
    {
      file: 'nvidia_cuda_runtime_cu12-12.8.90-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
      sizeBytes: 954765,
      sha256: 'adade8dcbd0edf427b7204d480d6066d33902cab2a4707dcfc48a2d0fd44ab90',
    },
    {
      file: 'nvidia_cudnn_cu12-9.10.2.21-py3-none-manylinux_2_27_x86_64.whl',
      sizeBytes: 706758467,
      sha256: '949452be657fa16687d0930933f032835951ef0892b37d2d53824d1a84dc97a8',
    },
    {
      file: 'nvidia_cufft_cu12-11.3.3.83-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
      sizeBytes: 193118695,
      sha256: '4d2dd21ec0b88cf61b62e6b43564355e5222e4a3fb394cac0db101f2dd0d4f74',
    },
    {
      file: 'nvidia_curand_cu12-10.3.9.90-py3-none-manylinux_2_27_x86_64.whl',
      sizeBytes: 63619976,
      sha256: 'b32331d4f4df5d6eefa0554c565b626c7216f87a06a4f56fab27c3b68a830ec9',
    },
    {
      file: 'nvidia_cusolver_cu12-11.7.3.90-py3-none-manylinux_2_27_x86_64.whl',
      sizeBytes: 267506905,
      sha256: '4376c11ad263152bd50ea295c05370360776f8c3427b30991df774f9fb26c450',
    },
    {
      file: 'nvidia_cusparse_cu12-12.5.8.93-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
      sizeBytes: 288216466,
      sha256: '1ec05d76bbbd8b61b06a80e1eaf8cf4959c3d4ce8e711b65ebd0443bb0ebb13b',
    },
    {
      file: 'nvidia_nccl_cu12-2.28.9-py3-none-manylinux_2_18_x86_64.whl',
      sizeBytes: 296782137,
      sha256: '485776daa8447da5da39681af455aa3b2c2586ddcf4af8772495e7c532c7e5ab',
    },
    {
      file: 'nvidia_nvjitlink_cu12-12.8.93-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
      sizeBytes: 39254836,
      sha256: '81ff63371a7ebd6e6451970684f916be2eab07321b73c9d244dc2b4da7f73b88',
    },
  ],
};
