#include "BatchedKernel.h"

using namespace OpenMM;

int OpenMM::getBatchedKernels(const BatchedKernel* kernels[3]) {
    int count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
        kernels[count++] = &BatchedKernelAvx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        kernels[count++] = &BatchedKernelAvx2;
#endif
    kernels[count++] = &BatchedKernelGeneric;
    return count;
}
