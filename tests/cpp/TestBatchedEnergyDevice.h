#ifndef GENMD_TESTBATCHEDENERGYDEVICE_H_
#define GENMD_TESTBATCHEDENERGYDEVICE_H_

#include "RandomForces.h"
#include "Testing.h"
#include "genmd/BatchedEnergy.h"
#include "openmm/Platform.h"
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

using namespace OpenMM;
using namespace std;

/** Conformations of all particles, one after the other. */
inline vector<Vec3> randomBatch(Random& random, int count, double size) {
    vector<Vec3> batch;
    for (int i = 0; i < count; i++) {
        vector<Vec3> positions = random.conformation(size);
        batch.insert(batch.end(), positions.begin(), positions.end());
    }
    return batch;
}

/** Energies on a device against those on the host, which TestBatchedEnergy compares with OpenMM. */
class BatchedEnergyDeviceTest {
public:
    explicit BatchedEnergyDeviceTest(const string& platform) : platform(Platform::getPlatformByName(platform)) {
    }
    void testForce(int kind) {
        System system = makeEmptySystem();
        system.addForce(randomForce(kind, random));
        for (double size : {0.3, 1.0})
            compare(system, allParticles(), {37}, size);
    }
    void testBatches() {
        compare(makeFullSystem(), allParticles(), {1, 3, 257, 1, 0}, 0.4);
        compare(makeEmptySystem(), allParticles(), {3}, 0.4);
    }
    void testSubset() {
        System system = makeEmptySystem();
        system.addForce(randomForce(5, random));
        system.addForce(randomForce(6, random));
        compare(system, {9, 2, 7}, {5}, 0.4);
        compare(system, {4}, {5}, 0.4);
    }
    /** More than fits into one piece. */
    void testPieces() {
        System system = makeEmptySystem();
        system.addForce(randomForce(0, random));
        compare(system, allParticles(), {180000}, 0.4);
    }
    void testBadPositions() {
        vector<Vec3> batch = randomBatch(random, 3, 0.4);
        batch[5][1] = numeric_limits<double>::quiet_NaN();
        batch[NumParticles + 7] = batch[NumParticles + 2];
        vector<double> energies;
        BatchedEnergy device(makeFullSystem(), allParticles(), &platform);
        device.evaluate(batch, 3, energies);
        ASSERT(std::isnan(energies[0]));
        ASSERT(!std::isfinite(energies[1]));
        ASSERT(std::isfinite(energies[2]));
        assertThrows("expected positions of 2 conformations of 12 particles, got 36",
                     [&] { device.evaluate(batch, 2, energies); });
    }
    void testStraightTorsion() {
        System system = makeEmptySystem();
        PeriodicTorsionForce* torsions = new PeriodicTorsionForce();
        torsions->addTorsion(0, 1, 2, 3, 1, 0.4, 3.0);
        system.addForce(torsions);
        vector<Vec3> positions(NumParticles);
        for (int i = 0; i < 3; i++)
            positions[i] = Vec3(i, 0, 0);
        positions[3] = Vec3(3, 1, 0);
        vector<double> expected, energies;
        BatchedEnergy(system, allParticles()).evaluate(positions, 1, expected);
        BatchedEnergy(system, allParticles(), &platform).evaluate(positions, 1, energies);
        ASSERT_EQUAL_TOL(expected[0], energies[0], 1e-12);
    }
    void testCopiesShareTheDevice() {
        System system = makeFullSystem();
        vector<Vec3> batch = randomBatch(random, 2, 0.4);
        vector<double> expected, energies;
        unique_ptr<BatchedEnergy> original(new BatchedEnergy(system, allParticles(), &platform));
        ASSERT(original->getPlatform() == &platform);
        original->evaluate(batch, 2, expected);
        BatchedEnergy copied(*original);
        original.reset();
        copied.evaluate(batch, 2, energies);
        ASSERT(expected == energies);
        ASSERT(BatchedEnergy(system, allParticles()).getPlatform() == nullptr);
    }
    void testErrors() {
        Platform& reference = Platform::getPlatformByName("Reference");
        assertThrows("platform Reference has no kernel for energies of many conformations; platforms that have: " +
                         platform.getName(),
                     [&] { BatchedEnergy(makeEmptySystem(), allParticles(), &reference); });
        string index = platform.getPropertyDefaultValue("DeviceIndex");
        platform.setPropertyDefaultValue("DeviceIndex", "12345");
        LeakDetectionOff leakDetectionOff; // OpenMM does not free a Context whose initialization fails.
        assertThrows("platform " + platform.getName() + " cannot be used in double precision",
                     [&] { BatchedEnergy(makeEmptySystem(), allParticles(), &platform); });
        platform.setPropertyDefaultValue("DeviceIndex", index);
    }

private:
    System makeFullSystem() {
        System system = makeEmptySystem();
        for (int kind = 0; kind < 7; kind++)
            system.addForce(randomForce(kind, random));
        return system;
    }
    void compare(const System& system, const vector<int>& particles, const vector<int>& counts, double size) {
        BatchedEnergy host(system, particles), device(system, particles, &platform);
        for (int count : counts) {
            vector<Vec3> batch = randomBatch(random, count, size);
            batch.resize(count * particles.size());
            vector<double> expected, energies;
            host.evaluate(batch, count, expected);
            device.evaluate(batch, count, energies);
            ASSERT_EQUAL(count, energies.size());
            for (int i = 0; i < count; i++)
                ASSERT_EQUAL_TOL(expected[i], energies[i], 1e-9);
        }
    }
    Platform& platform;
    Random random;
};

inline void testBatchedEnergyDevice(const string& platform) {
    BatchedEnergyDeviceTest test(platform);
    for (int kind = 0; kind < 7; kind++)
        test.testForce(kind);
    test.testBatches();
    test.testSubset();
    test.testPieces();
    test.testBadPositions();
    test.testStraightTorsion();
    test.testCopiesShareTheDevice();
    test.testErrors();
}

#endif /*GENMD_TESTBATCHEDENERGYDEVICE_H_*/
