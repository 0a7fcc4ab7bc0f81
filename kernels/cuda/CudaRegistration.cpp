#include "JumpKernelFactory.h"
#include "openmm/cuda/CudaContext.h"

using namespace OpenMM;

GENMD_EXPORT_ENTRY void registerPlatforms() {
}

GENMD_EXPORT_ENTRY void registerKernelFactories() {
    JumpKernelFactory<CudaPlatform::PlatformData>::registerFor("CUDA");
}
