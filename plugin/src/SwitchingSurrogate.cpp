#include "SwitchingSurrogate.h"
#include <algorithm>
#include <cmath>

using namespace OpenMM;
using namespace std;

SwitchingSurrogate::SwitchingSurrogate(const System& system, const vector<int>& particles,
                                       shared_ptr<CandidateEnergy> energy, double margin)
    : particles(particles), energy(system, particles, energy), margin(margin), kT(0), startEnergy(0),
      logProbability(0) {
}

double SwitchingSurrogate::evaluate(SwitchingDynamics& dynamics, const vector<Vec3>& places) const {
    auto gather = [&](const vector<int>& some) {
        return dynamics.getWithSites(some, dynamics.gather(some));
    };
    return energy.evaluate(dynamics.getWithSites(particles, places), 1, gather)[0];
}

/** What the leap costs among the other particles of the moment: on the way back these are those at the end. */
double SwitchingSurrogate::getDifference(SwitchingDynamics& dynamics, const SwitchingMove& move) const {
    return evaluate(dynamics, move.getWay(1)) - evaluate(dynamics, move.getWay(0));
}

RejectionReason SwitchingSurrogate::decide(SwitchingHost& host, const SwitchingMove& move) {
    kT = host.kT;
    startEnergy = evaluate(host.dynamics, move.getWay(0));
    double logOdds = move.getLogRatio() - getDifference(host.dynamics, move) / kT;
    if (isnan(logOdds))
        return RejectionReason::NotFinite;
    logProbability = min(0.0, logOdds + margin);
    return host.random.nextUniform() < exp(logProbability) ? RejectionReason::None : RejectionReason::Surrogate;
}

double SwitchingSurrogate::getRise(SwitchingDynamics& dynamics) const {
    return evaluate(dynamics, dynamics.gather(particles)) - startEnergy;
}

double SwitchingSurrogate::getCorrection(SwitchingDynamics& dynamics, const SwitchingMove& move) const {
    double logOddsBack = getDifference(dynamics, move) / kT - move.getLogRatio();
    return isnan(logOddsBack) ? NAN : min(0.0, logOddsBack + margin) - logProbability;
}
