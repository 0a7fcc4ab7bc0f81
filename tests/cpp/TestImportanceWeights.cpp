#include "ImportanceWeights.h"
#include "Testing.h"
#include <cmath>
#include <limits>

using namespace OpenMM;
using namespace std;

static const double INFINITE = numeric_limits<double>::infinity();

/** Weights exp(-V/kT)/q for V = 0, kT log 3 and densities 1, 1/2: 1 and 2/3. */
static void testSums() {
    const double kT = 2.5;
    ImportanceWeights weights;
    weights.add(0, kT, 0);
    weights.add(kT * log(3.0), kT, log(0.5));
    ASSERT_EQUAL_TOL(log(1 + 2.0 / 3), weights.getLogSum(), 1e-12);
    ASSERT_EQUAL_TOL(0.6, weights.getShares()[0], 1e-12);
    weights.set(0, kT * log(3.0), kT, log(0.5));
    ASSERT_EQUAL_TOL(log(4.0 / 3), weights.getLogSum(), 1e-12);
}

/** Energies far beyond what exp() can take. */
static void testRange() {
    ImportanceWeights weights;
    weights.add(-1e6, 1, 0);
    weights.add(-1e6 + log(2.0), 1, 0);
    ASSERT_EQUAL_TOL(1e6 + log(1.5), weights.getLogSum(), 1e-12);
}

static void testPickFollowsWeights() {
    ImportanceWeights weights;
    const vector<double> expected = {0.1, 0, 0.6, 0, 0.3};
    for (double share : expected)
        weights.add(share > 0 ? -log(share) : INFINITE, 1, 0);
    JumpRandom random(3);
    const int samples = 100000;
    vector<int> counts(expected.size(), 0);
    for (int i = 0; i < samples; i++)
        counts[weights.pick(random)]++;
    for (int i = 0; i < (int)expected.size(); i++)
        ASSERT(fabs(counts[i] - samples * expected[i]) <= 4 * sqrt(samples * expected[i] * (1 - expected[i])));
}

/** What has no finite energy or density cannot be picked; nothing can if that holds for all. */
static void testWithoutWeight() {
    ImportanceWeights weights;
    JumpRandom random(4);
    for (double bad : {double(NAN), INFINITE, -INFINITE}) {
        weights.add(bad, 1, 0);
        weights.add(0, 1, bad);
    }
    ASSERT_EQUAL(-1, weights.pick(random));
    ASSERT(weights.getLogSum() == -INFINITE);
    weights.add(0, 1, 0);
    for (int i = 0; i < 100; i++)
        ASSERT_EQUAL(6, weights.pick(random));
}

int main() {
    return runTests([] {
        testSums();
        testRange();
        testPickFollowsWeights();
        testWithoutWeight();
    });
}
