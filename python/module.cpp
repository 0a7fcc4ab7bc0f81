#include "Handoff.h"
#include "bindings.h"
#include "openmm/OpenMMException.h"

namespace py = pybind11;

/** OpenMM's errors arrive as the exception that OpenMM's own wrappers raise. */
static void translateOpenMMException(std::exception_ptr pointer) {
    try {
        if (pointer)
            std::rethrow_exception(pointer);
    } catch (const OpenMM::OpenMMException& exception) {
        py::set_error(py::module_::import("openmm").attr("OpenMMException"), exception.what());
    }
}

PYBIND11_MODULE(_core, module) {
    module.doc() = "The compiled part of openmm_genmd. Use openmm_genmd.GenerativeJumpIntegrator instead.";
    module.attr("OPENMM_VERSION") = GENMD_OPENMM_VERSION;
    py::register_exception_translator(&translateOpenMMException);
    registerHandoff();
    bindJumpRecord(module);
    bindBatchedEnergy(module);
    bindBlockNetwork(module);
    bindSwitching(module);
    bindGenerativeJumpIntegrator(module);
}
