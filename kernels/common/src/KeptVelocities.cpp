#include "KeptVelocities.h"
#include "KernelSources.h"

using namespace OpenMM;
using namespace std;

KeptVelocities::KeptVelocities(ComputeContext& cc) : cc(cc) {
    int elementSize = cc.getVelm().getElementSize();
    kept.initialize(cc, cc.getPaddedNumAtoms(), elementSize, "genmdKeptVelocities");
    current.initialize(cc, cc.getPaddedNumAtoms(), elementSize, "genmdCurrentVelocities");
    compileKernels();
}

void KeptVelocities::compileKernels() {
    ComputeProgram program = KernelSources::compile(cc, KernelSources::velocities);
    keepKernel = program->createKernel("keepVelocities");
    placeKernel = program->createKernel("placeVelocities");
    addKernel = program->createKernel("addKeptVelocities");
    for (ComputeKernel kernel : {keepKernel, placeKernel, addKernel}) {
        kernel->addArg(cc.getNumAtoms());
        kernel->addArg(cc.getAtomIndexArray());
        kernel->addArg(cc.getVelm());
        kernel->addArg();
    }
    placeKernel->addArg();
    addKernel->addArg(kept);
    placeForceChangeKernel = program->createKernel("placeForceChange");
    placeForceChangeKernel->addArg(cc.getNumAtoms());
    placeForceChangeKernel->addArg(cc.getPaddedNumAtoms());
    placeForceChangeKernel->addArg();
    placeForceChangeKernel->addArg(cc.getAtomIndexArray());
    placeForceChangeKernel->addArg(cc.getVelm());
    gatherKernel = program->createKernel("gatherVelocities");
    for (int i = 0; i < 3; i++)
        placeForceChangeKernel->addArg();
    for (int i = 0; i < 4; i++)
        gatherKernel->addArg();
}

void KeptVelocities::keep() {
    keepKernel->setArg(3, kept);
    keepKernel->execute(cc.getNumAtoms());
}

void KeptVelocities::place(ParticleList& particles, const vector<Vec3>& velocities) {
    particles.fit(uploaded, cc.getVelm().getElementSize(), "genmdNewVelocities");
    vector<mm_double4> values;
    for (const Vec3& v : velocities)
        values.push_back(mm_double4(v[0], v[1], v[2], 0));
    uploaded.upload(values, true);
    placeKernel->setArg(3, particles.getSlots());
    placeKernel->setArg(4, uploaded);
    placeKernel->execute(cc.getNumAtoms());
}

void KeptVelocities::placeForceChange(ParticleList& particles, double timeOffset, ArrayInterface& forcesAtX,
                                      ArrayInterface& forcesAtY) {
    if (cc.getUseDoublePrecision() || cc.getUseMixedPrecision())
        placeForceChangeKernel->setArg(2, timeOffset);
    else
        placeForceChangeKernel->setArg(2, (float)timeOffset);
    placeForceChangeKernel->setArg(5, particles.getSlots());
    placeForceChangeKernel->setArg(6, forcesAtX);
    placeForceChangeKernel->setArg(7, forcesAtY);
    placeForceChangeKernel->execute(cc.getNumAtoms());
}

void KeptVelocities::addTo(ParticleList& particles) {
    addKernel->setArg(3, particles.getSlots());
    addKernel->execute(cc.getNumAtoms());
}

void KeptVelocities::gatherCurrent(ParticleList& particles, vector<Vec3>& velocities) {
    keepKernel->setArg(3, current);
    keepKernel->execute(cc.getNumAtoms());
    particles.fit(gathered, cc.getVelm().getElementSize(), "genmdGatheredVelocities");
    gatherKernel->setArg(0, particles.getSize());
    gatherKernel->setArg(1, particles.getIndices());
    gatherKernel->setArg(2, current);
    gatherKernel->setArg(3, gathered);
    gatherKernel->execute(particles.getSize());
    vector<mm_double4> values;
    gathered.download(values, true);
    velocities.clear();
    for (const mm_double4& v : values)
        velocities.push_back(Vec3(v.x, v.y, v.z));
}
