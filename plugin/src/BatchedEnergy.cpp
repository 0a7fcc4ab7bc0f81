#include "genmd/BatchedEnergy.h"
#include "BatchedEnergyDevice.h"
#include "BatchedKernel.h"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <functional>
#include <stdexcept>
#include <system_error>
#include <thread>
#if defined(__linux__)
#include <sched.h>
#endif

using namespace OpenMM;
using namespace std;

/** From which distance on neither atom overlaps with the other's volume, and the power series is good. */
static vector<double> getFarDistances(const BatchedTerms& terms) {
    vector<double> squares;
    for (int i = 0; terms.hasBorn && i < terms.particles.size(); i++)
        for (int j = i + 1; j < terms.particles.size(); j++) {
            double a = fabs(terms.bornScaledRadii[i]), b = fabs(terms.bornScaledRadii[j]);
            double touching = max({terms.bornOffsetRadii[i] + b, terms.bornOffsetRadii[j] + a, 0.0});
            squares.push_back(max(touching * touching, max(a, b) * max(a, b) / BornSeriesEnd));
        }
    return squares;
}

BatchedEnergy::BatchedEnergy(const System& system, const vector<int>& particles, Platform* platform)
    : terms(system, particles), pairFarDistances(getFarDistances(terms)) {
    const BatchedKernel* kernels[3];
    getBatchedKernels(kernels);
    kernel = kernels[0];
    if (platform != nullptr)
        device = make_shared<BatchedEnergyDevice>(terms, *platform);
}

const Platform* BatchedEnergy::getPlatform() const {
    return device ? &device->getPlatform() : nullptr;
}

const vector<int>& BatchedEnergy::getParticles() const {
    return terms.particles;
}

const BatchedTerms& BatchedEnergy::getTerms() const {
    return terms;
}

int BatchedEnergy::getNumThreads() const {
    return numThreads;
}

void BatchedEnergy::setNumThreads(int threads) {
    if (threads < 0)
        throw invalid_argument("threads must be positive, or 0 for one per core, got " + to_string(threads));
    numThreads = threads;
}

vector<string> BatchedEnergy::getInstructionSets() {
    const BatchedKernel* kernels[3];
    vector<string> names(getBatchedKernels(kernels));
    for (int i = 0; i < names.size(); i++)
        names[i] = kernels[i]->name;
    return names;
}

void BatchedEnergy::setInstructionSet(const string& name) {
    const BatchedKernel* kernels[3];
    int count = getBatchedKernels(kernels);
    for (int i = 0; i < count; i++)
        if (kernels[i]->name == name) {
            kernel = kernels[i];
            return;
        }
    string known;
    for (const string& set : getInstructionSets())
        known += (known.empty() ? "" : ", ") + set;
    throw invalid_argument("instruction set must be one of " + known + " on this machine, got \"" + name + "\"");
}

string BatchedEnergy::getInstructionSet() const {
    return kernel->name;
}

BatchedTables BatchedEnergy::getTables() const {
    BatchedTables tables;
    tables.numParticles = terms.particles.size();
    tables.constantEnergy = terms.constantEnergy;
    tables.numBonds = terms.bondAtoms.size() / 2;
    tables.numAngles = terms.angleAtoms.size() / 3;
    tables.numTorsions = terms.torsionAtoms.size() / 4;
    tables.numCmaps = terms.cmapSizes.size();
    tables.bondAtoms = terms.bondAtoms.data();
    tables.angleAtoms = terms.angleAtoms.data();
    tables.torsionAtoms = terms.torsionAtoms.data();
    tables.torsionStarts = terms.torsionStarts.data();
    tables.cmapAtoms = terms.cmapAtoms.data();
    tables.cmapSizes = terms.cmapSizes.data();
    tables.cmapStarts = terms.cmapStarts.data();
    tables.bondParameters = terms.bondParameters.data();
    tables.angleParameters = terms.angleParameters.data();
    tables.torsionCosines = terms.torsionCosines.data();
    tables.torsionSines = terms.torsionSines.data();
    tables.cmapCoefficients = terms.cmapCoefficients.data();
    tables.hasPairs = terms.hasPairs;
    tables.hasBorn = terms.hasBorn;
    tables.pairCoulomb = terms.pairCoulomb.data();
    tables.pairRepulsion = terms.pairRepulsion.data();
    tables.pairAttraction = terms.pairAttraction.data();
    tables.bornRadii = terms.bornRadii.data();
    tables.bornOffsetRadii = terms.bornOffsetRadii.data();
    tables.bornScaledRadii = terms.bornScaledRadii.data();
    tables.bornCharges = terms.bornCharges.data();
    tables.bornSurface = terms.bornSurface.data();
    tables.bornSign = terms.bornSign;
    tables.pairFarDistances = pairFarDistances.data();
    tables.knownPairs = nullptr;
    return tables;
}

/** Get how many cores this process may use. */
static int countCores() {
#if defined(__linux__)
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0)
        return max(1, CPU_COUNT(&allowed));
#endif
    return max(1u, thread::hardware_concurrency());
}

/** A thread that gets less to do than this takes longer to start than it saves. */
static const double WorkPerThread = 1e5; // about 0.3 ms, in pairs of atoms of one conformation

int BatchedEnergy::chooseNumThreads(int count) const {
    double n = terms.particles.size(), work = count * (0.5 * n * n + 10 * n);
    int numBlocks = (count + kernel->numLanes - 1) / kernel->numLanes;
    int wanted = numThreads > 0 ? numThreads : countCores();
    return max(1, min({wanted, numBlocks, int(min(1e6, work / WorkPerThread))}));
}

void BatchedEnergy::evaluate(const vector<Vec3>& positions, int count, vector<double>& energies) {
    if (count < 0 || positions.size() != count * terms.particles.size())
        throw invalid_argument("expected positions of " + to_string(count) + " conformations of " +
                               to_string(terms.particles.size()) + " particles, got " + to_string(positions.size()));
    static_assert(sizeof(Vec3) == 3 * sizeof(double), "a Vec3 is three numbers");
    energies.resize(count);
    evaluate(reinterpret_cast<const double*>(positions.data()), count, energies.data());
}

/** Call a function with 0 to count - 1, at the same time as far as there are threads. Exceptions arrive here. */
static void callInParallel(int count, const function<void(int)>& call) {
    vector<exception_ptr> failures(count);
    auto callSafely = [&](int i) {
        try {
            call(i);
        } catch (...) {
            failures[i] = current_exception();
        }
    };
    vector<thread> others;
    others.reserve(count);
    int next = 1;
    try {
        for (; next < count; next++)
            others.emplace_back([&callSafely, next] { callSafely(next); });
    } catch (const system_error&) {
        // The system has no more threads to give: this one does the rest.
    }
    callSafely(0);
    for (; next < count; next++)
        callSafely(next);
    for (thread& other : others)
        other.join();
    for (const exception_ptr& failure : failures)
        if (failure)
            rethrow_exception(failure);
}

void BatchedEnergy::evaluate(const double* positions, int count, double* energies) const {
    if (device)
        device->evaluate(positions, count, energies);
    else
        evaluateOnHost(positions, count, energies);
}

void BatchedEnergy::evaluateOnHost(const double* positions, int count, double* energies) const {
    int threads = chooseNumThreads(count), numBlocks = (count + kernel->numLanes - 1) / kernel->numLanes;
    auto share = [&](int i) {
        return min(count, int(int64_t(numBlocks) * i / threads) * kernel->numLanes);
    };
    BatchedTables tables = getTables();
    vector<double> known;
    if (terms.hasPairs && numBlocks > 1) {
        known.resize(KnownPerPair * terms.pairCoulomb.size());
        kernel->findKnown(tables, positions, known.data());
        tables.knownPairs = known.data();
    }
    callInParallel(threads, [&](int i) { evaluateRange(tables, positions, share(i), share(i + 1), energies); });
}

/** Rows of one lane's coordinates become columns. Lanes beyond the last conformation repeat it. */
static void pack(const double* positions, size_t numCoordinates, int lanes, int used, double* packed) {
    for (int lane = 0; lane < lanes; lane++) {
        const double* row = positions + min(lane, used - 1) * numCoordinates;
        for (size_t i = 0; i < numCoordinates; i++)
            packed[i * lanes + lane] = row[i];
    }
}

void BatchedEnergy::evaluateRange(const BatchedTables& tables, const double* positions, int first, int last,
                                  double* energies) const {
    const size_t lanes = kernel->numLanes, n = terms.particles.size(), alignment = lanes * sizeof(double);
    vector<double> room((3 + BatchedScratch) * n * lanes + 2 * lanes);
    uintptr_t address = reinterpret_cast<uintptr_t>(room.data());
    double* packed = reinterpret_cast<double*>((address + alignment - 1) / alignment * alignment);
    double *scratch = packed + 3 * n * lanes, *results = scratch + BatchedScratch * n * lanes;
    for (int i = first; i < last; i += lanes) {
        int used = min<int>(lanes, last - i);
        pack(positions + i * 3 * n, 3 * n, lanes, used, packed);
        kernel->evaluate(tables, packed, scratch, results);
        copy(results, results + used, energies + i);
    }
}
