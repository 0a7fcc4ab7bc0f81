#include "DeviceKernelFactory.h"
#include "openmm/cuda/CudaContext.h"

using namespace OpenMM;

/** OpenMM computes in the device's primary context, which is also that of torch. */
static JumpTensor locate(ComputeContext& cc, ArrayInterface& array) {
    CudaContext& context = dynamic_cast<CudaContext&>(cc);
    JumpTensor tensor;
    tensor.device = JumpTensor::Cuda;
    tensor.deviceIndex = context.getDeviceIndex();
    tensor.data = reinterpret_cast<void*>(context.unwrap(array).getDevicePointer());
    return tensor;
}

GENMD_EXPORT_ENTRY void registerPlatforms() {
}

GENMD_EXPORT_ENTRY void registerKernelFactories() {
    DeviceKernelFactory<CudaPlatform::PlatformData>::registerFor("CUDA", &locate);
}
