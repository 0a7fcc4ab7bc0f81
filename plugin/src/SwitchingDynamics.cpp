#include "SwitchingDynamics.h"
#include "ProposalLimits.h"
#include "openmm/LocalEnergyMinimizer.h"
#include "openmm/OpenMMException.h"
#include "openmm/VerletIntegrator.h"
#include "openmm/reference/ReferenceVirtualSites.h"
#include <cmath>

using namespace OpenMM;
using namespace std;

/** Constraints have to hold to rounding for the way back to be the way there. */
static const double CONSTRAINT_TOLERANCE = 1e-10;

namespace {

/**
 * The child integrator of a switching Context, which only tells where the Context is: SwitchingDynamics does the steps.
 * It is one of OpenMM's, since devices get their arrays when the kernel of an integrator is made.
 */
class HostIntegrator : public VerletIntegrator {
public:
    ContextImpl* impl = nullptr;
    HostIntegrator() : VerletIntegrator(0.001) {
    }
    void step(int) {
        throw OpenMMException("The Context of a switching protocol has no steps of its own");
    }

protected:
    void initialize(ContextImpl& context) {
        VerletIntegrator::initialize(context);
        impl = &context;
    }
};

} // namespace

SwitchingDynamics::SwitchingDynamics(ContextImpl& parent, unique_ptr<System> newSystem,
                                     const SwitchingSettings& settings, Platform* platform)
    : system(move(newSystem)), impl(nullptr), constraints(*system), settings(settings), added(nullptr), random(nullptr),
      groups(-1), kT(0), heat(0), potential(0), potentialIsKnown(false), velocitiesAreProjected(true),
      numEvaluations(0) {
    for (int i = 0; i < system->getNumParticles(); i++) {
        double mass = system->getParticleMass(i);
        inverseMasses.push_back(mass == 0 ? 0 : 1 / mass);
    }
    HostIntegrator* host = new HostIntegrator();
    integrator.reset(host);
    if (platform == nullptr)
        context.reset(parent.createLinkedContext(*system, *integrator));
    else
        context.reset(new Context(*system, *integrator, *platform));
    impl = host->impl;
}

SwitchingDynamics::~SwitchingDynamics() {
}

void SwitchingDynamics::begin(const vector<Vec3>& newPositions, int newGroups, double newKT, JumpRandom& newRandom) {
    positions = newPositions;
    velocities.assign(positions.size(), Vec3());
    velocitiesAreProjected = true;
    groups = newGroups;
    kT = newKT;
    random = &newRandom;
    heat = 0;
    numEvaluations = 0;
    potentialIsKnown = false;
    setAddedPotential(nullptr);
}

void SwitchingDynamics::takeSurroundings(ContextImpl& parent) {
    Vec3 box[3];
    parent.getPeriodicBoxVectors(box[0], box[1], box[2]);
    impl->setPeriodicBoxVectors(box[0], box[1], box[2]);
    for (auto& [name, value] : parent.getParameters())
        if (hasParameter(name) && impl->getParameter(name) != value)
            setParameter(name, value);
}

void SwitchingDynamics::requireFinite() const {
    if (!arePlaceable(positions))
        throw UnstableDynamics();
}

void SwitchingDynamics::upload() {
    requireFinite();
    impl->setPositions(positions);
    impl->computeVirtualSites();
}

void SwitchingDynamics::projectVelocities() {
    if (!velocitiesAreProjected)
        constraints.applyToVelocities(positions, velocities, inverseMasses, CONSTRAINT_TOLERANCE);
    velocitiesAreProjected = true;
}

void SwitchingDynamics::drawVelocities() {
    vector<int> all(positions.size());
    for (int i = 0; i < (int)all.size(); i++)
        all[i] = i;
    redraw(all);
}

void SwitchingDynamics::refreshVelocities(const vector<int>& particles) {
    double before = getKinetic();
    redraw(particles);
    heat += getKinetic() - before;
}

void SwitchingDynamics::redraw(const vector<int>& particles) {
    for (int particle : particles)
        for (int axis = 0; axis < 3 && inverseMasses[particle] != 0; axis++)
            velocities[particle][axis] = sqrt(kT * inverseMasses[particle]) * random->nextGaussian();
    velocitiesAreProjected = false;
    projectVelocities();
}

double SwitchingDynamics::getAddedPotential() {
    return added == nullptr ? 0 : added->evaluate(positions, nullptr);
}

double SwitchingDynamics::getPotential() {
    if (!potentialIsKnown) {
        upload();
        potential = impl->calcForcesAndEnergy(false, true, groups);
        numEvaluations++;
    }
    potentialIsKnown = true;
    return potential + getAddedPotential();
}

double SwitchingDynamics::getKinetic() {
    projectVelocities();
    double sum = 0;
    for (int i = 0; i < (int)velocities.size(); i++)
        if (inverseMasses[i] != 0)
            sum += velocities[i].dot(velocities[i]) / inverseMasses[i];
    return 0.5 * sum;
}

void SwitchingDynamics::drift(double time) {
    vector<Vec3> before = positions;
    for (int i = 0; i < (int)positions.size(); i++)
        if (inverseMasses[i] != 0)
            positions[i] += velocities[i] * time;
    requireFinite();
    if (system->getNumConstraints() > 0) {
        constraints.apply(before, positions, inverseMasses, CONSTRAINT_TOLERANCE);
        requireFinite(); // constraints that cannot be kept give NaN
        for (int i = 0; i < (int)positions.size(); i++)
            if (inverseMasses[i] != 0)
                velocities[i] = (positions[i] - before[i]) / time;
        velocitiesAreProjected = false;
    }
    potentialIsKnown = false;
}

void SwitchingDynamics::kick() {
    upload();
    impl->calcForcesAndEnergy(true, false, groups);
    numEvaluations++;
    impl->getForces(forces);
    if (added != nullptr)
        added->evaluate(positions, &forces);
    for (int i = 0; i < (int)velocities.size(); i++)
        velocities[i] += forces[i] * (settings.stepSize * inverseMasses[i]);
    velocitiesAreProjected = system->getNumConstraints() == 0;
}

void SwitchingDynamics::run(int numSteps) {
    for (int i = 0; i < numSteps; i++) {
        drift(0.5 * settings.stepSize);
        kick();
        drift(0.5 * settings.stepSize);
    }
}

void SwitchingDynamics::thermostat(double time) {
    if (settings.friction == 0)
        return;
    double before = getKinetic(), keep = exp(-settings.friction * time), noise = sqrt((1 - keep * keep) * kT);
    for (int i = 0; i < (int)velocities.size(); i++)
        for (int axis = 0; axis < 3 && inverseMasses[i] != 0; axis++)
            velocities[i][axis] = keep * velocities[i][axis] + noise * sqrt(inverseMasses[i]) * random->nextGaussian();
    velocitiesAreProjected = false;
    heat += getKinetic() - before;
}

void SwitchingDynamics::propagate(int numSteps) {
    double half = 0.5 * settings.stepSize * numSteps;
    thermostat(half);
    if (settings.rule == WorkRule::MetropolizedSteps)
        runMetropolized(numSteps);
    else
        run(numSteps);
    thermostat(half);
}

/** A rejected stretch of steps turns all velocities around, so that the way back would be rejected as well. */
void SwitchingDynamics::runMetropolized(int numSteps) {
    double potentialBefore = getPotential(), plainBefore = potential, before = potentialBefore + getKinetic();
    vector<Vec3> oldPositions = positions, oldVelocities = velocities;
    bool accepted = false;
    double draw = random->nextUniform();
    try {
        run(numSteps);
        accepted = draw < exp(-(getPotential() + getKinetic() - before) / kT);
    } catch (const UnstableDynamics&) {
        // Infinite energy: rejected.
    }
    if (accepted)
        return;
    positions = oldPositions;
    for (int i = 0; i < (int)velocities.size(); i++)
        velocities[i] = oldVelocities[i] * -1;
    velocitiesAreProjected = true;
    potential = plainBefore;
    potentialIsKnown = true;
}

vector<Vec3> SwitchingDynamics::getCompletePositions() {
    upload();
    vector<Vec3> complete;
    impl->getPositions(complete);
    // A Context in single precision would have rounded them.
    for (int i = 0; i < (int)complete.size(); i++)
        if (!system->isVirtualSite(i))
            complete[i] = positions[i];
    return complete;
}

vector<Vec3> SwitchingDynamics::gather(const vector<int>& particles) const {
    vector<Vec3> result;
    for (int particle : particles)
        result.push_back(positions[particle]);
    return result;
}

vector<Vec3> SwitchingDynamics::getWithSites(const vector<int>& particles, const vector<Vec3>& places) {
    vector<Vec3> whole = positions;
    for (int i = 0; i < (int)particles.size(); i++)
        whole[particles[i]] = places[i];
    Vec3 box[3];
    impl->getPeriodicBoxVectors(box[0], box[1], box[2]);
    ReferenceVirtualSites(*system).computePositions(*system, whole, box);
    vector<Vec3> result;
    for (int particle : particles)
        result.push_back(whole[particle]);
    return result;
}

void SwitchingDynamics::place(const vector<int>& particles, const vector<Vec3>& places) {
    for (int i = 0; i < (int)particles.size(); i++)
        positions[particles[i]] = places[i];
    potentialIsKnown = false;
}

bool SwitchingDynamics::hasParameter(const string& name) const {
    return impl->getParameters().count(name) > 0;
}

void SwitchingDynamics::setParameter(const string& name, double value) {
    impl->setParameter(name, value);
    potentialIsKnown = false;
}

void SwitchingDynamics::setAddedPotential(AddedPotential* newAdded) {
    added = newAdded;
}

void SwitchingDynamics::minimize(double tolerance, int maxIterations) {
    upload();
    LocalEnergyMinimizer::minimize(*context, tolerance, maxIterations);
    impl->getPositions(positions);
    potentialIsKnown = false;
    velocitiesAreProjected = false;
}
