#include "DevicePlatform.h"
#include "TestJumpKernel.h"

int main() {
    return runDeviceTests("CUDA", [](const string& precision) { testJumpKernel("CUDA", precision); });
}
