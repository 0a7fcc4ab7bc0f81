#ifndef OPENMM_GENERICJUMPKERNEL_H_
#define OPENMM_GENERICJUMPKERNEL_H_

#include "OverlapFinder.h"
#include "genmd/JumpKernel.h"
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
    std::vector<bool> selectRedrawn(ContextImpl& context) const;
    std::vector<Vec3> drawVelocities(ContextImpl& context, const std::vector<bool>& redrawn,
                                     const VelocityTransfer& transfer, JumpRandom& random) const;
    bool keepsAny(const std::vector<bool>& redrawn) const;
    std::vector<Vec3> getForces(ContextImpl& context, const std::vector<Vec3>& positions) const;
    void transferVelocities(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random);
    std::vector<int> particles;
    std::vector<double> masses;
    std::unique_ptr<OverlapFinder> overlapFinder;
    std::vector<Vec3> start, startForces, current, candidate;
    int groups;
    bool contextHoldsCurrent, hasMoved;
};

} // namespace OpenMM

#endif /*OPENMM_GENERICJUMPKERNEL_H_*/
