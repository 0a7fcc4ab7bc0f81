#include "CandidateEvaluator.h"
#include "ProposalLimits.h"
#include <cmath>

using namespace OpenMM;
using namespace std;

CandidateEvaluator::CandidateEvaluator(const System& system, const vector<int>& particles,
                                       shared_ptr<CandidateEnergy> energy)
    : numMoved(particles.size()) {
    if (energy)
        surrogate.reset(new MovedEnergy(system, particles, energy));
}

bool CandidateEvaluator::hasSurrogate() const {
    return surrogate != nullptr;
}

bool CandidateEvaluator::isFor(const shared_ptr<CandidateEnergy>& other) const {
    return surrogate ? surrogate->getSurrogate() == other : other == nullptr;
}

/** Particles of a surrogate that do not move are where they are in x. */
vector<double> CandidateEvaluator::evaluate(ContextImpl& context, JumpKernel& kernel, const vector<Vec3>& positions,
                                            int count) {
    if (surrogate)
        return surrogate->evaluate(positions, count, [&](const vector<int>& some) {
            vector<Vec3> here;
            kernel.getPositions(some, here);
            return here;
        });
    vector<double> energies;
    for (int i = 0; i < count; i++) {
        vector<Vec3> block(positions.begin() + i * numMoved, positions.begin() + (i + 1) * numMoved);
        energies.push_back(arePlaceable(block) ? kernel.evaluateCandidate(context, block) : NAN);
    }
    return energies;
}
