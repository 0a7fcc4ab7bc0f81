#include "MovedEnergy.h"
#include "openmm/OpenMMException.h"
#include <algorithm>

using namespace OpenMM;
using namespace std;

MovedEnergy::MovedEnergy(const System& system, const vector<int>& particles, shared_ptr<CandidateEnergy> surrogate)
    : numMoved(particles.size()), surrogate(surrogate) {
    for (int particle : surrogate->getParticles()) {
        if (particle < 0 || particle >= system.getNumParticles())
            throw OpenMMException("The surrogate energy is for particle " + to_string(particle) +
                                  ", but the System has " + to_string(system.getNumParticles()) + " particles");
        auto place = find(particles.begin(), particles.end(), particle);
        source.push_back(place == particles.end() ? -1 : (int)(place - particles.begin()));
    }
    if (all_of(source.begin(), source.end(), [](int place) { return place < 0; }))
        throw OpenMMException("The surrogate energy is for none of the particles that the proposer moves; "
                              "expected one made for the proposer's particles");
}

vector<double> MovedEnergy::evaluate(const vector<Vec3>& positions, int count,
                                     const function<vector<Vec3>(const vector<int>&)>& gather) const {
    const vector<int>& particles = surrogate->getParticles();
    int size = particles.size();
    vector<Vec3> here, rows(count * size);
    if (find(source.begin(), source.end(), -1) != source.end())
        here = gather(particles);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < size; j++)
            rows[i * size + j] = source[j] < 0 ? here[j] : positions[i * numMoved + source[j]];
    vector<double> energies;
    surrogate->evaluate(rows, count, energies);
    if ((int)energies.size() != count)
        throw OpenMMException("The surrogate energy returned " + to_string(energies.size()) +
                              " energies; expected one for each of " + to_string(count) + " conformations");
    return energies;
}
