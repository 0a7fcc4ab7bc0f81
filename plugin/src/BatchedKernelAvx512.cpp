#if defined(__x86_64__)

#define GENMD_LANES 8
#include "BatchedKernelBody.h"

const OpenMM::BatchedKernel OpenMM::BatchedKernelAvx512 = {"AVX-512", GENMD_LANES, evaluateBlock, findKnown};

#endif
