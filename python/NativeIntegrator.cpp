#include "NativeIntegrator.h"

namespace py = pybind11;
using namespace OpenMM;

Integrator* getOpenMMIntegrator(py::handle integrator) {
    if (!py::hasattr(integrator, "this"))
        throw py::type_error("expected an OpenMM Integrator, got an object without a C++ counterpart (was its "
                             "__init__ called?)");
    py::int_ address(integrator.attr("this"));
    return reinterpret_cast<Integrator*>(PyLong_AsVoidPtr(address.ptr()));
}

GenerativeJumpIntegrator& getNativeIntegrator(py::handle integrator) {
    GenerativeJumpIntegrator* native = dynamic_cast<GenerativeJumpIntegrator*>(getOpenMMIntegrator(integrator));
    if (native == nullptr)
        throw py::type_error("expected a GenerativeJumpIntegrator, got another kind of Integrator");
    return *native;
}
