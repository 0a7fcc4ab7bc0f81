#include "genmd/MovedMolecules.h"
#include <algorithm>
#include <cmath>

using namespace OpenMM;
using namespace std;

MovedMolecules::MovedMolecules(ContextImpl& context, const vector<int>& particles)
    : system(context.getSystem()), particles(particles) {
    for (int i = 0; i < system.getNumParticles(); i++)
        masses.push_back(system.getParticleMass(i));
    vector<bool> proposed(masses.size(), false);
    for (int particle : particles)
        proposed[particle] = true;
    for (const vector<int>& molecule : context.getMolecules())
        if (any_of(molecule.begin(), molecule.end(), [&](int particle) { return proposed[particle]; }))
            molecules.push_back(molecule);
}

vector<int> MovedMolecules::selectRedrawn(const vector<Vec3>& start, const vector<Vec3>& current) const {
    vector<bool> moved(masses.size(), false);
    for (int i = 0; i < (int)particles.size(); i++)
        moved[particles[i]] = current[i] != start[i];
    vector<int> redrawn;
    for (const vector<int>& molecule : molecules)
        if (any_of(molecule.begin(), molecule.end(), [&](int particle) { return moved[particle]; }))
            copy_if(molecule.begin(), molecule.end(), back_inserter(redrawn),
                    [&](int particle) { return masses[particle] != 0; });
    return redrawn;
}

vector<Vec3> MovedMolecules::drawVelocities(const vector<int>& redrawn, double kT, JumpRandom& random) const {
    vector<Vec3> velocities(redrawn.size());
    for (int i = 0; i < (int)redrawn.size(); i++)
        for (int axis = 0; axis < 3; axis++)
            velocities[i][axis] = sqrt(kT / masses[redrawn[i]]) * random.nextGaussian();
    return velocities;
}

BondedForces& MovedMolecules::getBondedForces(int groups) {
    if (!bondedForces || bondedForces->getGroups() != groups) {
        vector<int> members;
        for (const vector<int>& molecule : molecules)
            members.insert(members.end(), molecule.begin(), molecule.end());
        bondedForces.reset(new BondedForces(system, members, groups));
    }
    return *bondedForces;
}
