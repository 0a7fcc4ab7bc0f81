#include "NativeSystem.h"
#include "bindings.h"
#include "genmd/BatchedEnergy.h"
#include <memory>
#include <optional>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

namespace py = pybind11;
using namespace OpenMM;

typedef py::array_t<double, py::array::c_style> Array;

static std::shared_ptr<BatchedEnergy> create(py::handle system, const std::vector<int>& particles, int threads,
                                             const std::optional<std::string>& platform) {
    Platform* device = platform ? &Platform::getPlatformByName(*platform) : nullptr;
    auto energy = std::make_shared<BatchedEnergy>(getOpenMMSystem(system), particles, device);
    energy->setNumThreads(threads);
    return energy;
}

static py::array_t<double> evaluate(const BatchedEnergy& energy, const Array& positions) {
    py::array_t<double> energies(positions.shape(0));
    const double* from = positions.data();
    double* to = energies.mutable_data();
    const int count = positions.shape(0);
    py::gil_scoped_release release;
    energy.evaluate(from, count, to);
    return energies;
}

void bindBatchedEnergy(py::module_& module) {
    py::class_<CandidateEnergy, std::shared_ptr<CandidateEnergy>>(module, "CandidateEnergy")
        .def_property_readonly("particles", &CandidateEnergy::getParticles);
    py::class_<BatchedEnergy, CandidateEnergy, std::shared_ptr<BatchedEnergy>>(module, "BatchedEnergy")
        .def(py::init(&create), py::arg("system"), py::arg("particles"), py::arg("threads"),
             py::arg("platform") = py::none())
        .def("evaluate", &evaluate, py::arg("positions").noconvert())
        .def_property("instruction_set", &BatchedEnergy::getInstructionSet, &BatchedEnergy::setInstructionSet)
        .def_static("instruction_sets", &BatchedEnergy::getInstructionSets);
}
