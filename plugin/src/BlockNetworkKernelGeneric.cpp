#define GENMD_LANES 2
#include "BlockNetworkKernelBody.h"

const OpenMM::BlockNetworkKernel OpenMM::BlockNetworkKernelGeneric = {"generic", GENMD_LANES, encodeBlock, drawBlock,
                                                                      weighBlock};
