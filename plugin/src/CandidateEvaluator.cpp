#include "CandidateEvaluator.h"
#include "ProposalLimits.h"
#include "openmm/OpenMMException.h"
#include <algorithm>
#include <cmath>

using namespace OpenMM;
using namespace std;

CandidateEvaluator::CandidateEvaluator(const System& system, const vector<int>& particles,
                                       shared_ptr<CandidateEnergy> surrogate)
    : numMoved(particles.size()), surrogate(surrogate) {
    if (!surrogate)
        return;
    for (int particle : surrogate->getParticles()) {
        if (particle < 0 || particle >= system.getNumParticles())
            throw OpenMMException("MultipleTry: the surrogate energy is for particle " + to_string(particle) +
                                  ", but the System has " + to_string(system.getNumParticles()) + " particles");
        auto place = find(particles.begin(), particles.end(), particle);
        source.push_back(place == particles.end() ? -1 : (int)(place - particles.begin()));
    }
    if (all_of(source.begin(), source.end(), [](int place) { return place < 0; }))
        throw OpenMMException("MultipleTry: the surrogate energy is for none of the particles that the proposer moves; "
                              "expected one made for the proposer's particles");
}

bool CandidateEvaluator::hasSurrogate() const {
    return surrogate != nullptr;
}

bool CandidateEvaluator::isFor(const shared_ptr<CandidateEnergy>& other) const {
    return surrogate == other;
}

vector<double> CandidateEvaluator::evaluate(ContextImpl& context, JumpKernel& kernel, const vector<Vec3>& positions,
                                            int count) {
    if (surrogate)
        return evaluateSurrogate(kernel, positions, count);
    vector<double> energies;
    for (int i = 0; i < count; i++) {
        vector<Vec3> block(positions.begin() + i * numMoved, positions.begin() + (i + 1) * numMoved);
        energies.push_back(arePlaceable(block) ? kernel.evaluateCandidate(context, block) : NAN);
    }
    return energies;
}

/** Particles of the surrogate that do not move are where they are in x. */
vector<double> CandidateEvaluator::evaluateSurrogate(JumpKernel& kernel, const vector<Vec3>& positions, int count) {
    const vector<int>& particles = surrogate->getParticles();
    int size = particles.size();
    vector<Vec3> here, rows(count * size);
    if (find(source.begin(), source.end(), -1) != source.end())
        kernel.getPositions(particles, here);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < size; j++)
            rows[i * size + j] = source[j] < 0 ? here[j] : positions[i * numMoved + source[j]];
    vector<double> energies;
    surrogate->evaluate(rows, count, energies);
    if ((int)energies.size() != count)
        throw OpenMMException("MultipleTry: the surrogate returned " + to_string(energies.size()) +
                              " energies; expected one for each of " + to_string(count) + " conformations");
    return energies;
}
