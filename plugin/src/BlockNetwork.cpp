#include "genmd/BlockNetwork.h"
#include "BlockNetworkKernel.h"
#include "BlockNetworkTables.h"
#include <algorithm>
#include <cstdint>
#include <stdexcept>

using namespace OpenMM;
using namespace std;

/** Numbers for a kernel's own use, aligned for any vectors. Each thread keeps what it got. */
static double* getScratch(long count) {
    static thread_local vector<double> room;
    const size_t alignment = BlockRowUnit * sizeof(double);
    if (room.size() < size_t(count) + BlockRowUnit)
        room.resize(count + BlockRowUnit);
    uintptr_t address = reinterpret_cast<uintptr_t>(room.data());
    return reinterpret_cast<double*>((address + alignment - 1) / alignment * alignment);
}

static size_t rowLength(int n) {
    return (n + BlockRowUnit - 1) / BlockRowUnit * BlockRowUnit;
}

static const BlockNetworkKernel* findKernel(const string& name) {
    const BlockNetworkKernel* kernels[3];
    const int count = getBlockNetworkKernels(kernels);
    string known;
    for (int i = 0; i < count; i++) {
        if (name.empty() || kernels[i]->name == name)
            return kernels[i];
        known += (known.empty() ? "" : ", ") + string(kernels[i]->name);
    }
    throw invalid_argument("instruction set must be one of " + known + " on this machine, got \"" + name + "\"");
}

BlockNetwork::BlockNetwork(const BlockWeights& weights, const string& instructionSet)
    : kernel(findKernel(instructionSet)), tables(new Tables(weights, kernel->numLanes)) {
}

BlockNetwork::~BlockNetwork() {
}

int BlockNetwork::getNumTorsions() const {
    return tables->torsions;
}

string BlockNetwork::getInstructionSet() const {
    return kernel->name;
}

vector<string> BlockNetwork::getInstructionSets() {
    const BlockNetworkKernel* kernels[3];
    vector<string> names(getBlockNetworkKernels(kernels));
    for (size_t i = 0; i < names.size(); i++)
        names[i] = kernels[i]->name;
    return names;
}

/** Each torsion may be in the block, or be kept, once. */
static void requireDifferent(const vector<int>& block, const vector<int>& kept, int numTorsions) {
    vector<bool> seen(numTorsions);
    for (const vector<int>* numbers : {&block, &kept})
        for (int number : *numbers) {
            if (number < 0 || number >= numTorsions || seen[number])
                throw invalid_argument("torsions of a block and those that are kept must be different numbers from 0 "
                                       "to " +
                                       to_string(numTorsions - 1) + ", got " + to_string(number) +
                                       (number < 0 || number >= numTorsions ? "" : " twice"));
            seen[number] = true;
        }
}

BlockConditional::BlockConditional(shared_ptr<const BlockNetwork> network, const vector<int>& block,
                                   const vector<int>& kept, const vector<double>& keptAngles)
    : network(move(network)), block(block) {
    const BlockTables& tables = *this->network->tables;
    if (block.empty())
        throw invalid_argument("a block must have at least one torsion, got none");
    requireDifferent(block, kept, tables.torsions);
    if (keptAngles.size() != kept.size())
        throw invalid_argument("expected values of the " + to_string(kept.size()) + " torsions that are kept, got " +
                               to_string(keptAngles.size()));
    const size_t m = block.size();
    base.resize(m * rowLength(tables.width));
    content.resize(m * rowLength(tables.hidden));
    gates.resize(m * m * rowLength(tables.width));
    const BlockInput input = {int(kept.size()), kept.data(), keptAngles.data()};
    context.reset(new BlockContext{int(m), this->block.data(), base.data(), content.data(), gates.data()});
    this->network->kernel->encode(tables, input, *context, getScratch(getEncodeScratch(tables, m)));
}

BlockConditional::~BlockConditional() {
}

int BlockConditional::getNumTorsions() const {
    return block.size();
}

int BlockConditional::getNumbersPerTorsion() {
    return DrawNumbers;
}

void BlockConditional::draw(int count, const double* uniform, const bool* anywhere, double* angles,
                            double* logDensities) const {
    const BlockTables& tables = *network->tables;
    const long m = block.size();
    double* scratch = getScratch(getDecodeScratch(tables, m));
    for (int i = 0; i < count; i += BlockBatch) {
        const BlockDraws draws = {min(BlockBatch, count - i), uniform + i * m * DrawNumbers, anywhere + i,
                                  angles + i * m, logDensities + i};
        network->kernel->draw(tables, *context, draws, scratch);
    }
}

void BlockConditional::weigh(int count, const double* angles, double* logDensities) const {
    const BlockTables& tables = *network->tables;
    const long m = block.size();
    const int most = getWeighCount(m);
    double* scratch = getScratch(getDecodeScratch(tables, m));
    for (int i = 0; i < count; i += most)
        network->kernel->weigh(tables, *context, min(most, count - i), angles + i * m, logDensities + i, scratch);
}
