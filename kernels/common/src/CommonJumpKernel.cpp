#include "CommonJumpKernel.h"
#include "openmm/Integrator.h"
#include "openmm/OpenMMException.h"
#include "openmm/common/ContextSelector.h"
#include <map>

using namespace OpenMM;
using namespace std;

namespace {

/** Reaches a member that Integrator protects. */
struct Notified : public Integrator {
    using Integrator::stateChanged;
};

/** Tell the Context's integrator to forget what it knows of forces: they are overwritten. */
void notifyIntegrator(ContextImpl& context, bool velocitiesChanged) {
    Integrator& integrator = context.getIntegrator();
    (integrator.*(&Notified::stateChanged))(State::Positions);
    if (velocitiesChanged)
        (integrator.*(&Notified::stateChanged))(State::Velocities);
}

} // namespace

CommonJumpKernel::CommonJumpKernel(const Platform& platform, ComputeContext& cc, ArrayLocator locate)
    : JumpKernel(Name(), platform), cc(cc), locate(locate), moved(cc), redrawn(cc), members(cc), asked(cc), groups(-1),
      needForces(false), contextHoldsCurrent(true), hasBegun(false), hasMoved(false) {
}

void CommonJumpKernel::initialize(const System& system, const vector<int>& particles) {
    ContextSelector selector(cc);
    moved.set(particles);
    current.reset(new KeptPositions(cc, system, particles));
    overlapFinder.reset(new DeviceOverlapFinder(cc, OverlapFinder(system, particles)));
}

double CommonJumpKernel::begin(ContextImpl& context, int groups, bool needForces) {
    ContextSelector selector(cc);
    this->groups = groups;
    this->needForces = needForces;
    contextHoldsCurrent = true;
    hasMoved = false;
    hasBegun = true;
    double energy = context.calcForcesAndEnergy(needForces, true, groups);
    current->keep();
    if (needForces) {
        if (!startForces) {
            startForces.reset(new KeptForces(cc));
            currentForces.reset(new KeptForces(cc));
        }
        startForces->keep();
    }
    return energy;
}

void CommonJumpKernel::getPositions(const vector<int>& indices, vector<Vec3>& positions) const {
    ContextSelector selector(cc);
    asked.set(indices);
    current->gather(asked, positions);
}

JumpTensor CommonJumpKernel::getTensor(const vector<int>& indices) {
    if (!cc.getSupportsDoublePrecision())
        return JumpKernel::getTensor(indices);
    ContextSelector selector(cc);
    if (!tensor)
        tensor.reset(new PositionTensor(cc, locate));
    asked.set(indices);
    return tensor->make(*current, asked);
}

double CommonJumpKernel::evaluateCandidate(ContextImpl& context, const vector<Vec3>& positions) {
    ContextSelector selector(cc);
    contextHoldsCurrent = false;
    current->placeLeap(positions);
    context.computeVirtualSites();
    return context.calcForcesAndEnergy(needForces, true, groups);
}

bool CommonJumpKernel::hasOverlap(ContextImpl& context) {
    ContextSelector selector(cc);
    return overlapFinder->hasOverlap(context.getSystem().usesPeriodicBoundaryConditions());
}

void CommonJumpKernel::accept(ContextImpl& context) {
    ContextSelector selector(cc);
    if (!hasMoved)
        current->gather(moved, startPositions);
    hasMoved = true;
    current->keep();
    if (needForces)
        currentForces->keep();
    contextHoldsCurrent = true;
}

void CommonJumpKernel::end(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random) {
    ContextSelector selector(cc);
    if (!hasBegun)
        return;
    hasBegun = false;
    if (!contextHoldsCurrent)
        current->place();
    contextHoldsCurrent = true;
    if (hasMoved && transfer.hasVelocities)
        transferVelocities(context, transfer, random);
    notifyIntegrator(context, hasMoved && transfer.hasVelocities);
    hasMoved = false;
}

/** Draw Maxwellian velocities for the redrawn particles, which obey the constraints at the current positions. */
vector<Vec3> CommonJumpKernel::drawVelocities(ContextImpl& context, const VelocityTransfer& transfer,
                                              JumpRandom& random) {
    vector<Vec3> drawn = molecules->drawVelocities(redrawn.getParticles(), transfer.kT, random);
    if (context.getSystem().getNumConstraints() == 0)
        return drawn;
    velocities->place(redrawn, drawn);
    context.applyVelocityConstraints(transfer.constraintTolerance);
    velocities->gatherCurrent(redrawn, drawn);
    return drawn;
}

/** Get the forces on the redrawn particles after they are displaced, those of soft terms from before. */
vector<Vec3> CommonJumpKernel::computeForces(ContextImpl& context, const vector<Vec3>& displacements,
                                             bool usesAllForces) {
    if (usesAllForces || !molecules->getBondedForces(groups).isComplete())
        return evaluateForces(context, displacements);
    BondedForces& bondedForces = molecules->getBondedForces(groups);
    members.set(bondedForces.getParticles());
    vector<Vec3> positions, change, forces;
    current->gather(members, positions);
    vector<Vec3> displaced = positions;
    map<int, int> placeOf;
    for (int i = 0; i < members.getSize(); i++)
        placeOf[members.getParticles()[i]] = i;
    for (int i = 0; i < redrawn.getSize(); i++)
        displaced[placeOf[redrawn.getParticles()[i]]] += displacements[i];
    bondedForces.computeChange(context, positions, displaced, change);
    currentForces->gather(redrawn, forces);
    for (int i = 0; i < redrawn.getSize(); i++)
        forces[i] += change[placeOf[redrawn.getParticles()[i]]];
    return forces;
}

/** The same with all terms, for Systems with forces of which nothing is known. */
vector<Vec3> CommonJumpKernel::evaluateForces(ContextImpl& context, const vector<Vec3>& displacements) {
    vector<Vec3> positions, forces;
    current->gather(redrawn, positions);
    for (int i = 0; i < redrawn.getSize(); i++)
        positions[i] += displacements[i];
    current->place(redrawn, positions);
    context.computeVirtualSites();
    context.calcForcesAndEnergy(true, false, groups);
    if (!displacedForces)
        displacedForces.reset(new KeptForces(cc));
    displacedForces->keep();
    displacedForces->gather(redrawn, forces);
    current->place();
    return forces;
}

/** GenericJumpKernel::transferVelocities() explains what is done and why. */
void CommonJumpKernel::transferVelocities(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random) {
    if (!molecules)
        molecules.reset(new MovedMolecules(context, moved.getParticles()));
    vector<Vec3> positions;
    current->gather(moved, positions);
    redrawn.set(molecules->selectRedrawn(startPositions, positions));
    if (redrawn.getSize() == 0)
        return;
    if (!velocities)
        velocities.reset(new KeptVelocities(cc));
    velocities->keep();
    vector<Vec3> stored = drawVelocities(context, transfer, random);
    double offset = transfer.timeOffset;
    if (offset != 0)
        addKicks(context, transfer, stored);
    velocities->place(redrawn, stored);
    if (offset != 0) {
        velocities->placeForceChange(redrawn, offset, startForces->getArray(), currentForces->getArray());
        context.applyVelocityConstraints(transfer.constraintTolerance);
    }
    velocities->addTo(redrawn);
}

/** From on-step velocities of the redrawn particles to stored ones. */
void CommonJumpKernel::addKicks(ContextImpl& context, const VelocityTransfer& transfer, vector<Vec3>& drawn) {
    double offset = transfer.timeOffset;
    vector<Vec3> displacements;
    for (const Vec3& v : drawn)
        displacements.push_back(v * (-0.5 * offset));
    vector<Vec3> forces = computeForces(context, displacements, transfer.usesAllForces);
    for (int i = 0; i < redrawn.getSize(); i++)
        drawn[i] -= forces[i] * (offset / molecules->getMass(redrawn.getParticles()[i]));
}
