#include "DeviceKernelFactory.h"
#include "openmm/opencl/OpenCLContext.h"

using namespace OpenMM;

GENMD_EXPORT_ENTRY void registerPlatforms() {
}

GENMD_EXPORT_ENTRY void registerKernelFactories() {
    DeviceKernelFactory<OpenCLPlatform::PlatformData>::registerFor("OpenCL");
}
