#include "ParticleList.h"
#include <algorithm>

using namespace OpenMM;
using namespace std;

ParticleList::ParticleList(ComputeContext& cc) : cc(cc), indicesAreValid(false), slotsAreValid(false) {
}

void ParticleList::set(const vector<int>& newParticles) {
    if (newParticles == particles)
        return;
    particles = newParticles;
    indicesAreValid = slotsAreValid = false;
}

/** An array is made anew when the number of particles changes: OpenMM transfers arrays as a whole only. */
void ParticleList::fit(ComputeArray& array, int elementSize, const char* name) const {
    size_t size = max((size_t)1, particles.size());
    if (!array.isInitialized())
        array.initialize(cc, size, elementSize, name);
    else if (array.getSize() != size)
        array.resize(size);
}

ArrayInterface& ParticleList::getIndices() {
    if (!indicesAreValid) {
        fit(indices, sizeof(int), "genmdParticles");
        if (!particles.empty())
            indices.upload(particles);
        indicesAreValid = true;
    }
    return indices;
}

ArrayInterface& ParticleList::getSlots() {
    if (!slotsAreValid) {
        vector<int> places(cc.getPaddedNumAtoms(), -1);
        for (int i = 0; i < (int)particles.size(); i++)
            places[particles[i]] = i;
        if (!slots.isInitialized())
            slots.initialize<int>(cc, places.size(), "genmdSlots");
        slots.upload(places);
        slotsAreValid = true;
    }
    return slots;
}
