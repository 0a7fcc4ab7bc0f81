#include "bindings.h"
#include "genmd/JumpRecord.h"

namespace py = pybind11;
using namespace OpenMM;

void bindJumpRecord(py::module_& module) {
    py::class_<JumpRecord>(module, "JumpRecord", "What happened at one attempted jump.")
        .def_readonly("index", &JumpRecord::index, "Serial number since the statistics were reset, from 0.")
        .def_readonly("step", &JumpRecord::step, "Step count of the Context at the attempt.")
        .def_readonly("accepted", &JumpRecord::accepted, "Whether the new conformation was taken.")
        .def_readonly("probability", &JumpRecord::probability, "Acceptance probability.")
        .def_readonly("work_kj_per_mol", &JumpRecord::work, "Protocol work, kJ/mol.")
        .def_readonly("log_ratio", &JumpRecord::logRatio, "log q(x|y) - log q(y|x) + log|J|.")
        .def_readonly("shadow_work_kj_per_mol", &JumpRecord::shadowWork,
                      "Change of the total energy less heat and protocol work, kJ/mol; NaN where it is not known.")
        .def_readonly("switching_steps", &JumpRecord::numSwitchingSteps, "Evaluations of a switch, in MD steps.")
        .def_property_readonly(
            "reason", [](const JumpRecord& record) { return getReasonName(record.reason); },
            "Reason of rejection: steric, strain, ratio, not finite, constraint, surrogate, work, terminated; empty if "
            "accepted.")
        .def_readonly("model_seconds", &JumpRecord::modelSeconds, "Wall time inside the proposer.")
        .def_readonly("energy_seconds", &JumpRecord::energySeconds, "Wall time of energy evaluations.")
        .def_readonly("bookkeeping_seconds", &JumpRecord::bookkeepingSeconds, "The rest of the wall time.")
        .def("__repr__", [](const JumpRecord& record) {
            return py::str("JumpRecord(step={}, accepted={}, probability={:.4g}, work_kj_per_mol={:.6g}, "
                           "log_ratio={:.6g}, reason={!r})")
                .format(record.step, record.accepted, record.probability, record.work, record.logRatio,
                        getReasonName(record.reason));
        });
}
