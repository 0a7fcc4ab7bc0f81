/* How JumpEngine leaps among several candidates, and what it tells its observer. */
#include "CandidateEvaluator.h"
#include "ImportanceWeights.h"
#include "genmd/JumpEngine.h"
#include <chrono>
#include <cmath>
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
    auto first = candidates.positions.begin() + picked * particles.size();
    proposal.positions.assign(first, first + particles.size());
    logWeightRatio = weights.getLogSum() - sumReferences(weights, picked, energyOfCurrent);
    record.logRatio = logWeightRatio + (energies[picked] - energyOfCurrent) / kT;
    place();
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
    auto start = chrono::steady_clock::now();
    bool addsCurrent = energyOfCurrent != nullptr && evaluator->hasSurrogate();
    if (addsCurrent)
        positions.insert(positions.end(), current.begin(), current.begin() + particles.size());
    vector<double> energies = evaluator->evaluate(context, getKernel(), positions, count + addsCurrent);
    if (addsCurrent)
        *energyOfCurrent = energies.back();
    record.energySeconds += chrono::duration<double>(chrono::steady_clock::now() - start).count();
    return energies;
}

void JumpEngine::proposeCandidates(int count) {
    askProposer(nullptr, [&](const JumpInput& input) { proposer->proposeCandidates(input, count, candidates); });
    requireCandidates(candidates, count);
    keepVirtualSites(candidates.positions);
}

JumpCandidates JumpEngine::proposeReferences(int count) {
    JumpCandidates drawn;
    askProposer(&proposal.positions,
                [&](const JumpInput& input) { proposer->proposeReferences(input, getMoved(), count, drawn); });
    requireCandidates(drawn, count);
    keepVirtualSites(drawn.positions);
    return drawn;
}

void JumpEngine::requireCandidates(const JumpCandidates& drawn, int count) const {
    if (drawn.positions.size() == count * particles.size() && drawn.logDensities.size() == (size_t)count)
        return;
    throw invalid_argument("The proposer returned " + to_string(drawn.positions.size()) + " positions with " +
                           to_string(drawn.logDensities.size()) + " densities; expected " + to_string(count) +
                           " conformations of its " + to_string(particles.size()) + " particles");
}

/** Remember what waste recycling needs: every candidate with its share of the weights, the current one last. */
void JumpEngine::recycle(ImportanceWeights weights, double energyOfCurrent) {
    weights.add(energyOfCurrent, kT, candidates.logDensityOfCurrent);
    shares = weights.getShares();
    recyclesCandidates = observer && isfinite(weights.getLogSum());
}

void JumpEngine::observe(const vector<Vec3>& before) {
    vector<Vec3> conformations = before;
    vector<double> weights = {1};
    if (recyclesCandidates) {
        conformations.insert(conformations.end(), candidates.positions.begin(), candidates.positions.end());
        weights.assign(1, shares.back());
        weights.insert(weights.end(), shares.begin(), shares.end() - 1);
    } else if (record.probability > 0) {
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
