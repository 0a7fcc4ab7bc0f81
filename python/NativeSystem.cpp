#include "NativeSystem.h"

namespace py = pybind11;

const OpenMM::System& getOpenMMSystem(py::handle system) {
    // System is no polymorphic class: only its wrapper tells what the address points to.
    if (!py::isinstance(system, py::module_::import("openmm").attr("System")))
        throw py::type_error("system must be an openmm.System, got " +
                             std::string(py::str(py::type::of(system).attr("__name__"))));
    py::int_ address(system.attr("this"));
    return *static_cast<const OpenMM::System*>(PyLong_AsVoidPtr(address.ptr()));
}
