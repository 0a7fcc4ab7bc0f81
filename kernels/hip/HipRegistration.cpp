#include "DeviceKernelFactory.h"
#include "openmm/hip/HipContext.h"

using namespace OpenMM;

GENMD_EXPORT_ENTRY void registerPlatforms() {
}

GENMD_EXPORT_ENTRY void registerKernelFactories() {
    DeviceKernelFactory<HipPlatform::PlatformData>::registerFor("HIP");
}
