#include "DLPack.h"
#include <cstdint>

namespace py = pybind11;
using OpenMM::JumpTensor;

namespace {

/* The structures of DLPack 0.x, whose layout is fixed (https://dmlc.github.io/dlpack/latest/c_api.html). */

struct DLDevice {
    int32_t deviceType, deviceId;
};

struct DLDataType {
    uint8_t code, bits;
    uint16_t lanes;
};

struct DLTensor {
    void* data;
    DLDevice device;
    int32_t ndim;
    DLDataType dtype;
    int64_t* shape;
    int64_t* strides;
    uint64_t byteOffset;
};

struct DLManagedTensor {
    DLTensor tensor;
    void* context;
    void (*deleter)(DLManagedTensor*);
};

const uint8_t FLOATING_POINT = 2;

/** A managed tensor with what it refers to. */
struct Holder {
    DLManagedTensor managed;
    int64_t shape[2];
    std::shared_ptr<void> owner;
};

void destroyManaged(DLManagedTensor* managed) {
    delete static_cast<Holder*>(managed->context);
}

/** A capsule that nobody took over still owns its tensor; one that was is called used_dltensor. */
void destroyCapsule(PyObject* capsule) {
    if (PyCapsule_IsValid(capsule, "dltensor"))
        destroyManaged(static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, "dltensor")));
}

} // namespace

py::capsule toDLPack(const JumpTensor& tensor) {
    Holder* holder = new Holder{};
    holder->shape[0] = tensor.numParticles;
    holder->shape[1] = 3;
    holder->owner = tensor.owner;
    DLDevice device = {(int32_t)tensor.device, tensor.deviceIndex};
    holder->managed.tensor = {tensor.data, device, 2, {FLOATING_POINT, 64, 1}, holder->shape, nullptr, 0};
    holder->managed.context = holder;
    holder->managed.deleter = &destroyManaged;
    return py::reinterpret_steal<py::capsule>(PyCapsule_New(&holder->managed, "dltensor", &destroyCapsule));
}
