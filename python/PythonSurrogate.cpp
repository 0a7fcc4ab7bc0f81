#include "PythonSurrogate.h"
#include "Arrays.h"

namespace py = pybind11;
using namespace OpenMM;

PythonSurrogate::PythonSurrogate(py::object owner, const std::vector<int>& particles)
    : owner(owner, "surrogate energy"), particles(particles) {
}

const std::vector<int>& PythonSurrogate::getParticles() const {
    return particles;
}

void PythonSurrogate::evaluate(const std::vector<Vec3>& positions, int count, std::vector<double>& energies) {
    py::gil_scoped_acquire gil;
    energies = toDoubles(owner.get().attr("energies")(toBlocks(positions, count)).cast<DoubleArray>());
}

void PythonSurrogate::keepAlive() {
    py::gil_scoped_acquire gil;
    owner.keepAlive();
}

py::object PythonSurrogate::getOwner() const {
    return owner.get();
}

std::shared_ptr<CandidateEnergy> getSurrogate(const GenerativeJumpIntegrator& integrator, py::object surrogate) {
    if (py::isinstance<CandidateEnergy>(surrogate))
        return surrogate.cast<std::shared_ptr<CandidateEnergy>>();
    if (surrogate.is_none())
        return nullptr;
    return std::make_shared<PythonSurrogate>(surrogate, integrator.getProposer()->getParticles());
}
