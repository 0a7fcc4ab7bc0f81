#ifndef OPENMM_GENMD_COMMONJUMPKERNEL_H_
#define OPENMM_GENMD_COMMONJUMPKERNEL_H_

#include "DeviceOverlapFinder.h"
#include "KeptForces.h"
#include "KeptPositions.h"
#include "KeptVelocities.h"
#include "ParticleList.h"
#include "PositionTensor.h"
#include "genmd/JumpKernel.h"
#include "genmd/MovedMolecules.h"
#include "openmm/common/ComputeContext.h"
#include <memory>
#include <vector>

namespace OpenMM {

/**
 * The JumpKernel for OpenCL, CUDA and HIP: the state stays on the device, and only the particles that are asked for,
 * moved, or get fresh velocities cross to the host or back.
 */
class CommonJumpKernel : public JumpKernel {
public:
    /**
     * @param locate   says where an array of the platform is, or null; see PositionTensor
     */
    CommonJumpKernel(const Platform& platform, ComputeContext& cc, ArrayLocator locate);
    void initialize(const System& system, const std::vector<int>& particles);
    double begin(ContextImpl& context, int groups, bool needForces);
    void getPositions(const std::vector<int>& indices, std::vector<Vec3>& positions) const;
    JumpTensor getTensor(const std::vector<int>& indices);
    double evaluateCandidate(ContextImpl& context, const std::vector<Vec3>& positions);
    bool hasOverlap(ContextImpl& context);
    void accept(ContextImpl& context);
    void end(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random);

private:
    std::vector<Vec3> drawVelocities(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random);
    std::vector<Vec3> computeForces(ContextImpl& context, const std::vector<Vec3>& displacements, bool usesAllForces);
    std::vector<Vec3> evaluateForces(ContextImpl& context, const std::vector<Vec3>& displacements);
    void addKicks(ContextImpl& context, const VelocityTransfer& transfer, std::vector<Vec3>& drawn);
    void transferVelocities(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random);
    ComputeContext& cc;
    std::unique_ptr<MovedMolecules> molecules;
    std::unique_ptr<KeptPositions> current;
    std::unique_ptr<KeptVelocities> velocities;
    std::unique_ptr<KeptForces> startForces, currentForces, displacedForces;
    std::unique_ptr<DeviceOverlapFinder> overlapFinder;
    ArrayLocator locate;
    std::unique_ptr<PositionTensor> tensor;
    ParticleList moved, redrawn, members;
    mutable ParticleList asked;
    std::vector<Vec3> startPositions;
    int groups;
    bool needForces, contextHoldsCurrent, hasBegun, hasMoved;
};

} // namespace OpenMM

#endif /*OPENMM_GENMD_COMMONJUMPKERNEL_H_*/
