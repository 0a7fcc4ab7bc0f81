#ifndef GENMD_JUMPKERNELSYSTEM_H_
#define GENMD_JUMPKERNELSYSTEM_H_

#include "genmd/JumpRandom.h"
#include "openmm/HarmonicAngleForce.h"
#include "openmm/HarmonicBondForce.h"
#include "openmm/MonteCarloBarostat.h"
#include "openmm/NonbondedForce.h"
#include "openmm/System.h"
#include "openmm/Vec3.h"
#include "openmm/VirtualSite.h"
#include <vector>

/**
 * Bent molecules of three atoms (one bond constrained) and a virtual site, among single atoms, in a periodic box. All
 * molecules of a kind are the same, so that OpenMM reorders them, and many lie several boxes away from the first one.
 */
struct JumpKernelSystem {
    static const int NUM_MOLECULES = 60;
    static const int NUM_SINGLES = 140;
    OpenMM::System system;
    OpenMM::NonbondedForce* nonbonded;
    std::vector<OpenMM::Vec3> positions;
    /** Those that jumps move: two molecules and an atom, in no particular order. */
    std::vector<int> moved = {43, 40, 41, 42, 4, 5, 6, 7, 4 * NUM_MOLECULES + 3};
    OpenMM::Vec3 box[3] = {OpenMM::Vec3(3, 0, 0), OpenMM::Vec3(0, 3, 0), OpenMM::Vec3(0, 0, 3)};

    JumpKernelSystem(bool triclinic, bool constantPressure) {
        if (triclinic) {
            box[1] = OpenMM::Vec3(1.2, 3, 0);
            box[2] = OpenMM::Vec3(-0.9, 0.8, 3);
        }
        system.setDefaultPeriodicBoxVectors(box[0], box[1], box[2]);
        OpenMM::HarmonicBondForce* bonds = new OpenMM::HarmonicBondForce();
        OpenMM::HarmonicAngleForce* angles = new OpenMM::HarmonicAngleForce();
        nonbonded = new OpenMM::NonbondedForce();
        nonbonded->setNonbondedMethod(OpenMM::NonbondedForce::CutoffPeriodic);
        nonbonded->setCutoffDistance(0.8);
        for (OpenMM::Force* force : std::vector<OpenMM::Force*>{bonds, angles, nonbonded})
            system.addForce(force);
        for (int i = 0; i < NUM_MOLECULES; i++)
            addMolecule(i, *bonds, *angles);
        for (int i = 0; i < NUM_SINGLES; i++) {
            system.addParticle(40.0);
            nonbonded->addParticle(0.0, 0.3, 0.5);
            positions.push_back(getPlace(NUM_MOLECULES + i));
        }
        if (constantPressure)
            system.addForce(new OpenMM::MonteCarloBarostat(50.0, 300.0, 5));
    }
    void addMolecule(int molecule, OpenMM::HarmonicBondForce& bonds, OpenMM::HarmonicAngleForce& angles) {
        int first = system.getNumParticles();
        OpenMM::Vec3 place = getPlace(molecule);
        for (double mass : {12.0, 16.0, 1.0, 0.0})
            system.addParticle(mass);
        nonbonded->addParticle(0.3, 0.25, 0.4);
        nonbonded->addParticle(0.0, 0.25, 0.4);
        nonbonded->addParticle(0.2, 1.0, 0.0);
        nonbonded->addParticle(-0.5, 1.0, 0.0);
        for (OpenMM::Vec3 offset :
             {OpenMM::Vec3(), OpenMM::Vec3(0.15, 0, 0), OpenMM::Vec3(0.18, 0.0953939201, 0), OpenMM::Vec3(0.075, 0, 0)})
            positions.push_back(place + offset);
        bonds.addBond(first, first + 1, 0.15, 2e5);
        angles.addAngle(first, first + 1, first + 2, 1.9, 300.0);
        system.addConstraint(first + 1, first + 2, 0.1);
        system.setVirtualSite(first + 3, new OpenMM::TwoParticleAverageSite(first, first + 1, 0.5, 0.5));
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < i; j++)
                nonbonded->addException(first + i, first + j, 0.0, 1.0, 0.0);
    }
    /** A place on a grid, several boxes away. */
    OpenMM::Vec3 getPlace(int i) const {
        int cell = (i * 37) % 216;
        OpenMM::Vec3 place =
            box[0] * ((cell % 6) / 6.0) + box[1] * ((cell / 6 % 6) / 6.0) + box[2] * ((cell / 36) / 6.0);
        return place + box[0] * (i % 5 - 2) + box[1] * (i % 3 - 1) + box[2] * (i % 7 - 3);
    }
    /** Move each molecule of the moved particles as a rigid body, by up to a distance in nm. */
    std::vector<OpenMM::Vec3> displace(const std::vector<OpenMM::Vec3>& from, double distance,
                                       OpenMM::JumpRandom& random) const {
        std::vector<OpenMM::Vec3> to = from;
        for (int first : {0, 4, 8}) {
            OpenMM::Vec3 shift(random.nextUniform() - 0.5, random.nextUniform() - 0.5, random.nextUniform() - 0.5);
            for (int i = first; i < first + (first == 8 ? 1 : 4); i++)
                to[i] += shift * (2 * distance);
        }
        return to;
    }
};

#endif /*GENMD_JUMPKERNELSYSTEM_H_*/
