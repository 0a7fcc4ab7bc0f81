#if defined(__x86_64__)

#define GENMD_LANES 4
#include "BatchedKernelBody.h"

const OpenMM::BatchedKernel OpenMM::BatchedKernelAvx2 = {"AVX2", GENMD_LANES, evaluateBlock, findKnown};

#endif
