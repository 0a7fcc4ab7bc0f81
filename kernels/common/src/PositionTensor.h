#ifndef OPENMM_GENMD_POSITIONTENSOR_H_
#define OPENMM_GENMD_POSITIONTENSOR_H_

#include "KeptPositions.h"
#include "ParticleList.h"
#include "genmd/JumpTensor.h"
#include "openmm/common/ComputeArray.h"
#include "openmm/common/ComputeContext.h"
#include <functional>

namespace OpenMM {

/** Says where an array of a platform is, in the terms of DLPack. */
typedef std::function<JumpTensor(ComputeContext&, ArrayInterface&)> ArrayLocator;

/**
 * Positions of some particles as doubles on the device, for proposers that want tensors. Needs a device with double
 * precision.
 */
class PositionTensor {
public:
    /**
     * @param locate   says where the array is; null if other programs cannot use this platform's arrays. Then tensors
     * are copied to the host.
     */
    PositionTensor(ComputeContext& cc, ArrayLocator locate);
    /** Get the kept positions of some particles. The memory on a device is used again by the next call. */
    JumpTensor make(KeptPositions& positions, ParticleList& particles);

private:
    ComputeContext& cc;
    ArrayLocator locate;
    ComputeKernel kernel;
    ComputeArray shifts, tensor;
};

} // namespace OpenMM

#endif /*OPENMM_GENMD_POSITIONTENSOR_H_*/
