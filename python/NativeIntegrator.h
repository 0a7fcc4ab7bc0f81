#ifndef GENMD_NATIVEINTEGRATOR_H_
#define GENMD_NATIVEINTEGRATOR_H_

#include "genmd/GenerativeJumpIntegrator.h"
#include <pybind11/pybind11.h>

/**
 * Get the C++ object behind an integrator that OpenMM's own (SWIG) wrappers know.
 *
 * @param integrator   a Python object with OpenMM's attribute "this". Raises a TypeError if there is none, or if the
 *                     C++ object is not a GenerativeJumpIntegrator.
 */
OpenMM::GenerativeJumpIntegrator& getNativeIntegrator(pybind11::handle integrator);

/** Get the C++ object behind any integrator of OpenMM. Raises a TypeError if there is none. */
OpenMM::Integrator* getOpenMMIntegrator(pybind11::handle integrator);

#endif /*GENMD_NATIVEINTEGRATOR_H_*/
