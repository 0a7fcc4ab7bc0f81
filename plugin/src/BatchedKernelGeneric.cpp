#define GENMD_LANES 2
#include "BatchedKernelBody.h"

const OpenMM::BatchedKernel OpenMM::BatchedKernelGeneric = {"generic", GENMD_LANES, evaluateBlock, findKnown};
