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
    void accept(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random);
    void end(ContextImpl& context);

private:
    void findConstraintClusters(const System& system);
    std::vector<bool> selectRedrawn() const;
    void transferVelocities(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random);
    std::vector<int> particles;
    std::vector<double> masses;
    std::vector<std::vector<int>> clusters;
    std::vector<int> clusterOf;
    std::unique_ptr<OverlapFinder> overlapFinder;
    std::vector<Vec3> current, candidate, currentForces;
    int groups;
    bool needForces, contextHoldsCurrent;
};

} // namespace OpenMM

#endif /*OPENMM_GENERICJUMPKERNEL_H_*/
