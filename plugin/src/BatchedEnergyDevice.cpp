#include "BatchedEnergyDevice.h"
#include "genmd/BatchedEnergyKernel.h"
#include "openmm/OpenMMException.h"
#include "openmm/VerletIntegrator.h"
#include "openmm/internal/ContextImpl.h"
#include <algorithm>
#include <map>
#include <stdexcept>

using namespace OpenMM;
using namespace std;

namespace OpenMM {

/** Creates the kernel with its Context, and ends it before: an Integrator is told of both. */
class KernelOwner : public VerletIntegrator {
public:
    KernelOwner() : VerletIntegrator(0.001) {
    }
    BatchedEnergyKernel& getKernel() {
        return kernel.getAs<BatchedEnergyKernel>();
    }

protected:
    void initialize(ContextImpl& context) override {
        VerletIntegrator::initialize(context);
        kernel = context.getPlatform().createKernel(BatchedEnergyKernel::Name(), context);
    }
    void cleanup() override {
        kernel = Kernel();
        VerletIntegrator::cleanup();
    }

private:
    Kernel kernel;
};

} // namespace OpenMM

static string listPlatformsWithKernel() {
    string names;
    for (int i = 0; i < Platform::getNumPlatforms(); i++)
        if (Platform::getPlatform(i).supportsKernels({BatchedEnergyKernel::Name()}))
            names += (names.empty() ? "" : ", ") + Platform::getPlatform(i).getName();
    return names.empty() ? "none here" : names;
}

static map<string, string> getDoublePrecision(const Platform& platform) {
    const vector<string>& known = platform.getPropertyNames();
    if (find(known.begin(), known.end(), "Precision") == known.end())
        return {};
    return {{"Precision", "double"}};
}

BatchedEnergyDevice::BatchedEnergyDevice(const BatchedTerms& terms, Platform& platform)
    : platform(platform), owner(new KernelOwner()) {
    if (!platform.supportsKernels({BatchedEnergyKernel::Name()}))
        throw invalid_argument("platform " + platform.getName() +
                               " has no kernel for energies of many conformations; " +
                               "platforms that have: " + listPlatformsWithKernel() +
                               ". Without a platform they are evaluated by the processor's vector instructions");
    system.addParticle(1.0);
    try {
        context.reset(new Context(system, *owner, platform, getDoublePrecision(platform)));
    } catch (const exception& error) {
        throw invalid_argument("platform " + platform.getName() +
                               " cannot be used in double precision, which BatchedEnergy needs: " + error.what());
    }
    owner->getKernel().initialize(terms);
}

BatchedEnergyDevice::~BatchedEnergyDevice() {
}

Platform& BatchedEnergyDevice::getPlatform() const {
    return platform;
}

void BatchedEnergyDevice::evaluate(const double* positions, int count, double* energies) {
    lock_guard<mutex> lock(inUse);
    owner->getKernel().evaluate(positions, count, energies);
}
