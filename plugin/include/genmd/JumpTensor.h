#ifndef OPENMM_JUMPTENSOR_H_
#define OPENMM_JUMPTENSOR_H_

#include <memory>

namespace OpenMM {

/**
 * Positions of some particles in the memory of a device, as an array of doubles of shape (n, 3) in nm. Everything that
 * wrote them is done. The numbers of the devices are those of DLPack.
 */
struct JumpTensor {
    enum Device { None = 0, Cpu = 1, Cuda = 2, Rocm = 10 };
    Device device = None;
    /** Which of the devices of this kind. */
    int deviceIndex = 0;
    void* data = nullptr;
    int numParticles = 0;
    /** Keeps the memory alive. */
    std::shared_ptr<void> owner;
};

} // namespace OpenMM

#endif /*OPENMM_JUMPTENSOR_H_*/
