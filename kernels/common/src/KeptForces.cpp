#include "KeptForces.h"
#include "KernelSources.h"

using namespace OpenMM;
using namespace std;

/** OpenMM's fixed point forces in kJ/mol/nm. */
static const double FORCE_SCALE = 1.0 / (double)0x100000000LL;

KeptForces::KeptForces(ComputeContext& cc) : cc(cc) {
    kept.initialize<long long>(cc, 3 * cc.getPaddedNumAtoms(), "genmdKeptForces");
    ComputeProgram program = KernelSources::compile(cc, KernelSources::velocities);
    keepKernel = program->createKernel("keepForces");
    keepKernel->addArg(cc.getNumAtoms());
    keepKernel->addArg(cc.getPaddedNumAtoms());
    keepKernel->addArg(cc.getAtomIndexArray());
    keepKernel->addArg(cc.getLongForceBuffer());
    keepKernel->addArg(kept);
    gatherKernel = program->createKernel("gatherForces");
    gatherKernel->addArg();
    gatherKernel->addArg(cc.getPaddedNumAtoms());
    gatherKernel->addArg();
    gatherKernel->addArg(kept);
    gatherKernel->addArg();
}

void KeptForces::keep() {
    keepKernel->execute(cc.getNumAtoms());
}

void KeptForces::gather(ParticleList& particles, vector<Vec3>& forces) {
    particles.fit(gathered, 3 * sizeof(long long), "genmdGatheredForces");
    gatherKernel->setArg(0, particles.getSize());
    gatherKernel->setArg(2, particles.getIndices());
    gatherKernel->setArg(4, gathered);
    gatherKernel->execute(particles.getSize());
    vector<long long> values(3 * gathered.getSize());
    gathered.download(values.data());
    forces.resize(particles.getSize());
    for (int i = 0; i < particles.getSize(); i++)
        forces[i] = Vec3(values[3 * i], values[3 * i + 1], values[3 * i + 2]) * FORCE_SCALE;
}
