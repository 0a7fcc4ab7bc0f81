#include "Testing.h"
#include "genmd/BlockNetwork.h"
#include <cmath>
#include <limits>
#include <random>

using namespace OpenMM;
using namespace std;

static mt19937 generator(1);

static vector<double> randomNumbers(size_t count, double scale) {
    normal_distribution<double> normal(0, scale);
    vector<double> numbers(count);
    for (double& number : numbers)
        number = normal(generator);
    return numbers;
}

static BlockDense randomDense(int inputs, int outputs) {
    return {inputs, outputs, randomNumbers(size_t(inputs) * outputs, 0.5 / sqrt(inputs)), randomNumbers(outputs, 0.5)};
}

static BlockWeights randomWeights(int torsions, int width, int heads, int hidden, int nodes, int layers) {
    BlockWeights weights;
    weights.torsions = torsions;
    weights.width = width;
    weights.heads = heads;
    weights.hidden = hidden;
    weights.nodes = nodes;
    weights.harmonics = 3;
    weights.embedding = randomNumbers(torsions * width, 1);
    weights.unknown = randomNumbers(width, 1);
    weights.kept = randomNumbers(torsions * 6 * width, 1);
    weights.drawn = randomNumbers(torsions * 6 * hidden, 1);
    const int pairs = heads * torsions * torsions;
    for (int i = 0; i < layers; i++)
        weights.layers.push_back({randomDense(width, width), randomDense(width, 2 * width), randomDense(width, width),
                                  randomDense(width, hidden), randomDense(hidden, width), randomNumbers(pairs, 1)});
    weights.queryKey = randomDense(width, 2 * width);
    weights.content = randomDense(width, hidden);
    weights.value = randomDense(hidden, width);
    weights.base = randomDense(width, width);
    weights.heard = randomDense(width, width);
    weights.logits = randomDense(width, nodes);
    for (int i = 0; i < 2; i++)
        weights.steps.push_back({randomDense(width, hidden), randomDense(hidden, width)});
    weights.listening = randomNumbers(pairs, 1);
    weights.marginal = randomNumbers(torsions * nodes, 1);
    return weights;
}

/** Numbers from first to last - 1. */
static vector<int> range(int first, int last) {
    vector<int> numbers;
    for (int i = first; i < last; i++)
        numbers.push_back(i);
    return numbers;
}

struct Drawn {
    vector<double> angles, logDensities;
};

/** Draw and weigh with one instruction set. The last torsion of a molecule that has more is neither drawn nor kept. */
static Drawn drawAndWeigh(const BlockWeights& weights, const string& set, int m, int n) {
    const int numKept = max(0, weights.torsions - m - 1);
    auto network = make_shared<const BlockNetwork>(weights, set);
    ASSERT_EQUAL(set, network->getInstructionSet());
    BlockConditional density(network, range(0, m), range(m, m + numKept), vector<double>(numKept, 0.7));
    mt19937 numbers(7);
    uniform_real_distribution<double> zeroToOne(0, 1);
    vector<double> uniform(n * m * BlockConditional::getNumbersPerTorsion());
    for (double& number : uniform)
        number = zeroToOne(numbers);
    const unique_ptr<bool[]> anywhere(new bool[n]);
    for (int i = 0; i < n; i++)
        anywhere[i] = i % 5 == 0;
    Drawn drawn = {vector<double>(n * m), vector<double>(n)};
    density.draw(n, uniform.data(), anywhere.get(), drawn.angles.data(), drawn.logDensities.data());
    vector<double> weighed(n);
    density.weigh(n, drawn.angles.data(), weighed.data());
    for (int i = 0; i < n; i++)
        ASSERT_EQUAL(drawn.logDensities[i], weighed[i]);
    return drawn;
}

/** Sizes that fill vectors and sizes that do not, down to the smallest. */
static void testInstructionSetsAgree() {
    const int sizes[][6] = {{1, 1, 1, 1, 4, 1}, {9, 6, 3, 70, 5, 1}, {17, 64, 4, 128, 36, 3}, {40, 20, 2, 9, 11, 2}};
    for (const auto& s : sizes) {
        BlockWeights weights = randomWeights(s[0], s[1], s[2], s[3], s[4], s[5]);
        for (int m : {1, (s[0] + 1) / 2, s[0]})
            for (int n : {0, 1, 33}) {
                const vector<string> sets = BlockNetwork::getInstructionSets();
                Drawn first = drawAndWeigh(weights, sets[0], m, n);
                for (const string& set : sets) {
                    Drawn other = drawAndWeigh(weights, set, m, n);
                    for (size_t i = 0; i < first.angles.size(); i++)
                        ASSERT_EQUAL_TOL(first.angles[i], other.angles[i], 1e-10);
                    for (int i = 0; i < n; i++)
                        ASSERT_EQUAL_TOL(first.logDensities[i], other.logDensities[i], 1e-9);
                }
            }
    }
}

static void testLostAngles() {
    auto network = make_shared<const BlockNetwork>(randomWeights(5, 16, 2, 24, 12, 2));
    const double lost = numeric_limits<double>::quiet_NaN(), angles[] = {0.0, lost, lost, 0.0, 1e300, -1e300};
    double found[3];
    BlockConditional(network, {0, 1}, {2, 3, 4}, {0, 1, 2}).weigh(3, angles, found);
    ASSERT(std::isnan(found[0]) && std::isnan(found[1]) && std::isfinite(found[2]));
}

int main() {
    return runTests([] {
        testInstructionSetsAgree();
        testLostAngles();
    });
}
