#include "PositionTensor.h"
#include "KernelSources.h"
#include <memory>

using namespace OpenMM;
using namespace std;

PositionTensor::PositionTensor(ComputeContext& cc, ArrayLocator locate) : cc(cc), locate(locate) {
    kernel = KernelSources::compile(cc, KernelSources::tensors)->createKernel("fillTensor");
    for (int i = 0; i < 4; i++)
        kernel->addArg();
}

JumpTensor PositionTensor::make(KeptPositions& positions, ParticleList& particles) {
    particles.fit(shifts, sizeof(Vec3), "genmdShifts");
    particles.fit(tensor, sizeof(Vec3), "genmdTensor");
    vector<Vec3> values = positions.getShifts(particles);
    values.resize(shifts.getSize());
    shifts.upload(values);
    kernel->setArg(0, particles.getSize());
    kernel->setArg(1, positions.gatherOnDevice(particles));
    kernel->setArg(2, shifts);
    kernel->setArg(3, tensor);
    kernel->execute(particles.getSize());
    // Returns when the device is done: whoever gets the tensor need not know of OpenMM's stream.
    tensor.download(values);
    JumpTensor result;
    if (locate)
        result = locate(cc, tensor);
    else {
        auto copy = make_shared<vector<Vec3>>(values);
        result.device = JumpTensor::Cpu;
        result.data = copy->data();
        result.owner = copy;
    }
    result.numParticles = particles.getSize();
    return result;
}
