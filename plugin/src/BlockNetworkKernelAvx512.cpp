#if defined(__x86_64__)

#define GENMD_LANES 8
#include "BlockNetworkKernelBody.h"

const OpenMM::BlockNetworkKernel OpenMM::BlockNetworkKernelAvx512 = {"AVX-512", GENMD_LANES, encodeBlock, drawBlock,
                                                                     weighBlock};

#endif
