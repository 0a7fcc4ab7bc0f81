#ifndef GENMD_BINDINGS_H_
#define GENMD_BINDINGS_H_

#include <pybind11/pybind11.h>

void bindJumpRecord(pybind11::module_& module);
void bindBatchedEnergy(pybind11::module_& module);
void bindBlockNetwork(pybind11::module_& module);
void bindSwitching(pybind11::module_& module);
void bindGenerativeJumpIntegrator(pybind11::module_& module);

#endif /*GENMD_BINDINGS_H_*/
