#ifndef OPENMM_GENMD_DEVICEKERNELFACTORY_H_
#define OPENMM_GENMD_DEVICEKERNELFACTORY_H_

#include "CommonBatchedEnergy.h"
#include "CommonJumpKernel.h"
#include "openmm/KernelFactory.h"
#include "openmm/OpenMMException.h"
#include "openmm/Platform.h"
#include <string>

/* Visibility of a kernel library's two entry points. OpenMM looks for them in the libraries that it depends on as
 * well, where it would find those of the platform itself. */
#ifdef _MSC_VER
#define GENMD_EXPORT_ENTRY extern "C" __declspec(dllexport)
#else
#define GENMD_EXPORT_ENTRY extern "C" __attribute__((visibility("default")))
#endif

namespace OpenMM {

/** Creates kernels for a platform; PlatformData is what the platform attaches to its Contexts. */
template <class PlatformData> class DeviceKernelFactory : public KernelFactory {
public:
    /**
     * @param locate   says where an array of the platform is; null if no other program can use it there
     */
    explicit DeviceKernelFactory(ArrayLocator locate) : locate(locate) {
    }
    KernelImpl* createKernelImpl(std::string name, const Platform& platform, ContextImpl& context) const {
        // Positions and velocities of a simulation on several devices are those of the first.
        PlatformData& data = *static_cast<PlatformData*>(context.getPlatformData());
        if (name == JumpKernel::Name())
            return new CommonJumpKernel(platform, *data.contexts[0], locate);
        if (name == BatchedEnergyKernel::Name())
            return new CommonBatchedEnergy(platform, *data.contexts[0]);
        throw OpenMMException("Tried to create kernel with illegal kernel name '" + name + "'");
    }
    /** Make the platform of a given name use this class, if it exists in this process. */
    static void registerFor(const std::string& platformName, ArrayLocator locate = nullptr) {
        for (int i = 0; i < Platform::getNumPlatforms(); i++)
            if (Platform::getPlatform(i).getName() == platformName)
                for (const std::string& kernel : {JumpKernel::Name(), BatchedEnergyKernel::Name()})
                    Platform::getPlatform(i).registerKernelFactory(kernel, new DeviceKernelFactory(locate));
    }

private:
    ArrayLocator locate;
};

} // namespace OpenMM

#endif /*OPENMM_GENMD_DEVICEKERNELFACTORY_H_*/
