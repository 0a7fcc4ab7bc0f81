#include "CommonJumpKernel.h"
#include "openmm/Integrator.h"
#include "openmm/OpenMMException.h"
#include "openmm/common/ContextSelector.h"
#include <algorithm>
#include <cmath>

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

CommonJumpKernel::CommonJumpKernel(const Platform& platform, ComputeContext& cc)
    : JumpKernel(Name(), platform), cc(cc), moved(cc), redrawn(cc), asked(cc), groups(-1), needForces(false),
      contextHoldsCurrent(true), hasBegun(false), hasMoved(false) {
}

void CommonJumpKernel::initialize(const System& system, const vector<int>& particles) {
    ContextSelector selector(cc);
    for (int i = 0; i < system.getNumParticles(); i++)
        masses.push_back(system.getParticleMass(i));
    moved.set(particles);
    current.reset(new KeptPositions(cc));
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

double CommonJumpKernel::evaluateCandidate(ContextImpl& context, const vector<Vec3>& positions) {
    ContextSelector selector(cc);
    contextHoldsCurrent = false;
    current->place(moved, positions);
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

/** Select the particles with a mass of every molecule of which a part moved. */
vector<int> CommonJumpKernel::selectRedrawn(ContextImpl& context) {
    vector<Vec3> positions;
    current->gather(moved, positions);
    vector<bool> hasLeapt(masses.size(), false);
    for (int i = 0; i < moved.getSize(); i++)
        hasLeapt[moved.getParticles()[i]] = positions[i] != startPositions[i];
    vector<int> selected;
    for (const vector<int>& molecule : context.getMolecules())
        if (any_of(molecule.begin(), molecule.end(), [&](int particle) { return hasLeapt[particle]; }))
            copy_if(molecule.begin(), molecule.end(), back_inserter(selected),
                    [&](int particle) { return masses[particle] != 0; });
    return selected;
}

/** Draw Maxwellian velocities for the redrawn particles, which obey the constraints at the current positions. */
vector<Vec3> CommonJumpKernel::drawVelocities(ContextImpl& context, const VelocityTransfer& transfer,
                                              JumpRandom& random) {
    vector<Vec3> drawn(redrawn.getSize());
    for (int i = 0; i < redrawn.getSize(); i++)
        for (int axis = 0; axis < 3; axis++)
            drawn[i][axis] = sqrt(transfer.kT / masses[redrawn.getParticles()[i]]) * random.nextGaussian();
    velocities->place(redrawn, drawn);
    context.applyVelocityConstraints(transfer.constraintTolerance);
    velocities->gatherCurrent(redrawn, drawn);
    return drawn;
}

/** Get the forces on the redrawn particles after a displacement, and leave the Context at the current positions. */
vector<Vec3> CommonJumpKernel::getDisplacedForces(ContextImpl& context, const vector<Vec3>& displacements) {
    vector<Vec3> positions, forces;
    current->gather(redrawn, positions);
    for (int i = 0; i < (int)positions.size(); i++)
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
    redrawn.set(selectRedrawn(context));
    if (redrawn.getSize() == 0)
        return;
    if (!velocities)
        velocities.reset(new KeptVelocities(cc));
    double offset = transfer.timeOffset;
    velocities->keep();
    vector<Vec3> drawn = drawVelocities(context, transfer, random);
    if (offset != 0) {
        vector<Vec3> displacements;
        for (const Vec3& v : drawn)
            displacements.push_back(v * (-0.5 * offset));
        vector<Vec3> forces = getDisplacedForces(context, displacements);
        for (int i = 0; i < redrawn.getSize(); i++)
            drawn[i] -= forces[i] * (offset / masses[redrawn.getParticles()[i]]);
    }
    velocities->place(redrawn, drawn);
    if (offset != 0)
        velocities->placeForceChange(redrawn, offset, startForces->getArray(), currentForces->getArray());
    context.applyVelocityConstraints(transfer.constraintTolerance);
    velocities->addTo(redrawn);
}
