#include "genmd/JumpKernel.h"

using namespace OpenMM;
using namespace std;

JumpTensor JumpKernel::getTensor(const vector<int>& indices) {
    auto positions = make_shared<vector<Vec3>>();
    getPositions(indices, *positions);
    JumpTensor tensor;
    tensor.device = JumpTensor::Cpu;
    tensor.data = positions->data();
    tensor.numParticles = indices.size();
    tensor.owner = positions;
    return tensor;
}
