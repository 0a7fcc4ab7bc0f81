#include "RandomForces.h"
#include "Testing.h"
#include "genmd/BatchedEnergy.h"
#include "openmm/AndersenThermostat.h"
#include "openmm/CMMotionRemover.h"
#include "openmm/Context.h"
#include "openmm/CustomBondForce.h"
#include "openmm/CustomExternalForce.h"
#include "openmm/PeriodicTorsionForce.h"
#include "openmm/Platform.h"
#include "openmm/VerletIntegrator.h"
#include "openmm/VirtualSite.h"
#include <cmath>
#include <limits>

using namespace OpenMM;
using namespace std;

static const int NumConformations = 37;

/** Energies of conformations, one after the other. */
static vector<double> evaluateReference(const System& system, const vector<vector<Vec3>>& conformations) {
    VerletIntegrator integrator(0.001);
    Context context(system, integrator, Platform::getPlatformByName("Reference"));
    vector<double> energies;
    for (const vector<Vec3>& positions : conformations) {
        context.setPositions(positions);
        energies.push_back(context.getState(State::Energy).getPotentialEnergy());
    }
    return energies;
}

static vector<Vec3> join(const vector<vector<Vec3>>& conformations) {
    vector<Vec3> all;
    for (const vector<Vec3>& positions : conformations)
        all.insert(all.end(), positions.begin(), positions.end());
    return all;
}

static void compare(const System& system, const vector<vector<Vec3>>& conformations) {
    vector<double> expected = evaluateReference(system, conformations), energies;
    BatchedEnergy batched(system, allParticles());
    vector<string> sets = BatchedEnergy::getInstructionSets();
    ASSERT_EQUAL(sets[0], batched.getInstructionSet());
    for (const string& set : sets) {
        batched.setInstructionSet(set);
        batched.evaluate(join(conformations), conformations.size(), energies);
        ASSERT_EQUAL(conformations.size(), energies.size());
        for (int i = 0; i < energies.size(); i++)
            ASSERT_EQUAL_TOL(expected[i], energies[i], 1e-10);
    }
}

static void testForce(int kind) {
    Random random;
    for (int repeat = 0; repeat < 5; repeat++) {
        System system = makeEmptySystem();
        system.addForce(randomForce(kind, random));
        vector<vector<Vec3>> conformations(NumConformations);
        for (int i = 0; i < NumConformations; i++)
            conformations[i] = random.conformation(i % 2 ? 0.3 : 1.0);
        compare(system, conformations);
    }
}

static void testEverythingTogether() {
    Random random;
    System system = makeEmptySystem();
    for (int kind = 0; kind < 7; kind++)
        system.addForce(randomForce(kind, random));
    system.addForce(randomForce(5, random));
    system.addForce(new CMMotionRemover());
    system.addForce(new AndersenThermostat(300, 1));
    system.addForce(new CustomBondForce("r"));
    vector<vector<Vec3>> conformations(NumConformations);
    for (vector<Vec3>& positions : conformations)
        positions = random.conformation(0.4);
    compare(system, conformations);
}

/** Half of the particles move as one body, so that what is known of their pairs is used again. */
static void testRigidBodies() {
    Random random;
    System system = makeEmptySystem();
    system.addForce(randomForce(5, random));
    for (bool withBorn : {false, true}) {
        if (withBorn)
            system.addForce(randomForce(6, random));
        vector<vector<Vec3>> conformations(NumConformations, random.conformation(0.4));
        for (int i = 1; i < NumConformations; i++) {
            vector<Vec3> others = random.conformation(0.4);
            for (int j = 0; j < NumParticles; j++)
                conformations[i][j] = j < NumParticles / 2 ? conformations[i][j] + others[0] : others[j];
        }
        conformations[20][3][0] += 1e-5;
        compare(system, conformations);
    }
}

static void testThreadsAndBatches() {
    Random random;
    System system = makeEmptySystem();
    for (int kind = 0; kind < 7; kind++)
        system.addForce(randomForce(kind, random));
    vector<vector<Vec3>> conformations(5000);
    for (vector<Vec3>& positions : conformations)
        positions = random.conformation(0.4);
    BatchedEnergy batched(system, allParticles());
    vector<double> single, shared, one;
    batched.setNumThreads(1);
    batched.evaluate(join(conformations), conformations.size(), single);
    batched.setNumThreads(3);
    ASSERT_EQUAL(3, batched.getNumThreads());
    batched.evaluate(join(conformations), conformations.size(), shared);
    ASSERT(single == shared);
    for (int i = 0; i < 5; i++) {
        batched.evaluate(conformations[i], 1, one);
        ASSERT_EQUAL(single[i], one[0]);
    }
    batched.evaluate({}, 0, one);
    ASSERT(one.empty());
}

static void testBadPositions() {
    Random random;
    System system = makeEmptySystem();
    for (int kind = 0; kind < 7; kind++)
        system.addForce(randomForce(kind, random));
    vector<vector<Vec3>> conformations(3, random.conformation(0.4));
    conformations[0][5][1] = numeric_limits<double>::quiet_NaN();
    conformations[1][7] = conformations[1][2];
    BatchedEnergy batched(system, allParticles());
    vector<double> energies;
    for (const string& set : BatchedEnergy::getInstructionSets()) {
        batched.setInstructionSet(set);
        batched.evaluate(join(conformations), 3, energies);
        ASSERT(std::isnan(energies[0]));
        ASSERT(!std::isfinite(energies[1]));
        ASSERT(std::isfinite(energies[2]));
    }
    assertThrows("expected positions of 2 conformations of 12 particles, got 36",
                 [&] { batched.evaluate(join(conformations), 2, energies); });
}

static void testStraightTorsion() {
    System system = makeEmptySystem();
    PeriodicTorsionForce* torsions = new PeriodicTorsionForce();
    torsions->addTorsion(0, 1, 2, 3, 1, 0.4, 3.0);
    system.addForce(torsions);
    vector<Vec3> positions(NumParticles);
    for (int i = 0; i < 3; i++)
        positions[i] = Vec3(i, 0, 0);
    positions[3] = Vec3(3, 1, 0);
    compare(system, {positions});
}

static void testSubset() {
    Random random;
    System system = makeEmptySystem();
    HarmonicBondForce* bonds = new HarmonicBondForce();
    bonds->addBond(2, 9, 0.2, 100);
    bonds->addBond(4, 5, 0.2, 100);
    system.addForce(bonds);
    system.addForce(randomForce(5, random));
    system.addForce(randomForce(6, random));
    BatchedEnergy batched(system, {9, 2, 7});
    ASSERT_EQUAL(3, batched.getParticles().size());
    ASSERT_EQUAL(1, batched.getTerms().bondAtoms[0]);
    ASSERT_EQUAL(2, batched.getTerms().bondAtoms.size());
    ASSERT_EQUAL(3, batched.getTerms().pairCoulomb.size());
    system.addConstraint(2, 3, 0.1);
    assertThrows("constraint 0 joins particle 2 with 3", [&] { BatchedEnergy(system, {9, 2, 7}); });
    assertThrows("bond 1 joins particle 4 with 5", [&] { BatchedEnergy(system, {4}); });
}

static void testErrors() {
    System system = makeEmptySystem();
    assertThrows("at least one particle", [&] { BatchedEnergy(system, {}); });
    assertThrows("between 0 and 11, got 12", [&] { BatchedEnergy(system, {1, 12}); });
    assertThrows("between 0 and 11, got -1", [&] { BatchedEnergy(system, {-1}); });
    assertThrows("must differ, got 4 twice", [&] { BatchedEnergy(system, {4, 1, 4}); });
    BatchedEnergy batched(system, {0});
    assertThrows("threads must be positive", [&] { batched.setNumThreads(-1); });
    assertThrows("instruction set must be one of", [&] { batched.setInstructionSet("abacus"); });

    PeriodicTorsionForce* torsions = new PeriodicTorsionForce();
    torsions->addTorsion(0, 1, 2, 3, 0, 0.0, 1.0);
    system.addForce(torsions);
    assertThrows("torsion 0 has a periodicity that is not between 1 and 100",
                 [&] { BatchedEnergy(system, allParticles()); });
    system.setVirtualSite(3, new TwoParticleAverageSite(1, 2, 0.5, 0.5));
    assertThrows("particle 3 is a virtual site", [&] { BatchedEnergy(system, {1}); });
}

/** What OpenMM would refuse as soon as it is used. */
static void testInconsistentSystem() {
    System system = makeEmptySystem();
    HarmonicBondForce* bonds = new HarmonicBondForce();
    bonds->addBond(0, 77, 0.1, 1);
    CMAPTorsionForce* maps = new CMAPTorsionForce();
    maps->addTorsion(3, 0, 1, 2, 3, 4, 5, 6, 7);
    NonbondedForce *few = new NonbondedForce(), *exceptions = new NonbondedForce();
    for (int i = 0; i < NumParticles; i++)
        exceptions->addParticle(0, 1, 0);
    exceptions->addException(-1, 2, 0, 1, 0);
    for (Force* force : vector<Force*>{bonds, maps, few, exceptions, new GBSAOBCForce()})
        system.addForce(force);
    system.addConstraint(2, 12, 0.1);
    for (string expected :
         {"HarmonicBondForce: bond 0 refers to particle 77, which does not exist", "torsion 0 refers to map 3",
          "NonbondedForce has 0 particles, the System 12", "exception 0 refers to particle -1",
          "GBSAOBCForce has 0 particles, the System 12", "constraint 0 refers to particle 12"})
        assertThrows(expected, [&] { BatchedEnergy(system, allParticles()); });
    System lost = makeEmptySystem();
    lost.setVirtualSite(3, new TwoParticleAverageSite(1, 40, 0.5, 0.5));
    assertThrows("virtual site 3 refers to particle 40", [&] { BatchedEnergy(lost, {0}); });
}

static void testListOfWhatIsMissing() {
    Random random;
    System system = makeEmptySystem();
    NonbondedForce* nonbonded = dynamic_cast<NonbondedForce*>(randomForce(5, random));
    nonbonded->setNonbondedMethod(NonbondedForce::PME);
    GBSAOBCForce* born = dynamic_cast<GBSAOBCForce*>(randomForce(6, random));
    born->setNonbondedMethod(GBSAOBCForce::CutoffNonPeriodic);
    CustomExternalForce* wall = new CustomExternalForce("z");
    wall->addParticle(0);
    wall->setName("wall");
    system.addForce(nonbonded);
    system.addForce(born);
    system.addForce(wall);
    system.addForce(randomForce(6, random));
    system.addForce(randomForce(6, random));
    for (int kind = 0; kind < 5; kind++) {
        Force* force = randomForce(kind, random);
        if (kind == 0)
            dynamic_cast<HarmonicBondForce*>(force)->setUsesPeriodicBoundaryConditions(true);
        if (kind == 1)
            dynamic_cast<HarmonicAngleForce*>(force)->setUsesPeriodicBoundaryConditions(true);
        if (kind == 2)
            dynamic_cast<PeriodicTorsionForce*>(force)->setUsesPeriodicBoundaryConditions(true);
        if (kind == 3)
            dynamic_cast<RBTorsionForce*>(force)->setUsesPeriodicBoundaryConditions(true);
        if (kind == 4)
            dynamic_cast<CMAPTorsionForce*>(force)->setUsesPeriodicBoundaryConditions(true);
        system.addForce(force);
    }
    for (string expected :
         {"NonbondedForce with a cutoff (PME)", "GBSAOBCForce with a cutoff", "CustomExternalForce \"wall\"",
          "more than one GBSAOBCForce", "HarmonicBondForce with periodic", "HarmonicAngleForce with periodic",
          "PeriodicTorsionForce with periodic", "RBTorsionForce with periodic", "CMAPTorsionForce with periodic",
          "System of whole molecules without cutoff"})
        assertThrows(expected, [&] { BatchedEnergy(system, allParticles()); });
}

int main() {
    return runTests([] {
        for (int kind = 0; kind < 7; kind++)
            testForce(kind);
        testEverythingTogether();
        testRigidBodies();
        testThreadsAndBatches();
        testBadPositions();
        testStraightTorsion();
        testSubset();
        testErrors();
        testInconsistentSystem();
        testListOfWhatIsMissing();
    });
}
