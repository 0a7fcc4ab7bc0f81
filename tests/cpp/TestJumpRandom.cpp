#include "HexText.h"
#include "Testing.h"
#include "genmd/Acceptance.h"
#include "genmd/JumpRandom.h"
#include <cmath>
#include <limits>

using namespace OpenMM;
using namespace std;

/** Reference values of xoshiro256** from the state that splitmix64 makes of seed 0, from the published algorithms. */
static void testKnownSequence() {
    JumpRandom random(0);
    ASSERT(random.getState()[0] == 0xe220a8397b1dcdafULL);
    ASSERT(random.getState()[1] == 0x6e789e6aa1b965f4ULL);
    ASSERT(random.nextBits() == 0x99ec5f36cb75f2b4ULL);
    ASSERT(random.nextBits() == 0xbf6e1f784956452aULL);
}

static void testMoments() {
    JumpRandom random(17);
    const int samples = 400000;
    double uniform = 0, mean = 0, variance = 0, fourth = 0;
    for (int i = 0; i < samples; i++) {
        double u = random.nextUniform();
        ASSERT(u >= 0 && u < 1);
        uniform += u;
        double g = random.nextGaussian();
        mean += g;
        variance += g * g;
        fourth += g * g * g * g;
    }
    ASSERT_EQUAL_TOL(0.5, uniform / samples, 8 * sqrt(1 / 12.0 / samples));
    ASSERT(fabs(mean / samples) < 4 * sqrt(1.0 / samples));
    ASSERT(fabs(variance / samples - 1) < 4 * sqrt(2.0 / samples));
    ASSERT(fabs(fourth / samples - 3) < 4 * sqrt(96.0 / samples));
}

static void testState() {
    JumpRandom first(5), second(6);
    for (int i = 0; i < 10; i++)
        first.nextGaussian();
    second.setState(first.getState());
    for (int i = 0; i < 10; i++)
        ASSERT(first.nextBits() == second.nextBits());
    assertThrows("four zero words", [&] { first.setState(JumpRandom::State{}); });
}

static void testAcceptance() {
    const double infinity = numeric_limits<double>::infinity();
    ASSERT(getAcceptanceProbability(-1, 2.5, 0) == 1);
    ASSERT_EQUAL_TOL(exp(-2.0 / 2.5 - 0.3), getAcceptanceProbability(2, 2.5, -0.3), 1e-14);
    ASSERT_EQUAL_TOL(exp(-2.0 / 2.5 + 0.3), getAcceptanceProbability(2, 2.5, 0.3), 1e-14);
    for (double bad : {(double)NAN, infinity, -infinity}) {
        ASSERT(getAcceptanceProbability(bad, 2.5, 0) == 0);
        ASSERT(getAcceptanceProbability(1, 2.5, bad) == 0);
    }
    ASSERT(getAcceptanceProbability(1, 0, 0) == 0);
}

static void testHexText() {
    string bytes("\0\x7f\xff abc", 7);
    ASSERT(fromHex(toHex(bytes)) == bytes);
    ASSERT(toHex(string("\xa0", 1)) == "a0");
    assertThrows("is not hexadecimal", [] { fromHex("0g"); });
    assertThrows("is not hexadecimal", [] { fromHex("abc"); });
}

int main() {
    return runTests([] {
        testKnownSequence();
        testMoments();
        testState();
        testAcceptance();
        testHexText();
    });
}
