#ifndef GENMD_RANDOMFORCES_H_
#define GENMD_RANDOMFORCES_H_

#include "openmm/CMAPTorsionForce.h"
#include "openmm/GBSAOBCForce.h"
#include "openmm/HarmonicAngleForce.h"
#include "openmm/HarmonicBondForce.h"
#include "openmm/NonbondedForce.h"
#include "openmm/PeriodicTorsionForce.h"
#include "openmm/RBTorsionForce.h"
#include "openmm/System.h"
#include <cmath>
#include <random>
#include <vector>

const int NumParticles = 12;

/** Random numbers, the same in every run. */
class Random {
public:
    double uniform(double from, double to) {
        return from + (to - from) * (generator() / (generator.max() + 1.0));
    }
    int index(int below) {
        return int(uniform(0, below));
    }
    std::vector<int> particles(int count) {
        std::vector<int> all(NumParticles);
        for (int i = 0; i < NumParticles; i++)
            all[i] = i;
        for (int i = 0; i < count; i++)
            std::swap(all[i], all[i + index(NumParticles - i)]);
        all.resize(count);
        return all;
    }
    std::vector<OpenMM::Vec3> conformation(double size) {
        std::vector<OpenMM::Vec3> positions(NumParticles);
        for (OpenMM::Vec3& position : positions)
            position = OpenMM::Vec3(uniform(-size, size), uniform(-size, size), uniform(-size, size));
        return positions;
    }

private:
    std::mt19937_64 generator{20240607};
};

/** Make one of seven Forces, kind 0 to 6: bonds, angles, torsions, RB torsions, maps, nonbonded, generalized Born. */
inline OpenMM::Force* randomForce(int kind, Random& random) {
    auto bonds = new OpenMM::HarmonicBondForce();
    auto angles = new OpenMM::HarmonicAngleForce();
    auto torsions = new OpenMM::PeriodicTorsionForce();
    auto rbTorsions = new OpenMM::RBTorsionForce();
    auto maps = new OpenMM::CMAPTorsionForce();
    auto nonbonded = new OpenMM::NonbondedForce();
    auto born = new OpenMM::GBSAOBCForce();
    std::vector<OpenMM::Force*> forces = {bonds, angles, torsions, rbTorsions, maps, nonbonded, born};
    for (int size : {4, 7}) {
        std::vector<double> energy(size * size);
        for (double& value : energy)
            value = random.uniform(-5, 5);
        maps->addMap(size, energy);
    }
    for (int i = 0; i < 20; i++) {
        std::vector<int> p = random.particles(8);
        bonds->addBond(p[0], p[1], random.uniform(0.1, 0.5), random.uniform(0, 1000));
        angles->addAngle(p[0], p[1], p[2], random.uniform(0, M_PI), random.uniform(0, 100));
        torsions->addTorsion(p[0], p[1], p[2], p[3], 1 + random.index(8), random.uniform(-4, 4), random.uniform(-9, 9));
        torsions->addTorsion(p[3], p[2], p[1], p[0], 1 + random.index(3), M_PI, random.uniform(-9, 9));
        rbTorsions->addTorsion(p[4], p[5], p[6], p[7], random.uniform(-9, 9), random.uniform(-9, 9),
                               random.uniform(-9, 9), random.uniform(-9, 9), random.uniform(-9, 9),
                               random.uniform(-9, 9));
        maps->addTorsion(i % 2, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]);
        if (i < 8)
            nonbonded->addException(p[0], p[1], random.uniform(-1, 1), 0.2, random.uniform(0, 1), true);
    }
    nonbonded->addGlobalParameter("lambda", 0.3);
    for (int i = 0; i < NumParticles; i++) {
        double charge = random.uniform(-1, 1);
        nonbonded->addParticle(charge, random.uniform(0.1, 0.3), random.uniform(0, 2));
        born->addParticle(charge, random.uniform(0.08, 0.25), random.uniform(0, 1.2));
    }
    nonbonded->addParticleParameterOffset("lambda", 3, 0.5, 0.1, 0.2);
    nonbonded->addExceptionParameterOffset("lambda", 1, 0.5, 0.1, 0.2);
    born->setSolventDielectric(50);
    born->setSoluteDielectric(2);
    born->setSurfaceAreaEnergy(3);
    for (int i = 0; i < forces.size(); i++)
        if (i != kind)
            delete forces[i];
    return forces[kind];
}

inline std::vector<int> allParticles() {
    std::vector<int> particles(NumParticles);
    for (int i = 0; i < NumParticles; i++)
        particles[i] = i;
    return particles;
}

inline OpenMM::System makeEmptySystem() {
    OpenMM::System system;
    for (int i = 0; i < NumParticles; i++)
        system.addParticle(1);
    return system;
}

#endif /*GENMD_RANDOMFORCES_H_*/
