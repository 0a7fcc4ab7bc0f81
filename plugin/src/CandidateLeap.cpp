/* How JumpEngine leaps among several candidates, and what it tells its observer. */
#include "CandidateEvaluator.h"
#include "ImportanceWeights.h"
#include "WallClock.h"
#include "genmd/JumpEngine.h"
#include "openmm/reference/ReferenceVirtualSites.h"
#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

using namespace OpenMM;
using namespace std;

void JumpEngine::leapAmong(int count, shared_ptr<CandidateEnergy> surrogate) {
    if (!evaluator || !evaluator->isFor(surrogate))
        evaluator.reset(new CandidateEvaluator(context.getSystem(), particles, surrogate));
    proposeCandidates(count);
    double energyOfCurrent = currentEnergy;
    vector<double> energies = evaluateCandidates(candidates.positions, count, &energyOfCurrent);
    ImportanceWeights weights;
    for (int i = 0; i < count; i++)
        weights.add(energies[i], kT, candidates.logDensities[i]);
    int picked = weights.pick(*random);
    if (picked < 0) {
        forcedRejection = RejectionReason::NotFinite;
        record.work = NAN;
        return;
    }
    proposal.positions = getCandidate(picked);
    logWeightRatio = weights.getLogSum() - sumReferences(weights, picked, energyOfCurrent);
    record.logRatio = logWeightRatio + (energies[picked] - energyOfCurrent) / kT;
    place();
}

vector<Vec3> JumpEngine::getCandidate(int index) const {
    auto first = candidates.positions.begin() + index * particles.size();
    return vector<Vec3>(first, first + particles.size());
}

/**
 * Get the logarithm of the summed weights of x and of what could have been drawn beside it from the picked candidate;
 * NaN if x has no weight, since then nothing could lead back to it.
 */
double JumpEngine::sumReferences(const ImportanceWeights& weights, int picked, double energyOfCurrent) {
    int count = candidates.logDensities.size();
    ImportanceWeights references = weights;
    double logDensityOfCurrent = candidates.logDensityOfCurrent;
    if (candidates.conditional) {
        JumpCandidates drawn = proposeReferences(count - 1);
        vector<double> energies = evaluateCandidates(drawn.positions, count - 1, nullptr);
        references = ImportanceWeights();
        for (int i = 0; i < count - 1; i++)
            references.add(energies[i], kT, drawn.logDensities[i]);
        references.add(energyOfCurrent, kT, drawn.logDensityOfCurrent);
        logDensityOfCurrent = drawn.logDensityOfCurrent;
    } else {
        references.set(picked, energyOfCurrent, kT, logDensityOfCurrent);
        if (!evaluator->hasSurrogate())
            recycle(weights, energyOfCurrent);
    }
    return isfinite(energyOfCurrent) && isfinite(logDensityOfCurrent) ? references.getLogSum() : NAN;
}

/** Energies for the weights of some conformations, and on request that of x, in the place of the potential energy. */
vector<double> JumpEngine::evaluateCandidates(vector<Vec3> positions, int count, double* energyOfCurrent) {
    double start = getWallSeconds();
    bool addsCurrent = energyOfCurrent != nullptr && evaluator->hasSurrogate();
    if (addsCurrent)
        positions.insert(positions.end(), current.begin(), current.begin() + particles.size());
    vector<double> energies;
    if (!positions.empty()) // a single try has no references, and a surrogate need not know what to do with none
        energies = evaluator->evaluate(context, getKernel(), positions, count + addsCurrent);
    if (addsCurrent)
        *energyOfCurrent = energies.back();
    record.energySeconds += getWallSeconds() - start;
    return energies;
}

void JumpEngine::proposeCandidates(int count) {
    askProposer(nullptr, [&](const JumpInput& input) { proposer->proposeCandidates(input, count, candidates); });
    requireCandidates(candidates, count);
    placeVirtualSites(candidates.positions);
}

JumpCandidates JumpEngine::proposeReferences(int count) {
    JumpCandidates drawn;
    askProposer(&proposal.positions,
                [&](const JumpInput& input) { proposer->proposeReferences(input, getMoved(), count, drawn); });
    requireCandidates(drawn, count);
    placeVirtualSites(drawn.positions);
    return drawn;
}

/**
 * Put the virtual sites among the moved particles where they belong. A surrogate, a density or an observable may depend
 * on them; were they left as they are in x, the weights of the way there and of the way back would be different ones.
 */
void JumpEngine::placeVirtualSites(vector<Vec3>& positions) {
    if (find(isVirtual.begin(), isVirtual.end(), true) == isVirtual.end())
        return;
    const System& system = context.getSystem();
    ReferenceVirtualSites sites(system);
    vector<int> all(system.getNumParticles());
    iota(all.begin(), all.end(), 0);
    vector<Vec3> whole;
    getKernel().getPositions(all, whole);
    Vec3 box[3];
    context.getPeriodicBoxVectors(box[0], box[1], box[2]);
    for (auto block = positions.begin(); block != positions.end(); block += particles.size()) {
        for (int i = 0; i < (int)particles.size(); i++)
            whole[particles[i]] = block[i];
        sites.computePositions(system, whole, box);
        for (int i = 0; i < (int)particles.size(); i++)
            block[i] = whole[particles[i]];
    }
}

void JumpEngine::requireCandidates(const JumpCandidates& drawn, int count) const {
    if (drawn.positions.size() == count * particles.size() && drawn.logDensities.size() == (size_t)count)
        return;
    throw invalid_argument("The proposer returned " + to_string(drawn.positions.size()) + " positions with " +
                           to_string(drawn.logDensities.size()) + " densities; expected " + to_string(count) +
                           " conformations of its " + to_string(particles.size()) + " particles");
}

/**
 * Remember what waste recycling needs: every candidate with its share of the weights, the current one last. The shares
 * are probabilities of going on from there: from where the proposer never goes there is no way back, so that x has all,
 * and a candidate that breaks a constraint has none.
 */
void JumpEngine::recycle(ImportanceWeights weights, double energyOfCurrent) {
    if (!observer || !isfinite(energyOfCurrent) || !isfinite(candidates.logDensityOfCurrent))
        return;
    for (int i = 0; i < (int)candidates.logDensities.size(); i++)
        if (!constraintsHold(getCandidate(i)))
            weights.set(i, INFINITY, kT, candidates.logDensities[i]);
    weights.add(energyOfCurrent, kT, candidates.logDensityOfCurrent);
    shares = weights.getShares();
    recyclesCandidates = true;
}

void JumpEngine::showAttempt() {
    if (!observer || before.empty()) // it may have come during the attempt
        return;
    vector<Vec3> conformations = before;
    vector<double> weights = {1};
    if (recyclesCandidates) {
        conformations.insert(conformations.end(), candidates.positions.begin(), candidates.positions.end());
        weights.assign(1, shares.back());
        weights.insert(weights.end(), shares.begin(), shares.end() - 1);
    } else if (record.probability > 0) {
        placeVirtualSites(proposal.positions);
        conformations.insert(conformations.end(), proposal.positions.begin(), proposal.positions.end());
        weights = {1 - record.probability, record.probability};
    }
    shared_ptr<JumpObserver> seeing = observer; // which may replace itself
    seeing->observe(record, conformations, weights);
}

/** Why a picked candidate was rejected: the surrogate is wrong about it, or x had most of the weight. */
RejectionReason JumpEngine::attributePick() {
    double logSurrogateError = record.logRatio - logWeightRatio - record.work / kT;
    if (logSurrogateError < logWeightRatio)
        return RejectionReason::Surrogate;
    return getKernel().hasOverlap(context) ? RejectionReason::Steric : RejectionReason::Strain;
}
