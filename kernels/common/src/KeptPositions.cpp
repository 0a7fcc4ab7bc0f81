#include "KeptPositions.h"
#include "KernelSources.h"
#include <algorithm>

using namespace OpenMM;
using namespace std;

class KeptPositions::Listener : public ComputeContext::ReorderListener {
public:
    explicit Listener(shared_ptr<long long> numReorders) : numReorders(numReorders) {
    }
    void execute() {
        ++*numReorders;
    }

private:
    shared_ptr<long long> numReorders;
};

static bool isShifted(const mm_int4& offset) {
    return offset.x != 0 || offset.y != 0 || offset.z != 0;
}

/** What single precision leaves of a number. GCC 12 computes zero for two of these side by side, but for volatile. */
static float getRest(double value) {
    volatile float rounded = (float)value;
    return (float)(value - rounded);
}

KeptPositions::KeptPositions(ComputeContext& cc)
    : cc(cc), nothing(cc), numReorders(make_shared<long long>(0)), indexVersion(-1), witness(-1) {
    cc.addReorderListener(new Listener(numReorders));
    kept.initialize(cc, cc.getPaddedNumAtoms(), cc.getPosq().getElementSize(), "genmdKeptPositions");
    if (cc.getUseMixedPrecision())
        keptCorrection.initialize<mm_float4>(cc, cc.getPaddedNumAtoms(), "genmdKeptCorrections");
    nothing.fit(uploaded, kept.getElementSize(), "genmdNewPositions");
    if (cc.getUseMixedPrecision())
        nothing.fit(uploadedCorrection, sizeof(mm_float4), "genmdNewCorrections");
    compileKernels();
}

void KeptPositions::compileKernels() {
    ComputeProgram program = KernelSources::compile(cc, KernelSources::positions);
    keepKernel = program->createKernel("keepPositions");
    keepKernel->addArg(cc.getNumAtoms());
    keepKernel->addArg(cc.getAtomIndexArray());
    keepKernel->addArg(cc.getPosq());
    keepKernel->addArg(kept);
    placeKernel = program->createKernel("placePositions");
    placeKernel->addArg(cc.getNumAtoms());
    placeKernel->addArg();
    placeKernel->addArg(cc.getAtomIndexArray());
    placeKernel->addArg(cc.getPosq());
    placeKernel->addArg(kept);
    placeKernel->addArg(nothing.getSlots());
    placeKernel->addArg(uploaded);
    gatherKernel = program->createKernel("gatherPositions");
    for (int i = 0; i < 4; i++)
        gatherKernel->addArg();
    gatherKernel->setArg(2, kept);
    if (cc.getUseMixedPrecision()) {
        keepKernel->addArg(cc.getPosqCorrection());
        keepKernel->addArg(keptCorrection);
        placeKernel->addArg(cc.getPosqCorrection());
        placeKernel->addArg(keptCorrection);
        placeKernel->addArg(uploadedCorrection);
        gatherKernel->addArg(keptCorrection);
    }
}

void KeptPositions::keep() {
    keepKernel->execute(cc.getNumAtoms());
    keepOffsets();
}

void KeptPositions::keepOffsets() {
    if (indexVersion != *numReorders) {
        const vector<int>& order = cc.getAtomIndex();
        deviceIndex.resize(cc.getNumAtoms());
        for (int i = 0; i < cc.getNumAtoms(); i++)
            deviceIndex[order[i]] = i;
        indexVersion = *numReorders;
    }
    offsets = cc.getPosCellOffsets();
    auto shifted = find_if(offsets.begin(), offsets.begin() + cc.getNumAtoms(), isShifted);
    witness = shifted == offsets.begin() + cc.getNumAtoms() ? -1 : (int)(shifted - offsets.begin());
}

/** Between two reorderings OpenMM changes offsets in one way only: setting positions makes all of them zero. */
bool KeptPositions::offsetsChanged() const {
    return indexVersion != *numReorders || (witness >= 0 && !isShifted(cc.getPosCellOffsets()[witness]));
}

void KeptPositions::placeOffsets() {
    if (!offsetsChanged())
        return;
    const vector<int>& order = cc.getAtomIndex();
    vector<mm_int4> placed = cc.getPosCellOffsets();
    for (int i = 0; i < cc.getNumAtoms(); i++)
        placed[i] = offsets[deviceIndex[order[i]]];
    cc.setPosCellOffsets(placed);
}

/** How far a particle is shown from where the device has it. */
Vec3 KeptPositions::getShift(int particle, const Vec3* box) const {
    const mm_int4& offset = offsets[deviceIndex[particle]];
    return box[0] * offset.x + box[1] * offset.y + box[2] * offset.z;
}

void KeptPositions::place() {
    placeOnDevice(false);
}

void KeptPositions::place(ParticleList& particles, const vector<Vec3>& positions) {
    upload(particles, positions);
    placeKernel->setArg(5, particles.getSlots());
    placeKernel->setArg(6, uploaded);
    if (cc.getUseMixedPrecision())
        placeKernel->setArg(9, uploadedCorrection);
    placeOnDevice(true);
}

void KeptPositions::placeOnDevice(bool hasNew) {
    placeOffsets();
    placeKernel->setArg(1, (int)hasNew);
    placeKernel->execute(cc.getNumAtoms());
}

void KeptPositions::upload(ParticleList& particles, const vector<Vec3>& positions) {
    particles.fit(uploaded, kept.getElementSize(), "genmdNewPositions");
    vector<mm_double4> values;
    vector<mm_float4> corrections;
    Vec3 box[3];
    cc.getPeriodicBoxVectors(box[0], box[1], box[2]);
    for (int i = 0; i < particles.getSize(); i++) {
        Vec3 p = positions[i] + getShift(particles.getParticles()[i], box);
        values.push_back(mm_double4(p[0], p[1], p[2], 0));
        corrections.push_back(mm_float4(getRest(p[0]), getRest(p[1]), getRest(p[2]), 0));
    }
    uploaded.upload(values, true);
    if (cc.getUseMixedPrecision()) {
        particles.fit(uploadedCorrection, sizeof(mm_float4), "genmdNewCorrections");
        uploadedCorrection.upload(corrections);
    }
}

ArrayInterface& KeptPositions::gatherOnDevice(ParticleList& particles) {
    particles.fit(gathered, cc.getVelm().getElementSize(), "genmdGatheredPositions");
    gatherKernel->setArg(0, particles.getSize());
    gatherKernel->setArg(1, particles.getIndices());
    gatherKernel->setArg(3, gathered);
    gatherKernel->execute(particles.getSize());
    return gathered;
}

vector<Vec3> KeptPositions::getShifts(const ParticleList& particles) const {
    Vec3 box[3];
    cc.getPeriodicBoxVectors(box[0], box[1], box[2]);
    vector<Vec3> shifts;
    for (int particle : particles.getParticles())
        shifts.push_back(getShift(particle, box));
    return shifts;
}

void KeptPositions::gather(ParticleList& particles, vector<Vec3>& positions) {
    positions.resize(particles.getSize());
    if (particles.getSize() == 0)
        return;
    vector<mm_double4> values;
    gatherOnDevice(particles).download(values, true);
    vector<Vec3> shifts = getShifts(particles);
    for (int i = 0; i < particles.getSize(); i++)
        positions[i] = Vec3(values[i].x, values[i].y, values[i].z) - shifts[i];
}
