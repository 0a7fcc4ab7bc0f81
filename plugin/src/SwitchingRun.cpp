#include "SwitchingRun.h"
#include "SwitchingSystem.h"
#include "openmm/OpenMMException.h"
#include <algorithm>
#include <cmath>
#include <set>

using namespace OpenMM;
using namespace std;

/** The moved particles with all to which constraints tie them: these cannot move without each other. */
static vector<int> findTied(const System& system, const vector<int>& particles) {
    set<int> tied(particles.begin(), particles.end());
    for (size_t before = 0; before != tied.size();) {
        before = tied.size();
        for (int i = 0; i < system.getNumConstraints(); i++) {
            int first, second;
            double distance;
            system.getConstraintParameters(i, first, second, distance);
            if (tied.count(first) || tied.count(second))
                tied.insert({first, second});
        }
    }
    return vector<int>(tied.begin(), tied.end());
}

static unique_ptr<System> makeSystem(const System& real, const SwitchingProtocol& protocol, const vector<int>& tied) {
    const System* own = protocol.getSystem();
    if (own != nullptr && own->getNumParticles() != real.getNumParticles())
        throw OpenMMException("AlchemicalSwitching: the alchemical System has " + to_string(own->getNumParticles()) +
                              " particles, but the simulation's has " + to_string(real.getNumParticles()));
    return makeSwitchingSystem(own == nullptr ? real : *own, protocol.freezesMoved() ? tied : vector<int>(),
                               protocol.getSettings().hydrogenMass);
}

SwitchingRun::SwitchingRun(ContextImpl& context, const SwitchingProtocol& protocol, const vector<int>& particles)
    : context(context), identity(protocol.getIdentity()), settings(protocol.getSettings()), plan(protocol.getPlan()),
      particles(particles), tied(findTied(context.getSystem(), particles)), move(protocol.createMove()), block(0),
      kT(0), startEnergy(0), decidedBefore(0), work(0), shadowWork(NAN), largestExcess(0) {
    plan.requireReversible();
    for (int particle : particles)
        isVirtual.push_back(context.getSystem().isVirtualSite(particle));
    dynamics.reset(new SwitchingDynamics(context, makeSystem(context.getSystem(), protocol, tied), settings));
    if (protocol.getSurrogate())
        surrogate.reset(new SwitchingSurrogate(context.getSystem(), this->particles, protocol.getSurrogate(),
                                               protocol.getSurrogateMargin()));
}

bool SwitchingRun::isFor(const SwitchingProtocol& protocol) const {
    return identity == protocol.getIdentity();
}

/** A bond that is longer crosses the border of the box. */
double SwitchingRun::getLongestBond() const {
    if (!context.getSystem().usesPeriodicBoundaryConditions())
        return INFINITY;
    Vec3 box[3];
    context.getPeriodicBoxVectors(box[0], box[1], box[2]);
    return 0.5 * min({box[0][0], box[1][1], box[2][2]});
}

SwitchingHost SwitchingRun::begin(const Start& start) {
    kT = start.kT;
    block = 0;
    decidedBefore = work = largestExcess = 0;
    shadowWork = NAN;
    dynamics->begin(start.positions, start.groups, start.kT, start.random);
    dynamics->takeSurroundings(context);
    SwitchingHost host{*dynamics,    particles, isVirtual,       tied, start.propose, start.judge,
                       start.random, start.kT,  getLongestBond()};
    move->rest(host);
    return host;
}

/** Let the proposer propose, if it does so at the start, and the surrogate decide about that. */
RejectionReason SwitchingRun::prepare(SwitchingHost& host) {
    RejectionReason reason = move->begin(host);
    if (reason == RejectionReason::None && surrogate)
        reason = surrogate->decide(host, *move);
    return reason;
}

RejectionReason SwitchingRun::perform(const Start& start) {
    SwitchingHost host = begin(start);
    try {
        RejectionReason reason = prepare(host);
        if (reason != RejectionReason::None)
            return reason;
        // The first change is that from the simulation's potential to the one of the switch.
        if (countsChanges())
            work += dynamics->getPotential() - dynamics->getAddedPotential() - start.energy;
        dynamics->drawVelocities();
        startEnergy = start.energy + dynamics->getAddedPotential() + dynamics->getKinetic();
        for (const SwitchingPlan::Entry& entry : plan.getEntries()) {
            start.checkInterrupt();
            reason = performEntry(entry, host);
            if (reason != RejectionReason::None)
                return reason;
        }
    } catch (const UnstableDynamics&) {
        return RejectionReason::NotFinite;
    }
    return RejectionReason::None;
}

RejectionReason SwitchingRun::performEntry(const SwitchingPlan::Entry& entry, SwitchingHost& host) {
    switch (entry.kind) {
    case SwitchingPlan::Entry::Change:
        return measured([&] {
            move->change(host, entry.progress);
            return RejectionReason::None;
        });
    case SwitchingPlan::Entry::Leap:
        return measured([&] { return move->leap(host); });
    default:
        return propagate(entry.numSteps);
    }
}

/** Add the energy change of an instantaneous change to the work. */
RejectionReason SwitchingRun::measured(const function<RejectionReason()>& change) {
    if (!countsChanges())
        return change();
    auto getEnergy = [&] {
        return move->changesPotential() ? dynamics->getPotential() : dynamics->getAddedPotential();
    };
    double before = getEnergy();
    RejectionReason reason = change();
    if (reason == RejectionReason::None)
        work += getEnergy() - before;
    return reason;
}

/**
 * The work is looked at where the way back looks at it, too: at the end of a block in the first half, and at the start
 * of the mirrored block in the second.
 */
RejectionReason SwitchingRun::propagate(int numSteps) {
    int blocks = plan.getNumBlocks();
    block++;
    RejectionReason reason = RejectionReason::None;
    if (isLookedAt(blocks + 1 - block))
        reason = lookAtWork();
    if (reason == RejectionReason::None) {
        dynamics->propagate(numSteps);
        if (isLookedAt(block))
            reason = lookAtWork();
    }
    return reason;
}

/** Whether a block of the first half, counted from one, is followed by a look. */
bool SwitchingRun::isLookedAt(int number) const {
    return settings.checkInterval > 0 && isfinite(settings.maxWork) && 2 * number <= plan.getNumBlocks() &&
           number % settings.checkInterval == 0;
}

double SwitchingRun::getTotalEnergy() {
    return dynamics->getPotential() + dynamics->getKinetic();
}

double SwitchingRun::getPartialWork() {
    return countsChanges() ? work : getTotalEnergy() - startEnergy - dynamics->getHeat();
}

RejectionReason SwitchingRun::lookAtWork() {
    double excess = getExcess(getPartialWork());
    if (!isfinite(excess))
        return RejectionReason::NotFinite;
    largestExcess = max(largestExcess, excess);
    return excess > settings.maxWork * kT ? RejectionReason::Terminated : RejectionReason::None;
}

/** What the limit is for: work less the part of it that the moved particles' own energy explains. */
double SwitchingRun::getExcess(double partialWork) {
    return surrogate ? partialWork - surrogate->getRise(*dynamics) : partialWork;
}

vector<Vec3> SwitchingRun::getPositions() {
    return dynamics->getCompletePositions();
}

RejectionReason SwitchingRun::finish(double energy) {
    double total = energy + dynamics->getAddedPotential() + dynamics->getKinetic() - startEnergy - dynamics->getHeat();
    if (countsChanges()) {
        work += energy - (dynamics->getPotential() - dynamics->getAddedPotential());
        shadowWork = settings.rule == WorkRule::ProtocolWork ? total - work : NAN;
    } else
        work = total;
    decidedBefore = surrogate ? surrogate->getCorrection(*dynamics, *move) : 0;
    double limit = settings.maxWork * kT, excess = getExcess(work);
    if (!isfinite(excess))
        return RejectionReason::NotFinite;
    largestExcess = max(largestExcess, excess);
    return largestExcess > limit || largestExcess - excess > limit ? RejectionReason::Terminated
                                                                   : RejectionReason::None;
}

double SwitchingRun::measureShadowWork(const Start& start, int numSteps) {
    begin(start);
    dynamics->drawVelocities();
    double before = getTotalEnergy();
    try {
        for (int done = 0; done < numSteps; done += settings.stepsPerChange) {
            start.checkInterrupt();
            dynamics->propagate(settings.stepsPerChange);
        }
        return getTotalEnergy() - before - dynamics->getHeat();
    } catch (const UnstableDynamics&) {
        return INFINITY;
    }
}
