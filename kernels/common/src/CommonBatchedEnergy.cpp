#include "CommonBatchedEnergy.h"
#include "DeviceTables.h"
#include "KernelSources.h"
#include "openmm/common/ContextSelector.h"
#include <algorithm>

using namespace OpenMM;
using namespace std;

/** How many atoms, of all conformations together, are on the device at a time: 64 bytes each. */
static const int LargestPiece = 1 << 21;

CommonBatchedEnergy::CommonBatchedEnergy(const Platform& platform, ComputeContext& cc)
    : BatchedEnergyKernel(Name(), platform), cc(cc), numParticles(0) {
}

void CommonBatchedEnergy::initialize(const BatchedTerms& terms) {
    ContextSelector selector(cc);
    numParticles = terms.particles.size();
    DeviceTables tables(terms);
    integers.initialize<int>(cc, tables.integers.size(), "genmdIntegers");
    integers.upload(tables.integers);
    reals.initialize<double>(cc, tables.reals.size(), "genmdReals");
    reals.upload(tables.reals);
    makeRoom(1);
    compileKernels(tables.defines);
}

void CommonBatchedEnergy::compileKernels(const map<string, string>& defines) {
    ComputeProgram program = KernelSources::compile(cc, KernelSources::batchedEnergy, defines);
    transposeKernel = program->createKernel("transposePositions");
    bornKernel = program->createKernel("computeBornRadii");
    sharesKernel = program->createKernel("computeShares");
    sumKernel = program->createKernel("sumShares");
    for (ComputeKernel kernel : {transposeKernel, bornKernel, sharesKernel, sumKernel})
        kernel->addArg(1);
    for (ComputeKernel kernel : {bornKernel, sharesKernel, sumKernel}) {
        kernel->addArg(integers);
        kernel->addArg(reals);
    }
    transposeKernel->addArg(rows);
    for (ComputeKernel kernel : {transposeKernel, bornKernel, sharesKernel})
        kernel->addArg(positions);
    for (ComputeKernel kernel : {bornKernel, sharesKernel})
        kernel->addArg(inverseRadii);
    for (ComputeKernel kernel : {sharesKernel, sumKernel})
        kernel->addArg(shares);
    sumKernel->addArg(energies);
}

/** Make arrays large enough. Kernels keep their arguments: an array that is made larger is still the same one. */
void CommonBatchedEnergy::makeRoom(int count) {
    if (energies.isInitialized() && energies.getSize() >= count)
        return;
    size_t numCoordinates = 3 * (size_t)numParticles * count, numAtoms = (size_t)numParticles * count;
    auto fit = [&](ComputeArray& array, size_t size, const char* name) {
        if (array.isInitialized())
            array.resize(size);
        else
            array.initialize<double>(cc, size, name);
    };
    fit(rows, numCoordinates, "genmdRows");
    fit(positions, numCoordinates, "genmdCoordinates");
    fit(inverseRadii, numAtoms, "genmdInverseRadii");
    fit(shares, numAtoms, "genmdShares");
    fit(energies, count, "genmdEnergies");
}

void CommonBatchedEnergy::evaluate(const double* positions, int count, double* energies) {
    ContextSelector selector(cc);
    int piece = max(1, LargestPiece / numParticles);
    for (int first = 0; first < count; first += piece)
        evaluatePiece(positions + (size_t)first * 3 * numParticles, min(piece, count - first), energies + first);
}

void CommonBatchedEnergy::evaluatePiece(const double* newRows, int count, double* result) {
    makeRoom(count);
    rows.uploadSubArray(newRows, 0, 3 * numParticles * count);
    for (ComputeKernel kernel : {transposeKernel, bornKernel, sharesKernel, sumKernel})
        kernel->setArg(0, count);
    transposeKernel->execute(3 * numParticles * count);
    bornKernel->execute(numParticles * count);
    sharesKernel->execute(numParticles * count);
    sumKernel->execute(count);
    vector<double> all;
    energies.download(all);
    copy(all.begin(), all.begin() + count, result);
}
