/* Prints the time in ms that the device kernel's data movement takes per rejected jump, without any energy:
 * keep positions and forces, hand out the moved particles' positions, place a candidate, put everything back.
 * Arguments: number of atoms, number of moved ones, repeats. benchmarks/bookkeeping_speed.py runs this. */
#include "KeptForces.h"
#include "KeptPositions.h"
#include "openmm/Context.h"
#include "openmm/Platform.h"
#include "openmm/VerletIntegrator.h"
#include "openmm/opencl/OpenCLContext.h"
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>

using namespace OpenMM;
using namespace std;

static double now() {
    return chrono::duration<double>(chrono::steady_clock::now().time_since_epoch()).count();
}

int main(int argc, char* argv[]) {
    if (argc != 4) {
        cerr << "usage: JumpBookkeeping ATOMS MOVED REPEATS" << endl;
        return 2;
    }
    const int atoms = atoi(argv[1]), numMoved = atoi(argv[2]), repeats = atoi(argv[3]);
    Platform::loadPluginsFromDirectory(getenv("OPENMM_PLUGIN_DIR"));
    System system;
    vector<Vec3> positions, candidate, found;
    for (int i = 0; i < atoms; i++) {
        system.addParticle(40.0);
        positions.push_back(Vec3(i % 50, i / 50 % 50, i / 2500) * 0.4);
    }
    VerletIntegrator integrator(0.001);
    Context context(system, integrator, Platform::getPlatformByName("OpenCL"));
    context.setPositions(positions);
    ContextImpl& impl = **reinterpret_cast<ContextImpl**>(&context);
    ComputeContext& cc = *static_cast<OpenCLPlatform::PlatformData*>(impl.getPlatformData())->contexts[0];
    vector<int> particles;
    for (int i = 0; i < numMoved; i++)
        particles.push_back((int)((long long)i * atoms / numMoved));
    KeptPositions kept(cc, system, particles);
    KeptForces forces(cc);
    ParticleList moved(cc);
    moved.set(particles);
    vector<double> seconds;
    for (int i = 0; i < repeats + 5; i++) { // the first ones compile and allocate
        double start = now();
        kept.keep();
        forces.keep();
        kept.gather(moved, found);
        candidate = found;
        for (Vec3& position : candidate)
            position[0] += 0.01;
        kept.placeLeap(candidate);
        kept.place();
        kept.gather(moved, found); // waits for the device
        if (i >= 5)
            seconds.push_back(now() - start);
    }
    sort(seconds.begin(), seconds.end());
    cout << 1e3 * seconds[repeats / 2] << endl;
    return 0;
}
