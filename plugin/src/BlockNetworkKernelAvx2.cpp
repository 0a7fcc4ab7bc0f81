#if defined(__x86_64__)

#define GENMD_LANES 4
#include "BlockNetworkKernelBody.h"

const OpenMM::BlockNetworkKernel OpenMM::BlockNetworkKernelAvx2 = {"AVX2", GENMD_LANES, encodeBlock, drawBlock,
                                                                   weighBlock};

#endif
