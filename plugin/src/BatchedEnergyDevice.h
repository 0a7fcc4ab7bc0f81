#ifndef OPENMM_BATCHEDENERGYDEVICE_H_
#define OPENMM_BATCHEDENERGYDEVICE_H_

#include "genmd/BatchedTerms.h"
#include "openmm/Context.h"
#include "openmm/Platform.h"
#include <memory>
#include <mutex>

namespace OpenMM {

class KernelOwner;

/**
 * A BatchedEnergyKernel with a Context of its own, in double precision, which exists for the sake of its device.
 */
class BatchedEnergyDevice {
public:
    /**
     * Throws a std::invalid_argument if the platform has no such kernel, or if its device cannot be used in double
     * precision.
     */
    BatchedEnergyDevice(const BatchedTerms& terms, Platform& platform);
    ~BatchedEnergyDevice();
    Platform& getPlatform() const;
    /** Evaluate energies; calls by several threads wait for each other. */
    void evaluate(const double* positions, int count, double* energies);

private:
    Platform& platform;
    System system;
    std::unique_ptr<KernelOwner> owner;
    std::unique_ptr<Context> context;
    std::mutex inUse;
};

} // namespace OpenMM

#endif /*OPENMM_BATCHEDENERGYDEVICE_H_*/
