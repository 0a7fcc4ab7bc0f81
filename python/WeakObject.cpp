#include "WeakObject.h"
#include "openmm/OpenMMException.h"

namespace py = pybind11;

WeakObject::WeakObject(py::object object, const std::string& role) : weak(py::weakref(object)), role(role) {
}

WeakObject::~WeakObject() {
    if (Py_IsInitialized()) {
        py::gil_scoped_acquire gil;
        weak = py::object();
        strong = py::object();
    } else {
        // The interpreter is gone and with it the objects.
        weak.release();
        strong.release();
    }
}

py::object WeakObject::get() const {
    py::object object = weak();
    if (object.is_none())
        throw OpenMM::OpenMMException("GenerativeJumpIntegrator: its Python object no longer exists and took the " +
                                      role + " along. Keep a reference to it");
    return object;
}

void WeakObject::keepAlive() {
    strong = get();
}
