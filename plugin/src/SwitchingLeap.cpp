/* How JumpEngine carries out leaps that take time. */
#include "ProposalLimits.h"
#include "SwitchingRun.h"
#include "SwitchingSystem.h"
#include "WallClock.h"
#include "genmd/JumpEngine.h"
#include "genmd/LocalRelaxation.h"
#include "openmm/OpenMMException.h"
#include <cmath>

using namespace OpenMM;
using namespace std;

vector<Vec3> JumpEngine::getWhole() {
    vector<Vec3> whole;
    getKernel().getPositions(everything, whole);
    return whole;
}

/** Ask the proposer, with other positions than the current ones. */
JumpProposal JumpEngine::proposeFrom(const vector<Vec3>& shown) {
    askProposer(&shown, [&](const JumpInput& input) { proposer->propose(input, proposal); });
    requireProposal();
    // What a proposer returns for virtual sites has no meaning: they are recomputed.
    for (int i = 0; i < (int)particles.size(); i++)
        if (isVirtual[i])
            proposal.positions[i] = shown[i];
    return proposal;
}

RejectionReason JumpEngine::judge(const JumpProposal& proposed, const vector<Vec3>& start,
                                  const vector<Vec3>& partnerPositions) const {
    if (!arePlaceable(proposed.positions) || !isfinite(proposed.logRatio))
        return RejectionReason::NotFinite;
    vector<Vec3> here = start;
    here.insert(here.end(), partnerPositions.begin(), partnerPositions.end());
    return constraintsHold(proposed.positions, here) ? RejectionReason::None : RejectionReason::Constraint;
}

SwitchingRun& JumpEngine::getSwitching(const SwitchingProtocol& protocol) {
    if (!switching || !switching->isFor(protocol))
        switching.reset(new SwitchingRun(context, protocol, particles));
    return *switching;
}

void JumpEngine::switchOver(const SwitchingProtocol& protocol) {
    SwitchingRun& run = getSwitching(protocol);
    vector<Vec3> whole = getWhole();
    double begun = getWallSeconds(), modelSeconds = record.modelSeconds;
    forcedRejection = run.perform({whole, currentEnergy, groups, kT, *random,
                                   [&](const vector<Vec3>& shown) { return proposeFrom(shown); },
                                   [&](const JumpProposal& proposed, const vector<Vec3>& start) {
                                       return judge(proposed, start, run.gather(partners));
                                   },
                                   [&] { proposer->checkInterrupt(); }});
    record.energySeconds += getWallSeconds() - begun - (record.modelSeconds - modelSeconds);
    record.numSwitchingSteps = run.getNumEvaluations();
    record.logRatio = run.getLogRatio();
    record.work = NAN;
    if (forcedRejection != RejectionReason::None)
        return;
    placeWhole(run.getPositions());
    if (forcedRejection == RejectionReason::None)
        forcedRejection = run.finish(candidateEnergy);
    record.numSwitchingSteps = run.getNumEvaluations();
    record.logRatio = run.getLogRatio();
    record.work = run.getWork();
    record.shadowWork = run.getShadowWork();
}

/** Evaluate the energy of the simulation with everything at new positions. */
void JumpEngine::placeWhole(const vector<Vec3>& positions) {
    if (!arePlaceable(positions)) {
        forcedRejection = RejectionReason::NotFinite;
        return;
    }
    for (int i = 0; i < (int)particles.size(); i++)
        proposal.positions[i] = positions[particles[i]];
    place(positions);
}

/** Minimizing in OpenCL on a CPU ends the process with some versions of PoCL: there, the CPU platform does it. */
static Platform* choosePlatform(ContextImpl& context) {
    return context.getPlatform().getName() == "OpenCL" ? &Platform::getPlatformByName("CPU") : nullptr;
}

void JumpEngine::relax(const LocalRelaxation& protocol) {
    string settings = to_string(protocol.getNumSteps()) + " " + to_string(protocol.getDynamicsSettings().stepSize) +
                      " " + to_string(protocol.getDynamicsSettings().friction);
    if (!relaxation || settings != relaxationSettings)
        relaxation.reset(new SwitchingDynamics(context, makeSwitchingSystem(context.getSystem(), {}, 0),
                                               protocol.getDynamicsSettings(), choosePlatform(context)));
    relaxationSettings = settings;
    vector<Vec3> whole = getWhole();
    propose();
    record.logRatio = proposal.logRatio;
    forcedRejection = judge(proposal, getMoved(), vector<Vec3>(current.begin() + particles.size(), current.end()));
    record.work = NAN;
    if (forcedRejection != RejectionReason::None)
        return;
    double begun = getWallSeconds();
    try {
        relaxation->begin(whole, groups, kT, *random);
        relaxation->takeSurroundings(context);
        relaxation->place(particles, proposal.positions);
        if (protocol.getMaxIterations() >= 0)
            relaxation->minimize(10.0, protocol.getMaxIterations());
        relaxation->drawVelocities();
        if (protocol.getNumSteps() > 0)
            relaxation->propagate(protocol.getNumSteps());
        record.energySeconds += getWallSeconds() - begun;
        record.numSwitchingSteps = relaxation->getNumEvaluations();
        placeWhole(relaxation->getCompletePositions());
    } catch (const UnstableDynamics&) {
        forcedRejection = RejectionReason::NotFinite;
    }
    if (forcedRejection == RejectionReason::None)
        record.work = candidateEnergy - currentEnergy;
}

vector<double> JumpEngine::measureShadowWork(const SwitchingProtocol& protocol, int numTrials, int numSteps, double kT,
                                             int groups) {
    vector<Vec3> positions;
    context.getPositions(positions);
    JumpRandom own(1);
    vector<double> works;
    for (int i = 0; i < numTrials; i++)
        works.push_back(getSwitching(protocol).measureShadowWork(
            {positions, 0.0, groups, kT, own, nullptr, nullptr, [&] { proposer->checkInterrupt(); }}, numSteps));
    return works;
}
