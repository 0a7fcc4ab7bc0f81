#ifndef OPENMM_GENMD_DEVICEOVERLAPFINDER_H_
#define OPENMM_GENMD_DEVICEOVERLAPFINDER_H_

#include "ParticleList.h"
#include "genmd/OverlapFinder.h"
#include "openmm/Vec3.h"
#include "openmm/common/ComputeArray.h"
#include "openmm/common/ComputeContext.h"
#include <vector>

namespace OpenMM {

/** Applies the criterion of an OverlapFinder to the positions that a Context has at the moment, on its device. */
class DeviceOverlapFinder {
public:
    DeviceOverlapFinder(ComputeContext& cc, const OverlapFinder& criterion);
    /** Get whether a moved particle overlaps with any other; periodic says whether images count. */
    bool hasOverlap(bool periodic);

private:
    void uploadExceptions(const OverlapFinder& criterion);
    void compileKernels();
    void setReal(int argument, double value);
    void setVector(int argument, const Vec3& value);
    double findReach(bool periodic, const Vec3* box);
    ComputeContext& cc;
    ParticleList moved;
    double largestRadius;
    ComputeKernel collectKernel, findKernel;
    ComputeArray radii, positions, firstException, exceptions, found;
};

} // namespace OpenMM

#endif /*OPENMM_GENMD_DEVICEOVERLAPFINDER_H_*/
