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

KeptPositions::KeptPositions(ComputeContext& cc, const System& system, const vector<int>& leapingParticles)
    : cc(cc), nothing(cc), leaping(cc), changing(cc), othersChanged(true), stepsSinceReorder(-1), placesVersion(-1),
      numReorders(make_shared<long long>(0)), indexVersion(-1), witness(-1) {
    vector<int> changingParticles = leapingParticles;
    for (int i = 0; i < system.getNumParticles(); i++)
        if (system.isVirtualSite(i))
            changingParticles.push_back(i);
    leaping.set(leapingParticles);
    changing.set(changingParticles);
    leaping.fit(leapPlaces, sizeof(int), "genmdLeapPlaces");
    changing.fit(changingPlaces, sizeof(int), "genmdChangingPlaces");
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
    compileScatterKernels(program);
}

void KeptPositions::compileScatterKernels(ComputeProgram program) {
    scatterKernel = program->createKernel("scatterPositions");
    scatterKernel->addArg(leaping.getSize());
    scatterKernel->addArg(leapPlaces);
    scatterKernel->addArg(cc.getPosq());
    scatterKernel->addArg();
    restoreKernel = program->createKernel("restorePositions");
    restoreKernel->addArg(changing.getSize());
    restoreKernel->addArg(changingPlaces);
    restoreKernel->addArg(cc.getPosq());
    restoreKernel->addArg(changing.getIndices());
    restoreKernel->addArg(kept);
    if (cc.getUseMixedPrecision()) {
        scatterKernel->addArg(cc.getPosqCorrection());
        scatterKernel->addArg();
        restoreKernel->addArg(cc.getPosqCorrection());
        restoreKernel->addArg(keptCorrection);
    }
}

void KeptPositions::keep() {
    keepKernel->execute(cc.getNumAtoms());
    keepOffsets();
    uploadPlaces();
    othersChanged = false;
    stepsSinceReorder = cc.getStepsSinceReorder();
}

/** Tell the device where the particles are that candidates change. */
void KeptPositions::uploadPlaces() {
    if (placesVersion == indexVersion)
        return;
    for (auto& [list, array] :
         {pair<ParticleList*, ComputeArray*>(&leaping, &leapPlaces), {&changing, &changingPlaces}}) {
        vector<int> places;
        for (int particle : list->getParticles())
            places.push_back(deviceIndex[particle]);
        array->upload(places);
    }
    placesVersion = indexVersion;
}

/** Whether nobody else touched the positions: whoever sets them makes OpenMM count, or reorder. */
bool KeptPositions::onlyLeapChanged() const {
    return !othersChanged && indexVersion == *numReorders && stepsSinceReorder == cc.getStepsSinceReorder();
}

void KeptPositions::keepOffsets() {
    if (indexVersion != *numReorders) {
        const vector<int>& order = cc.getAtomIndex();
        deviceIndex.resize(cc.getNumAtoms());
        for (int i = 0; i < cc.getNumAtoms(); i++)
            deviceIndex[order[i]] = i;
        indexVersion = *numReorders;
    }
    // Without periodic interactions OpenMM moves nothing into a box: all offsets are zero for ever.
    if (!offsets.empty() && !cc.getNonbondedUtilities().getUsePeriodic())
        return;
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
    if (onlyLeapChanged())
        restoreKernel->execute(changing.getSize());
    else
        placeAll(false);
}

void KeptPositions::placeLeap(const vector<Vec3>& positions) {
    if (!onlyLeapChanged()) {
        place(leaping, positions);
        othersChanged = false;
        return;
    }
    upload(leaping, positions);
    scatterKernel->setArg(3, uploaded);
    if (cc.getUseMixedPrecision())
        scatterKernel->setArg(5, uploadedCorrection);
    scatterKernel->execute(leaping.getSize());
}

void KeptPositions::place(ParticleList& particles, const vector<Vec3>& positions) {
    upload(particles, positions);
    placeKernel->setArg(5, particles.getSlots());
    placeKernel->setArg(6, uploaded);
    if (cc.getUseMixedPrecision())
        placeKernel->setArg(9, uploadedCorrection);
    placeAll(true);
}

void KeptPositions::placeAll(bool hasNew) {
    placeOffsets();
    placeKernel->setArg(1, (int)hasNew);
    placeKernel->execute(cc.getNumAtoms());
    othersChanged = hasNew;
    stepsSinceReorder = cc.getStepsSinceReorder();
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
