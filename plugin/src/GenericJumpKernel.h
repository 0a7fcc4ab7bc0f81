#ifndef OPENMM_GENERICJUMPKERNEL_H_
#define OPENMM_GENERICJUMPKERNEL_H_

#include "genmd/JumpKernel.h"
#include "genmd/MovedMolecules.h"
#include "genmd/OverlapFinder.h"
#include <memory>

namespace OpenMM {

/**
 * The JumpKernel that works on every platform, through ContextImpl alone: all positions pass through host memory.
 */
class GenericJumpKernel : public JumpKernel {
public:
    explicit GenericJumpKernel(const Platform& platform);
    void initialize(const System& system, const std::vector<int>& particles);
    double begin(ContextImpl& context, int groups, bool needForces);
    void getPositions(const std::vector<int>& indices, std::vector<Vec3>& positions) const;
    double evaluateCandidate(ContextImpl& context, const std::vector<Vec3>& positions);
    bool hasOverlap(ContextImpl& context);
    void accept(ContextImpl& context);
    void end(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random);

private:
    void project(ContextImpl& context, std::vector<Vec3>& velocities, double tolerance) const;
    std::vector<Vec3> drawVelocities(ContextImpl& context, const std::vector<int>& redrawn,
                                     const VelocityTransfer& transfer, JumpRandom& random) const;
    std::vector<Vec3> computeForceChange(ContextImpl& context, const std::vector<Vec3>& displaced, bool usesAllForces);
    std::vector<Vec3> computeBondedForceChange(ContextImpl& context, BondedForces& bondedForces,
                                               const std::vector<Vec3>& displaced);
    void addKicks(ContextImpl& context, const std::vector<int>& redrawn, const VelocityTransfer& transfer,
                  std::vector<Vec3>& velocities);
    void transferVelocities(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random);
    std::vector<int> particles;
    std::vector<double> masses;
    std::unique_ptr<MovedMolecules> molecules;
    std::unique_ptr<OverlapFinder> overlapFinder;
    std::vector<Vec3> start, startForces, current, currentForces, candidate;
    int groups;
    bool needForces, contextHoldsCurrent, hasMoved;
};

} // namespace OpenMM

#endif /*OPENMM_GENERICJUMPKERNEL_H_*/
